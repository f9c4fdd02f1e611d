"""Comparisons as text, CSV, Markdown and HTML; whatever a model wrote stays text in all of them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from html import escape
from statistics import median
from typing import TypeAlias

from flux_tui.commands.common import money, table
from flux_tui.core.sanitize import one_line, sanitize
from flux_tui.core.usage import JSON, sum_costs
from flux_tui.session.jobs_run import load_cost

Compared: TypeAlias = "dict[str, JSON]"
"""One prompt: ``{"id", "prompt", "answers": [...], "judge"}``."""

_COLUMNS = (
    *("id", "prompt", "model", "text", "stop", "error", "ttft_ms", "duration_ms", "tokens_per_s"),
    *("input", "cache_read", "cache_write", "output", "usd", "basis", "winner"),
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Comparison</title>
<style>
body {{ font: 16px/1.5 sans-serif; margin: 2em; }}
table {{ border-collapse: collapse; margin: 1em 0; }}
td, th {{ border: 1px solid #888; padding: .3em .6em; text-align: left; vertical-align: top; }}
pre {{ white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; margin: 0; }}
.answers {{ display: flex; gap: 1em; flex-wrap: wrap; }}
.answers section {{ flex: 1 1 20em; border-top: 4px solid #06c; }}
h2 {{ font-size: 1em; }} h3 {{ font-size: .9em; }}
</style></head><body>
<h1>Comparison</h1>
{body}
</body></html>
"""


def as_text(found: Sequence[Compared]) -> str:
    """Return the answers one below the other and a table; of many prompts the table alone."""
    blocks: list[str] = []
    if len(found) == 1:
        for answer in _answers(found[0]):
            said = sanitize(_said(answer))
            blocks.append(f"── {answer['model']}\n{said}")
    blocks += [_verdict(one) for one in found if one.get("judge") is not None]
    blocks.append(table(_SUMMARY_HEAD, _summary(found)))
    return "\n\n".join(blocks)


def as_csv(found: Sequence[Compared]) -> str:
    """Return one row for each answer; no cell can be a formula to a spreadsheet."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for one in found:
        writer.writerows(
            [_cell(row[column]) for column in _COLUMNS]
            for row in (_row(one, answer) for answer in _answers(one))
        )
    return out.getvalue().rstrip("\n")


def as_markdown(found: Sequence[Compared]) -> str:
    """Return the table, then each prompt with its answers, in fences."""
    lines = [_markdown_row(_SUMMARY_HEAD), _markdown_row(["---"] * len(_SUMMARY_HEAD))]
    lines += [_markdown_row([_escaped(cell) for cell in row]) for row in _summary(found)]
    blocks = ["# Comparison", "\n".join(lines)]
    for one in found:
        blocks += [f"## Prompt {_escaped(str(one['id']))}", _fenced(str(one["prompt"]))]
        for answer in _answers(one):
            blocks.append(f"### {_escaped(str(answer['model']))}")
            blocks.append(_fenced(_said(answer)))
        if one.get("judge") is not None:
            blocks.append(_escaped(_verdict(one)))
    return "\n\n".join(blocks)


def as_html(found: Sequence[Compared]) -> str:
    """Return one page that loads and runs nothing."""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in _SUMMARY_HEAD)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
        for row in _summary(found)
    )
    body = [f"<table><tr>{head}</tr>{rows}</table>"]
    for one in found:
        body.append(f"<h2>Prompt {escape(str(one['id']))}</h2>{_pre(str(one['prompt']))}")
        sections = "".join(
            f"<section><h3>{escape(str(answer['model']))}</h3>{_pre(_said(answer))}</section>"
            for answer in _answers(one)
        )
        body.append(f'<div class="answers">{sections}</div>')
        if one.get("judge") is not None:
            body.append(f"<p>{escape(_verdict(one))}</p>")
    return _PAGE.format(body="\n".join(body))


_SUMMARY_HEAD = (
    *("model", "answered", "failed", "won", "first text", "tokens/s", "seconds", "tokens", "cost"),
)


def _summary(found: Sequence[Compared]) -> list[list[str]]:
    """Return a row for each model: counts, medians of the times, sums of tokens and cost."""
    by_model: dict[str, list[dict[str, JSON]]] = {}
    for one in found:
        for answer in _answers(one):
            by_model.setdefault(str(answer["model"]), []).append(answer)
    winners = [_object(one.get("judge")).get("winner") for one in found]
    rows: list[list[str]] = []
    for model, answers in by_model.items():
        good = [answer for answer in answers if not answer["error"]]
        tokens = sum(_number(_object(answer["usage"]).get("output")) for answer in good)
        rows.append(
            [
                model,
                str(len(good)),
                str(len(answers) - len(good)),
                str(winners.count(model)),
                _middle(good, "ttft_ms", 1_000, " s"),
                _middle(good, "tokens_per_s", 1, ""),
                _middle(good, "duration_ms", 1_000, " s"),
                f"{tokens:,.0f}",
                money(sum_costs(load_cost(answer["cost"]) for answer in answers)),
            ]
        )
    return rows


def _middle(answers: Sequence[dict[str, JSON]], name: str, unit: int, word: str) -> str:
    values = [_number(answer[name]) / unit for answer in answers if answer[name] is not None]
    return f"{median(values):.2f}{word}" if values else "-"


def _verdict(one: Compared) -> str:
    judge = _object(one["judge"])
    cost = money(load_cost(judge.get("cost")))
    if judge.get("error"):
        said = f"no verdict: {judge['error']}"
    elif judge.get("agree"):
        winner = judge["winner"]
        said = "a tie, in both orders" if winner == "tie" else f"{winner} is best, in both orders"
    else:
        said = "no verdict: the order of the answers decided"
    return one_line(f"{judge['model']} judges prompt {one['id']}: {said} ({cost})", 500)


def _row(one: Compared, answer: dict[str, JSON]) -> dict[str, JSON]:
    usage, cost = _object(answer["usage"]), _object(answer["cost"])
    winner = _object(one.get("judge")).get("winner")
    return {"id": one["id"], "prompt": one["prompt"], **answer, **usage, **cost, "winner": winner}


def _cell(value: JSON) -> str:
    """Return *value* for a spreadsheet, which would run a text that begins like a formula."""
    if value is None or isinstance(value, int | float):
        return "" if value is None else str(value)
    text = sanitize(str(value))
    return f"'{text}" if text.lstrip(" \n").startswith(_FORMULA) else text


def _said(answer: dict[str, JSON]) -> str:
    """Return an answer's text, and why it is not whole."""
    error = one_line(str(answer["error"]), 500)
    parts = [str(answer["text"]), f"[failed: {error}]" if error else ""]
    return "\n\n".join(part for part in parts if part)


def _escaped(text: str) -> str:
    """Return *text* for a line of Markdown in which nothing of it is markup."""
    return re.sub(r"([\\`*_{}\[\]<>()#!|~&])", r"\\\1", one_line(text, 500))


def _markdown_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _fenced(text: str) -> str:
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{sanitize(text)}\n{fence}"


def _pre(text: str) -> str:
    return f"<pre>{escape(sanitize(text))}</pre>"


def _answers(one: Compared) -> Iterator[dict[str, JSON]]:
    answers = one["answers"]
    for answer in answers if isinstance(answers, list) else ():
        yield _object(answer)


def _object(value: JSON) -> dict[str, JSON]:
    return value if isinstance(value, dict) else {}


def _number(value: JSON) -> float:
    return value if isinstance(value, int | float) else 0
