"""Pages of the manual that are made from the code say what the code does."""

import asyncio

from scripts.switch_matrix import PAGE, made


def test_the_tables_of_a_switch_are_up_to_date() -> None:
    page = PAGE.read_text("utf-8")

    assert asyncio.run(made(page)) == page, "run: make docs"
