"""Setting the rules of a program: versions that hold from a day on, and its tiers.

What belongs here: what is refused, and writing. What does not: reading rules (rules.py), and what follows from them.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row

from trackai_pipelines.database.statements import statement
from trackai_pipelines.loyalty.caches import rebuild_caches
from trackai_pipelines.loyalty.posting import lock_program
from trackai_pipelines.loyalty.refusals import LoyaltyRefusedError
from trackai_pipelines.loyalty.rules import Rules, read_rules
from trackai_pipelines.money import is_currency


def set_program(
    connection: Connection[Any], tenant_id: str, valid_from: date, rules: Mapping[str, Any], by: str, now: datetime
) -> None:
    """Set rules of a tenant's program from a local day on; rules that are not given stay as they were before that day.

    Raises LoyaltyRefusedError for a day that is evaluated, an unknown currency or time zone, and a program without a
    currency.
    """
    with connection.transaction():
        lock_program(connection, tenant_id)
        _refuse_evaluated(connection, tenant_id, valid_from)
        about = {"tenant_id": tenant_id, "valid_from": valid_from}
        with connection.cursor(row_factory=dict_row) as cursor:
            before = cursor.execute(statement("loyalty/program_before"), about).fetchone()
        whole = {**_DEFAULTS, **(before or {}), **rules}
        if not is_currency(whole["currency"] or ""):
            raise LoyaltyRefusedError(
                f"{whole['currency']} is no currency: give an ISO 4217 code such as BRL."
                if whole["currency"]
                else "The program has no currency yet: give one with --currency."
            )
        zone = connection.execute(statement("loyalty/time_zone"), {"time_zone": whole["time_zone"]}).fetchone()
        if zone is None:
            raise LoyaltyRefusedError(f"{whole['time_zone']} is no time zone: give a name such as America/Sao_Paulo.")
        connection.execute(statement("loyalty/set_program"), {**whole, **about, "by": by, "now": now})
        found = read_rules(connection, tenant_id)
        _check_tiers(found)
        if before and before["currency"] != whole["currency"]:
            rebuild_caches(connection, tenant_id, now)


def set_tier(
    connection: Connection[Any], tenant_id: str, tier_id: str, valid_from: date, tier: Mapping[str, Any], now: datetime
) -> None:
    """Set a tier from a local day on; what is not given stays as it was before that day.

    Raises LoyaltyRefusedError for a day that is evaluated, and where the tiers of a day would not be in order.
    """
    with connection.transaction():
        lock_program(connection, tenant_id)
        _refuse_evaluated(connection, tenant_id, valid_from)
        about = {"tenant_id": tenant_id, "tier_id": tier_id, "valid_from": valid_from}
        with connection.cursor(row_factory=dict_row) as cursor:
            before = cursor.execute(statement("loyalty/tier_before"), about).fetchone()
        whole = {**_NO_TIER, "tier_name": tier_id, **(before or {}), **tier}
        if whole["tier_order"] is None:
            raise LoyaltyRefusedError(f"{tier_id} is new: give its place with --order, 1 for the lowest.")
        if whole["sales_threshold"] is None and whole["units_threshold"] is None:
            raise LoyaltyRefusedError(f"{tier_id} has no threshold: give --sales or --units.")
        connection.execute(statement("loyalty/set_tier"), {**whole, **about, "now": now})
        _check_tiers(read_rules(connection, tenant_id))


_DEFAULTS: Mapping[str, Any] = {
    "vip_metric": "sales",
    "currency": None,
    "time_zone": "UTC",
    "checkpoint_months": 4,
    "grace_days": 0,
    "demote_to": "earned",
    "corrections": "up",
    "settle_days": 1,
    "refund_dating": "refund",
    "credit_field": "utm_content",
    "excluded_gateways": [],
    "report_sources": [],
    "auto_enrol": True,
    "sales_from": None,
    "status": "draft",
}
_NO_TIER: Mapping[str, Any] = {
    "tier_order": None,
    "tier_color": None,
    "sales_threshold": None,
    "units_threshold": None,
    "commission_rate": Decimal(0),
    "checkpoint_exempt": False,
}


def first_open_day(connection: Connection[Any], tenant_id: str) -> date | None:
    """Return the first day that is not evaluated; None where no day is."""
    row = connection.execute(statement("loyalty/last_evaluated_day"), {"tenant_id": tenant_id}).fetchone()
    assert row is not None
    return None if row[0] is None else row[0] + timedelta(days=1)


def _refuse_evaluated(connection: Connection[Any], tenant_id: str, valid_from: date) -> None:
    first = first_open_day(connection, tenant_id)
    if first is not None and valid_from < first:
        raise LoyaltyRefusedError(f"{valid_from} is evaluated, and its rules stay: set them from {first} on, or later.")


def _check_tiers(rules: Rules) -> None:
    """Raise LoyaltyRefusedError unless, on every day, places differ, thresholds do not fall and the lowest is 0."""
    for day in sorted({tier.valid_from for tier in rules.tiers} | {program.valid_from for program in rules.programs}):
        tiers = rules.tiers_on(day)
        if not tiers:
            continue
        orders = [tier.tier_order for tier in tiers]
        if len({*orders}) < len(orders):
            raise LoyaltyRefusedError(f"Two tiers would have one place on {day}: {', '.join(map(str, orders))}.")
        program = rules.program(day)
        for name in ("sales_threshold", "units_threshold"):
            thresholds = [getattr(tier, name) for tier in tiers]
            required = program is not None and name.startswith(program.vip_metric)
            if None in thresholds and (required or set(thresholds) != {None}):
                raise LoyaltyRefusedError(
                    f"On {day}, {', '.join(t.tier_id for t in tiers if getattr(t, name) is None)} would have no "
                    f"{name.replace('_', ' ')}: give --{name.partition('_')[0]}."
                )
            if None not in thresholds and thresholds != sorted(thresholds):
                raise LoyaltyRefusedError(f"On {day}, a higher tier would have a lower {name.replace('_', ' ')}.")
            if None not in thresholds and thresholds[0] != 0:
                raise LoyaltyRefusedError(
                    f"On {day}, the lowest tier, {tiers[0].tier_id}, would have a {name.replace('_', ' ')} above 0: "
                    "set the lowest tier first."
                )
