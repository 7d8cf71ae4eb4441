"""What is known now about conversions, rates and input, as rows for a table or a report.

What belongs here: reading results. What does not: computing match rates (`aggregate`) and showing them (`report`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row, kwargs_row

from trackai_pipelines.database.statements import statement

# Reasons beyond these are too seldom to act upon.
_MOST_REASONS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counts:
    conversions: int
    fbc: int
    fbp: int
    email: int
    unmatched: int
    pending: int

    @property
    def matched(self) -> int:
        """Conversions with a click."""
        return self.fbc + self.fbp + self.email

    @property
    def match_rate(self) -> float | None:
        """Matched of those that have been tried, 0 to 1; None before any has."""
        tried = self.matched + self.unmatched
        return self.matched / tried if tried else None


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantSummary(_Counts):
    """All conversions of a tenant. Values are in the currency's major units: (total, matched)."""

    slug: str
    name: str
    status: str
    value_by_currency: Mapping[str, tuple[Decimal, Decimal]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRate(_Counts):
    """A tenant's UTC day, as aggregated."""

    slug: str
    day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectReason:
    """A reason for setting input aside: how many lines of how many files, and one of them as `file:line`."""

    reason: str
    lines: int
    files: int
    example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestTotals:
    """Loaded landing files and what their lines came to; `noted` are files with a note, e.g. that they are damaged."""

    files: int
    accepted: int
    duplicates: int
    rejected: int
    noted: int


def _tenant_summary(**row: Any) -> TenantSummary:
    values = {
        currency: (Decimal(total), Decimal(matched))
        for currency, (total, matched) in sorted(row["value_by_currency"].items())
    }
    return TenantSummary(**{**row, "value_by_currency": values})


def summary_by_tenant(connection: Connection[Any]) -> list[TenantSummary]:
    """Every tenant, the one with most conversions first."""
    with connection.cursor(row_factory=kwargs_row(_tenant_summary)) as cursor:
        return cursor.execute(statement("match_rates/summary_by_tenant")).fetchall()


def rates_of_days(connection: Connection[Any], from_day: date, to_day: date) -> list[DayRate]:
    """The aggregated days of the range, both ends included, by tenant and day."""
    with connection.cursor(row_factory=class_row(DayRate)) as cursor:
        days = {"from_day": from_day, "to_day": to_day}
        return cursor.execute(statement("match_rates/rates_of_days"), days).fetchall()


def rejects_by_reason(connection: Connection[Any], most: int = _MOST_REASONS) -> list[RejectReason]:
    """The most frequent reasons for which input was set aside."""
    with connection.cursor(row_factory=class_row(RejectReason)) as cursor:
        return cursor.execute(statement("match_rates/rejects_by_reason"), {"most": most}).fetchall()


def ingest_totals(connection: Connection[Any]) -> IngestTotals:
    """All loaded files together."""
    with connection.cursor(row_factory=class_row(IngestTotals)) as cursor:
        totals = cursor.execute(statement("match_rates/ingest_totals")).fetchone()
    assert totals is not None
    return totals
