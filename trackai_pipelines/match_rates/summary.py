"""Conversions and rates as they are now, as rows for a table or a report.

What belongs here: reading results. What does not: computing match rates (`aggregate`) and showing them (`section`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row, kwargs_row

from trackai_pipelines.database.statements import statement


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
        """Matched / tried, 0 to 1; None before any conversion was tried."""
        tried = self.matched + self.unmatched
        return self.matched / tried if tried else None


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantSummary(_Counts):
    """A tenant's conversions. Values are in the currency's major units, (total, matched): gross, and net of refunds."""

    slug: str
    name: str
    status: str
    value_by_currency: Mapping[str, tuple[Decimal, Decimal]]
    net_by_currency: Mapping[str, tuple[Decimal, Decimal]]
    refunds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRate(_Counts):
    """A tenant's UTC day, as aggregated."""

    slug: str
    day: date


def _tenant_summary(**row: Any) -> TenantSummary:
    values = {
        name: {currency: (Decimal(total), Decimal(matched)) for currency, (total, matched) in sorted(row[name].items())}
        for name in ("value_by_currency", "net_by_currency")
    }
    return TenantSummary(**{**row, **values})


def summary_by_tenant(
    connection: Connection[Any], first: date = date.min, last: date = date.max, *, tenant: str | None = None
) -> list[TenantSummary]:
    """Return every tenant, or the one with this slug, the one with most conversions first.

    Sales of the UTC days `first` to `last` count, both included; by default all of them.
    """
    with connection.cursor(row_factory=kwargs_row(_tenant_summary)) as cursor:
        bounds = {"first": first, "last": last, "tenant": tenant}
        return cursor.execute(statement("match_rates/summary_by_tenant"), bounds).fetchall()


def rates_of_days(connection: Connection[Any], from_day: date, to_day: date) -> list[DayRate]:
    """Return the aggregated days of the range, both ends included, by tenant and day."""
    with connection.cursor(row_factory=class_row(DayRate)) as cursor:
        days = {"from_day": from_day, "to_day": to_day}
        return cursor.execute(statement("match_rates/rates_of_days"), days).fetchall()
