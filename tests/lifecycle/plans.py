"""Plans as the tests of retention look at them: as of one day, in outline.

What belongs here: making a plan and boiling it down. What does not: what is expected of it.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from declared import TABLES
from lifecycle.old_rows import midnight
from psycopg import Connection

from trackai_pipelines.lifecycle.archive.store import Store
from trackai_pipelines.lifecycle.retention.apply import apply_plan
from trackai_pipelines.lifecycle.retention.plan import Plan, Step, plan_retention

TODAY = date(2026, 3, 20)
NOW = midnight(TODAY) + timedelta(hours=3)
# What a sentence of `blocked_by` is about, by words of it.
KINDS = {
    "do not count": "rates",
    "looks back": "lookback",
    "not known yet": "open",
    "restored, and kept": "restored",
    "not older": "young",
    "no enabled policy": "no policy",
    "no table trackai": "no table",
    "kept forever": "stays",
    "no personal fields": "no fields",
}
Live = Callable[..., Plan]
Outline = tuple[str, str, date, int, frozenset[str]]


def day(back: int) -> date:
    return TODAY - timedelta(days=back)


def plan(connection: Connection[Any], today: date = TODAY, *, dry_run: bool = False) -> Plan:
    return plan_retention(connection, TABLES, today=today, dry_run=dry_run, clock=lambda: NOW)


def outline(found: Plan) -> list[Outline]:
    return [(step.action, step.table_name, step.day, step.rows, kinds_of(step)) for step in found.steps]


def kinds_of(step: Step) -> frozenset[str]:
    assert (step.blocked_by is None) == (step.state == "planned")
    kinds = frozenset(kind for words, kind in KINDS.items() if words in (step.blocked_by or ""))
    assert bool(kinds) == (step.state == "blocked")
    return kinds


def living(connection: Connection[Any], database_url: str, store: Store) -> Live:
    """`live(day)` plans and applies at three in the morning of a day; `live(day, dry_run=True)` only plans."""

    def live(today: date = TODAY, *, dry_run: bool = False) -> Plan:
        def clock() -> datetime:
            return midnight(today) + timedelta(hours=3)

        made = plan_retention(connection, TABLES, today=today, dry_run=dry_run, clock=clock)
        return made if dry_run else apply_plan(connection, database_url, store, TABLES, made, clock=clock)

    return live


def told(plan: Plan) -> list[tuple[str, str, date, int, str]]:
    """What became of each step; a step that was done was done to as many rows as planned."""
    assert [step for step in plan.of("done") if step.rows_done != step.rows] == []
    return [(step.action, step.table_name, step.day, step.rows, step.state) for step in plan.steps]
