"""Creators: their aliases, membership, and sales that people enter by hand.

What belongs here: single ones, as commands have them. What does not: files of them (landing.py).
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from psycopg import Connection

from trackai_pipelines.database.statements import statement
from trackai_pipelines.loyalty.posting import lock_program
from trackai_pipelines.loyalty.programs import first_open_day
from trackai_pipelines.loyalty.refusals import LoyaltyRefusedError
from trackai_pipelines.money import is_currency


def alias_of(kind: str, alias: str) -> str:
    """Return an alias as it is stored: a handle in lower case without @, a link code trimmed."""
    text = alias.strip()
    return text.lower().lstrip("@") if kind == "tiktok" else text


def enrol(connection: Connection[Any], tenant_id: str, user_id: str, enrolled_on: date, now: datetime) -> date:
    """Make a user and member of a creator who is none; return the day of enrolment.

    That is the first day which is not evaluated, where the day that is asked for is.
    """
    with connection.transaction():
        lock_program(connection, tenant_id)
        first = first_open_day(connection, tenant_id)
        day = enrolled_on if first is None else max(enrolled_on, first)
        about = {"tenant_id": tenant_id, "user_id": user_id, "enrolled_on": day, "now": now}
        connection.execute(statement("loyalty/insert_user"), about)
        row = connection.execute(statement("loyalty/insert_member"), about).fetchone()
        assert row is not None
        return date.fromisoformat(str(row[0]))


def link(
    connection: Connection[Any], tenant_id: str, user_id: str, kind: str, alias: str, valid_from: date, now: datetime
) -> None:
    """Say whose an alias is from a local day on; the next posting moves its sales. Raises LoyaltyRefusedError."""
    text = alias_of(kind, alias)
    if not text:
        raise LoyaltyRefusedError("The alias is empty: give a link code or a handle.")
    about = {"tenant_id": tenant_id, "user_id": user_id, "now": now}
    with connection.transaction():
        connection.execute(statement("loyalty/insert_user"), about)
        alias_row = {**about, "kind": kind, "alias": text, "valid_from": valid_from}
        connection.execute(statement("loyalty/set_alias"), alias_row)


def adjust(
    connection: Connection[Any],
    tenant_id: str,
    user_id: str,
    *,
    amount: Decimal,
    units: int,
    currency: str | None,
    reason: str,
    adjustment_type: str,
    effective_on: date | None,
    external_id: str | None,
    by: str,
    now: datetime,
) -> int | None:
    """Insert an adjustment, which the next posting takes; return its number, None where the external id is there.

    Raises LoyaltyRefusedError for an unknown user, nothing to adjust, no reason or no currency.
    """
    if not amount and not units:
        raise LoyaltyRefusedError("Nothing would change: give --amount or --units other than 0.")
    if abs(amount) > 10**12 or amount != round(amount, 4):
        raise LoyaltyRefusedError(f"{amount} is no amount: at most 10^12, with four decimals.")
    if not reason.strip():
        raise LoyaltyRefusedError("The reason is empty: say why the sales change.")
    about = {"tenant_id": tenant_id, "user_id": user_id}
    row = connection.execute(statement("loyalty/user_and_currency"), about).fetchone()
    assert row is not None
    known, of_program = row
    if not known:
        raise LoyaltyRefusedError(f"There is no user {user_id}: load it, or link a creator first.")
    code = currency or of_program
    if not is_currency(code or ""):
        raise LoyaltyRefusedError(f"{code or 'None'} is no currency: give an ISO 4217 code with --currency.")
    inserted = connection.execute(
        statement("loyalty/insert_adjustment"),
        {
            **about,
            "external_id": external_id,
            "amount": amount,
            "units": units,
            "currency": code,
            "reason": reason.strip(),
            "adjustment_type": adjustment_type,
            "effective_on": effective_on,
            "by": by,
            "now": now,
        },
    ).fetchone()
    return None if inserted is None else int(inserted[0])
