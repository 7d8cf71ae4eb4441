"""Ingest in the report: the files of the period, and what was set aside."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from trackai_pipelines.database.statements import statement
from trackai_pipelines.domain import Period, Section

# Reasons beyond these are too rare to act on.
_MOST_REASONS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectReason:
    """A reason for setting input aside: how many lines of how many files, and one of them as `file:line`."""

    reason: str
    lines: int
    files: int
    example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueLeftOut:
    """An optional value that could not be used: how often, in how many files."""

    column_name: str
    reason: str
    count: int
    files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestTotals:
    """Loaded landing files and what their lines came to; `noted` are files with a note, e.g. that they are damaged."""

    files: int
    accepted: int
    duplicates: int
    rejected: int
    noted: int


def section() -> Section:
    """Return the section; it comes after the results."""
    return Section(title="Input", template=Path(__file__).with_name("section.html"), data=data, rank=1)


def data(connection: Connection[Any], period: Period) -> Mapping[str, Any]:
    """Return what the template shows; files belong to no tenant, so a tenant's report shows everyone's."""
    return {
        "ingest": ingest_totals(connection, period),
        "rejects": rejects_by_reason(connection, period),
        "left_out": values_left_out(connection, period),
        "of_all": period.tenant is not None,
    }


def ingest_totals(connection: Connection[Any], period: Period) -> IngestTotals:
    """Return the totals of the files that were loaded in the period."""
    with connection.cursor(row_factory=class_row(IngestTotals)) as cursor:
        days = {"first": period.first, "last": period.last}
        totals = cursor.execute(statement("ingest/totals_of_days"), days).fetchone()
    assert totals is not None
    return totals


def rejects_by_reason(connection: Connection[Any], period: Period, most: int = _MOST_REASONS) -> list[RejectReason]:
    """Return the most frequent reasons for which input was set aside in the period."""
    with connection.cursor(row_factory=class_row(RejectReason)) as cursor:
        bounds = {"first": period.first, "last": period.last, "most": most}
        return cursor.execute(statement("ingest/rejects_by_reason"), bounds).fetchall()


def values_left_out(connection: Connection[Any], period: Period, most: int = _MOST_REASONS) -> list[ValueLeftOut]:
    """Return which values the rows of files that were loaded in the period go without, most frequent first."""
    with connection.cursor(row_factory=class_row(ValueLeftOut)) as cursor:
        bounds = {"first": period.first, "last": period.last, "most": most}
        return cursor.execute(statement("ingest/left_out_of_days"), bounds).fetchall()
