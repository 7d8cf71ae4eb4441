"""Tenants in the database: add one, list them, say which gateways one sells through."""

import uuid
from dataclasses import dataclass

from psycopg import Connection
from psycopg.rows import class_row, scalar_row

from trackai_pipelines.database.statements import statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """A row of trackai.tenants; `default_country` is ISO 3166 alpha-2."""

    id: str
    slug: str
    name: str
    status: str = "active"
    pixel_id: str | None = None
    lookback_days: int = 90
    email_matching: bool = False
    default_country: str | None = None


def new_tenant_id() -> str:
    """An id for a tenant that the app has not named."""
    return uuid.uuid4().hex


def add_tenant(connection: Connection, tenant: Tenant) -> bool:
    """Insert an active tenant; False where the slug or the id is taken, and then nothing changes."""
    row = {
        "id": tenant.id,
        "slug": tenant.slug,
        "name": tenant.name,
        "pixel_id": tenant.pixel_id,
        "lookback_days": tenant.lookback_days,
        "email_matching": tenant.email_matching,
        "default_country": tenant.default_country,
    }
    return connection.execute(statement("tenants/insert_tenant"), row).fetchone() is not None


def all_tenants(connection: Connection) -> list[Tenant]:
    """Every tenant, by slug."""
    with connection.cursor(row_factory=class_row(Tenant)) as cursor:
        return cursor.execute(statement("tenants/all_tenants")).fetchall()


def gateways_of(connection: Connection, tenant: str) -> list[str]:
    """The gateways that a tenant (slug or id) has conversions from, in order."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(statement("tenants/gateways_of_tenant"), {"tenant": tenant}).fetchall()
