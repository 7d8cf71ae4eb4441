"""What the tests of dispatches have in common: days, patience, and reading what Dagster shows."""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg

JOB = "dispatch_conversions"
ASSET = dg.AssetKey("capi_dispatches")
TOKEN = "EAAdispatchSecret0123456789"
PATIENCE = 60
SENT = ("success", None)


def wait_for(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < deadline
        time.sleep(0.1)


def day_before(days: int) -> date:
    return datetime.now(UTC).date() - timedelta(days=days)


def since_noon(day: date) -> timedelta:
    """How long ago noon of a day was."""
    return datetime.now(UTC) - datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def shown(result: dg.ExecuteInProcessResult) -> dict[str | None, dict[str, Any]]:
    """Metadata of a run's materialisations, by partition; each partition has one."""
    events = [event.materialization for event in result.all_events if event.is_step_materialization]
    assert {event.asset_key for event in events} == {ASSET}
    found = {event.partition: {name: value.value for name, value in event.metadata.items()} for event in events}
    assert len(found) == len(events)
    return found


def rows_of(markdown: str) -> list[list[str]]:
    """The cells of a Markdown table, without its head."""
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in markdown.splitlines()[2:]]
