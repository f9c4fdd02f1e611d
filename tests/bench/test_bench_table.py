"""What the benchmark says of its figures."""

from bench.scenarios import percentile, scenarios
from bench.subjects import FLOOR, OURS, RESUMED
from bench.table import AIMS, medians, table


def test_every_aim_is_of_a_scenario_and_a_subject_that_are_measured() -> None:
    subjects = {scenario.name: scenario.subjects for scenario in scenarios(200)}
    for (scenario, _), aims in AIMS.items():
        assert aims
        for aim in aims:
            assert {aim.subject, aim.of or aim.subject} <= set(subjects[scenario])


def test_an_aim_is_met_up_to_its_limit_and_missed_above_it() -> None:
    met = table("md2k200", {OURS: {"CPU, s": 3.0}})
    missed = table("md2k200", {OURS: {"CPU, s": 3.01}})
    assert "at most 3: met" in met
    assert "at most 3: MISSED" in missed


def test_an_aim_beside_another_is_judged_by_the_ratio_of_the_same_run() -> None:
    values = {OURS: {"echo of a key, ms": 230.0}, FLOOR: {"echo of a key, ms": 200.0}}
    assert f"at most 1.15 x {FLOOR}: met" in table("start", values)
    values[FLOOR] = {"echo of a key, ms": 190.0}
    assert f"at most 1.15 x {FLOOR}: MISSED" in table("start", values)


def test_nothing_is_judged_that_was_not_measured() -> None:
    shown = table("idle", {OURS: {"RSS, MiB": 50.0}})
    assert "at most 60: met" in shown
    assert RESUMED not in shown


def test_a_scenario_without_ours_shows_the_others_all_the_same() -> None:
    shown = table("resume", {RESUMED: {"RSS, MiB": 90.0}})
    assert "90.0" in shown
    assert f"{RESUMED}: at most 82.5: MISSED" in shown


def test_medians_take_each_figure_from_the_runs_that_have_it() -> None:
    assert medians([{"a": 1.0}, {"a": 5.0, "b": 2.0}, {"a": 3.0}]) == {"a": 3.0, "b": 2.0}


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(value) for value in range(1, 41)]
    assert percentile(values, 0.95) == 38.0
    assert percentile([7.0], 0.95) == 7.0
