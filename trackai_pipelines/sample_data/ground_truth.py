"""The answer that goes with generated files: counts for each tenant, and the attribution of every conversion.

What belongs here: what is true of the sample, however it is loaded and matched. What does not: generating it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from psycopg import Connection

from trackai_pipelines.database.statements import statement
from trackai_pipelines.sample_data.world import SampleTenant


@dataclass(slots=True)
class TenantTruth:
    """What one tenant's table must show once everything has been loaded and matched; `value` is in its currency."""

    conversions: int = 0
    fbc: int = 0
    fbp: int = 0
    email: int = 0
    unmatched: int = 0
    pending: int = 0
    # Conversions of those above that are unmatched until the late clicks are loaded.
    late: int = 0
    users: int = 0
    # Conversions of those above that belong to a user.
    linked: int = 0
    # Those that a file lists, and those that clicks name.
    campaigns: set[str] = field(default_factory=set)
    value: Decimal = Decimal(0)
    refunds: int = 0
    # What went back of `value`.
    refunded: Decimal = Decimal(0)

    def count(self, strategy: str, *, value: Decimal, late: bool) -> None:
        """Add one conversion."""
        self.conversions += 1
        setattr(self, strategy, getattr(self, strategy) + 1)
        self.late += late
        self.value += value


@dataclass(frozen=True, slots=True)
class Planned:
    """The attribution of one conversion, and what its delivery hangs on.

    `event_ids` are its `gateway_event_id`s, more than one where several paid events report the sale: the database
    keeps whichever comes first. `strategy` is `pending` for a suspended tenant. `click` is the winner's external
    id; `late` says that it comes in the second delivery and that the conversion is unmatched until then. `sold_at` is
    in milliseconds since 1970. Sales of an `unknown_buyer` cannot be delivered.
    """

    tenant: str
    gateway: str
    event_ids: tuple[str, ...]
    strategy: str
    click: str | None
    late: bool
    sold_at: int
    unknown_buyer: bool


@dataclass(slots=True)
class GroundTruth:
    """The whole answer.

    `by_tenant` is keyed by slug. `tenants` are rows for `insert_tenants`. `attributions_file` lies outside of the
    landing folder.
    """

    tenants: list[dict[str, Any]]
    by_tenant: dict[str, TenantTruth]
    attributions_file: Path
    # Deliveries of conversions beyond the first: the same event again, or a second paid event of the same sale.
    duplicates: int = 0
    duplicate_clicks: int = 0
    clicks: int = 0
    identities: int = 0
    bad_lines: int = 0
    # Payloads that are understood and are no paid sale.
    not_sales: int = 0

    def attributions(self) -> Iterator[Planned]:
        """Every conversion's attribution, read from the file one by one."""
        return attributions_in(self.attributions_file)


def attributions_in(file: Path) -> Iterator[Planned]:
    """The conversions' attributions in a file that `generate` has written."""
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            yield Planned(**{**row, "event_ids": tuple(row["event_ids"])})


def tenant_row(tenant: SampleTenant) -> dict[str, Any]:
    """A row for trackai.tenants."""
    columns = (
        "id", "slug", "name", "status", "pixel_id", "lookback_days", "email_matching", "default_country",
    )  # fmt: skip
    return {column: getattr(tenant, column) for column in columns}


def insert_tenants(connection: Connection[Any], tenants: list[dict[str, Any]]) -> int:
    """Insert the tenants that are not there yet and say how many that were; those that are stay as they are."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(statement("sample_data/insert_tenants"), tenants)
        return max(cursor.rowcount, 0)
