"""The UTC days of a test: from its first one until nothing can change any more.

What belongs here: arithmetic with a test's times. What does not: which days are computed (computing.py).
"""

from datetime import UTC, date, datetime, timedelta

from trackai_pipelines.experiments.designs import Design

MARGIN = timedelta(minutes=5)
"""Rows that arrived so short a time before a computation may have been written by transactions under way."""


def first_day(design: Design) -> date:
    """Return the first UTC day on which users could be assigned. Raises ValueError for a test that was not started."""
    if design.started_at is None:
        raise ValueError(f"{design.test_key} was not started")
    return max(design.start_date, design.started_at).astimezone(UTC).date()


def last_day(design: Design, before: date) -> date:
    """Return the last UTC day before `before` with figures of its own.

    Once nobody can be assigned any more and the windows of all users are over, nothing changes with the days.
    """
    ends = [at for at in (design.end_date, design.completed_at) if at is not None]
    yesterday = before - timedelta(days=1)
    if not ends:
        return yesterday
    return min(yesterday, min(ends).astimezone(UTC).date() + timedelta(days=design.window_days))


def outcomes_from(design: Design) -> datetime:
    """Return the moment from which sales of a test's users are its outcomes."""
    return design.start_date - timedelta(days=design.pre_days)


def midnight_after(day: date) -> datetime:
    """Return the end of a UTC day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
