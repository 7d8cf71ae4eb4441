"""Users, sales and assignments as they arrive, one by one, for tests of the computation.

What belongs here: writing rows as landing does, at a moment that is said. What does not: what must come out
(brute_force.py).
"""

from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from experiments.shop import insert
from psycopg import Connection

from trackai_pipelines.database.statements import statement


def hash_of(name: str | None) -> str | None:
    """Return 64 hex digits for a name of a contact."""
    return None if name is None else sha256(name.encode()).hexdigest()


def put_user(
    connection: Connection[Any], tenant: str, user: str, email: str | None, at: datetime, phone: str | None = None
) -> None:
    """A row of users arrives, or replaces the hash that is there; links follow."""
    connection.execute(
        "INSERT INTO trackai.users AS u (tenant_id, id, email_hash, phone_hash, created_at, updated_at, changed_at)"
        " VALUES (%(tenant)s, %(id)s, %(email)s, %(phone)s, %(at)s, %(at)s, %(at)s)"
        " ON CONFLICT (tenant_id, id) DO UPDATE SET email_hash = excluded.email_hash, phone_hash = excluded.phone_hash,"
        " updated_at = excluded.updated_at, changed_at = excluded.changed_at,"
        " replaced_at = CASE WHEN num_nonnulls(u.email_hash, u.phone_hash) = 0 THEN u.replaced_at"
        " ELSE excluded.changed_at END"
        " WHERE (u.email_hash, u.phone_hash) IS DISTINCT FROM (excluded.email_hash, excluded.phone_hash)",
        {"tenant": tenant, "id": user, "email": hash_of(email), "phone": hash_of(phone), "at": at},
    )
    link(connection, tenant, at)


def put_sale(
    connection: Connection[Any],
    tenant: str,
    email: str | None,
    occurred_at: datetime,
    at: datetime,
    **columns: Any,
) -> int:
    """A sale arrives, and is linked; returns its number. `strategy`: it is matched with that at once."""
    strategy = columns.pop("strategy", None)
    given = {"value": Decimal(10), "currency": "BRL", "event_name": "Purchase"} | columns
    row = connection.execute("SELECT count(*) FROM trackai.conversions WHERE tenant_id = %s", [tenant]).fetchone()
    assert row is not None
    sale = insert(
        connection,
        "conversions",
        tenant_id=tenant,
        gateway="stripe",
        gateway_event_id=f"evt_{row[0]}",
        customer_email_hash=hash_of(email),
        occurred_at=occurred_at,
        created_at=at,
        **given,
    )
    link(connection, tenant, at)
    if strategy is not None:
        match(connection, tenant, sale, strategy, at)
    return int(sale)


def match(connection: Connection[Any], tenant: str, sale: int, strategy: str, at: datetime) -> None:
    """A sale is matched, or matched again."""
    connection.execute(
        "INSERT INTO trackai.matched_attributions (tenant_id, conversion_id, strategy, matched_at, attempts)"
        " VALUES (%(tenant)s, %(sale)s, %(strategy)s, %(at)s, 1) ON CONFLICT (tenant_id, conversion_id)"
        " DO UPDATE SET strategy = excluded.strategy, matched_at = excluded.matched_at",
        {"tenant": tenant, "sale": sale, "strategy": strategy, "at": at},
    )


def link(connection: Connection[Any], tenant: str, at: datetime) -> None:
    """Bring the links of a tenant's sales up to date."""
    connection.execute(statement("facts/link_users"), {"tenant_id": tenant, "now": at})


def assign(
    connection: Connection[Any], tenant: str, test: int, user: str, variant: str, assigned_at: datetime, at: datetime
) -> None:
    """An assignment arrives: the first of a user is stored as such, a later one only where it changes the answer."""
    given = {
        "tenant_id": tenant,
        "test_id": test,
        "user_id": user,
        "variant_assigned": variant,
        "assigned_at": assigned_at,
        "created_at": at,
    }
    known = connection.execute(
        "SELECT variant_assigned, assigned_at FROM trackai.ab_test_assignments"
        " WHERE (tenant_id, test_id, user_id) = (%(tenant_id)s, %(test_id)s, %(user_id)s)"
        " UNION ALL SELECT variant_assigned, assigned_at FROM trackai.ab_test_reassignments"
        " WHERE (tenant_id, test_id, user_id) = (%(tenant_id)s, %(test_id)s, %(user_id)s)",
        given,
    ).fetchall()
    if not known:
        insert(connection, "ab_test_assignments", **given)
    elif (variant, assigned_at) not in known and (
        variant not in {name for name, _ in known} or assigned_at < min(time for _, time in known)
    ):
        insert(connection, "ab_test_reassignments", **given)


def exclude(connection: Connection[Any], tenant: str, user: str, at: datetime, reason: str = "bot") -> None:
    """A user is excluded."""
    insert(connection, "excluded_users", tenant_id=tenant, user_id=user, reason=reason, created_at=at)
