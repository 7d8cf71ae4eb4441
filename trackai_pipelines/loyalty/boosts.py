"""Boosts of the commission: their days, what was sold in them, and the payout.

What belongs here: the life of a boost after its claim. What does not: claiming one (claims.py).

Days decide, not clocks: a boost that is activated or ended late has the same sales.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from psycopg import Connection

from trackai_pipelines.database.statements import statement
from trackai_pipelines.loyalty.refusals import LoyaltyRefusedError


@dataclass(frozen=True, slots=True)
class BoostsOfDay:
    """How many boosts an evaluated day moved."""

    activated: int
    expired: int
    measured: int
    """Those whose sales changed."""


@dataclass(frozen=True, slots=True)
class Paid:
    """What was paid for a boost."""

    user_id: str
    amount: Decimal
    currency: str


def move_boosts(connection: Connection[Any], tenant_id: str, day: date, ledger_upto: int, now: datetime) -> BoostsOfDay:
    """Activate and end the boosts whose day has come, and sum up the sales of those that are not paid.

    Needs the transaction of the evaluation. Repeating it changes nothing.
    """
    given = {"tenant_id": tenant_id, "day": day, "ledger_upto": ledger_upto, "now": now}

    def counted(name: str) -> int:
        row = connection.execute(statement(name), given).fetchone()
        assert row is not None
        return int(row[0])

    activated = counted("loyalty/activate_boosts")
    expired = counted("loyalty/expire_boosts")
    measured = counted("loyalty/measure_boosts")
    counted("loyalty/settle_boosts")
    return BoostsOfDay(activated, expired, measured)


def set_account(
    connection: Connection[Any], tenant_id: str, boost_id: int, *, account: str, method: str, by: str, now: datetime
) -> None:
    """Note to which account of the app a boost is paid: it waits for its payout then. Raises LoyaltyRefusedError."""
    _change(
        connection, tenant_id, boost_id, "pending_info", "pending_payout", by=by, now=now,
        payment_account_ref=account, payment_method=method,
    )  # fmt: skip


def pay(
    connection: Connection[Any],
    tenant_id: str,
    boost_id: int,
    *,
    by: str,
    now: datetime,
    amount: Decimal | None = None,
    notes: str | None = None,
) -> Paid:
    """Note that a boost was paid: what was calculated, or another amount. Raises LoyaltyRefusedError."""
    row = _change(connection, tenant_id, boost_id, "pending_payout", "paid", by=by, now=now, amount=amount, notes=notes)
    return Paid(row[1], row[2], row[3])


def cancel(connection: Connection[Any], tenant_id: str, boost_id: int, *, by: str, now: datetime, reason: str) -> None:
    """Cancel a boost that is not active yet: it may be claimed again. Raises LoyaltyRefusedError."""
    with connection.transaction():
        row = _change(connection, tenant_id, boost_id, "scheduled", "cancelled", by=by, now=now, notes=reason)
        connection.execute(statement("loyalty/give_stock_back"), {"tenant_id": tenant_id, "reward_id": row[4]})


def _change(
    connection: Connection[Any],
    tenant_id: str,
    boost_id: int,
    before: str,
    after: str,
    *,
    by: str,
    now: datetime,
    **said: object,
) -> tuple[Any, ...]:
    given = {
        "tenant_id": tenant_id,
        "id": boost_id,
        "before": before,
        "after": after,
        "by": by,
        "now": now,
        "payment_method": None,
        "payment_account_ref": None,
        "amount": None,
        "notes": None,
        **said,
    }
    day = connection.execute(statement("loyalty/program_day"), given).fetchone()
    row: tuple[Any, ...] | None = None
    if day is not None:
        row = connection.execute(statement("loyalty/change_boost"), given | {"day": day[0]}).fetchone()
    if row is None:
        raise LoyaltyRefusedError(f"Boost {boost_id} is not {before}, so it cannot become {after}.")
    return row
