"""Tenants in the database: add, change and list them, and find the gateways that one sells through."""

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from decimal import Decimal

from psycopg import Connection
from psycopg.rows import class_row, scalar_row

from trackai_pipelines.database.statements import statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """A row of trackai.tenants; the comments of its columns describe the fields."""

    id: str
    slug: str
    name: str
    status: str = "active"
    pixel_id: str | None = None
    lookback_days: int = 90
    email_matching: bool = False
    default_country: str | None = None
    dispatch_policy: str = "all"
    sent_event_id: str = "registry"
    limited_data_use: bool = False
    ldu_country: int = 0
    ldu_state: int = 0
    opt_out: bool = False
    test_event_code: str | None = None
    take_test_payments: bool = False
    reporting_currency: str | None = None
    time_zone: str = "UTC"
    journey_days: int | None = None
    half_life_hours: Decimal = Decimal(168)
    credit_unit: str = "campaign"
    buyer_memory_days: int = 90


def new_tenant_id() -> str:
    """Return an id for a tenant that the app has not given one."""
    return uuid.uuid4().hex


def add_tenant(connection: Connection, tenant: Tenant) -> bool:
    """Insert a tenant; return False, with nothing changed, if the slug or the id is taken."""
    return connection.execute(statement("tenants/insert_tenant"), asdict(tenant)).fetchone() is not None


def change_tenant(connection: Connection, slug: str, changes: Mapping[str, object]) -> bool:
    """Change columns of a tenant other than its slug and id; return False if there is no such tenant.

    An empty text removes pixel, country, test event code, reporting currency or journey days.
    """
    row = {**dict.fromkeys(field.name for field in fields(Tenant)), **changes, "slug": slug}
    return connection.execute(statement("tenants/change_tenant"), row).fetchone() is not None


def all_tenants(connection: Connection) -> list[Tenant]:
    """Return every tenant, by slug."""
    with connection.cursor(row_factory=class_row(Tenant)) as cursor:
        return cursor.execute(statement("tenants/all_tenants")).fetchall()


def gateways_of(connection: Connection, tenant: str) -> list[str]:
    """Return the gateways that a tenant (slug or id) has conversions from, in order."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(statement("tenants/gateways_of_tenant"), {"tenant": tenant}).fetchall()
