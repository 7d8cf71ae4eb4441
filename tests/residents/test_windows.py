"""Figures of a window: added up over residents, each counted once."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from psycopg import Connection

from trackai_pipelines.database.connection import connect
from trackai_pipelines.residents.windows import collect_figures, note_figures


def test_figures_of_all_are_added_up_and_taken_once(connection: Connection[Any]) -> None:
    note_figures(connection, "work", {"2026-01-01": Counter(fbc=3, fbp=1), "log": Counter(rows=5), "none": Counter()})
    note_figures(connection, "work", {"2026-01-01": Counter(fbc=2, unmatched=4)})
    note_figures(connection, "other", {"2026-01-01": Counter(fbc=100)})
    assert collect_figures(connection, "work") == {
        "2026-01-01": Counter(fbc=5, fbp=1, unmatched=4),
        "log": Counter(rows=5),
    }
    assert collect_figures(connection, "work") == {}
    assert collect_figures(connection, "other") == {"2026-01-01": Counter(fbc=100)}


def test_two_that_collect_at_once_share_and_lose_nothing(connection: Connection[Any], database_url: str) -> None:
    for _ in range(200):
        note_figures(connection, "work", {"a": Counter(n=1)})
    link = partial(connect, database_url, name="test")

    def collect(_: int) -> int:
        with link() as own:
            return collect_figures(own, "work").get("a", Counter())["n"]

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(collect, range(4))) == 200
