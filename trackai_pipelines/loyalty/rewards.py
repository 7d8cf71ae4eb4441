"""Setting rewards and missions: what is refused, and writing.

What belongs here: the catalogue. What does not: what is on offer, and claims (claims.py).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from psycopg import Connection, errors
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from trackai_pipelines.database.statements import statement
from trackai_pipelines.loyalty.refusals import LoyaltyRefusedError

_NO_REWARD: Mapping[str, Any] = {
    "type": None,
    "description": None,
    "value_data": {},
    "reward_source": "vip_tier",
    "tier_eligibility": None,
    "preview_from_tier": None,
    "enabled": True,
    "redemption_frequency": "one-time",
    "redemption_quantity": None,
    "redemption_type": "instant",
    "creation": "lazy",
    "stock_total": None,
    "expires_days": None,
    "starts_on": None,
    "ends_on": None,
    "display_order": 0,
}
_NO_MISSION: Mapping[str, Any] = {
    "title": None,
    "display_name": None,
    "description": None,
    "mission_type": None,
    "target_value": None,
    "reward_id": None,
    "tier_eligibility": "all",
    "preview_from_tier": None,
    "display_order": 0,
    "raffle_end_date": None,
    "winners": None,
    "enabled": True,
}
_UNITS = {"sales_dollars": "dollars", "sales_units": "units", "videos": "count", "raffle": "count"}


def set_reward(
    connection: Connection[Any], tenant_id: str, reward_id: str, said: Mapping[str, Any], now: datetime
) -> None:
    """Set a reward; what is not given stays as it was. Raises LoyaltyRefusedError for what cannot be."""
    about = {"tenant_id": tenant_id, "reward_id": reward_id}
    with connection.transaction():
        with connection.cursor(row_factory=dict_row) as cursor:
            before = cursor.execute(statement("loyalty/reward_before"), about).fetchone()
        whole = {**_NO_REWARD, "name": reward_id, **(before or {}), **said, **about}
        if whole["redemption_frequency"] == "unlimited":
            whole["redemption_quantity"] = None
        elif whole["redemption_quantity"] is None:
            whole["redemption_quantity"] = 1
        _check_reward(connection, whole, before)
        with _in_words(reward_id):
            connection.execute(
                statement("loyalty/set_reward"), {**whole, "value_data": Jsonb(whole["value_data"]), "now": now}
            )


def set_mission(
    connection: Connection[Any], tenant_id: str, mission_id: str, said: Mapping[str, Any], now: datetime
) -> None:
    """Set a mission or raffle; what is not given stays as it was. Raises LoyaltyRefusedError for what cannot be."""
    about = {"tenant_id": tenant_id, "mission_id": mission_id}
    with connection.transaction():
        with connection.cursor(row_factory=dict_row) as cursor:
            before = cursor.execute(statement("loyalty/mission_before"), about).fetchone()
        whole = {**_NO_MISSION, **(before or {}), **said, **about}
        if whole["mission_type"] is None or whole["reward_id"] is None:
            raise LoyaltyRefusedError(f"{mission_id} is new: give its --type and its --reward.")
        whole["title"] = whole["title"] or mission_id
        whole["display_name"] = whole["display_name"] or whole["title"]
        _check_mission(connection, whole, before)
        with _in_words(mission_id):
            connection.execute(statement("loyalty/set_mission"), {**whole, "now": now})


def _check_reward(connection: Connection[Any], whole: dict[str, Any], before: Mapping[str, Any] | None) -> None:
    reward = whole["reward_id"]
    if whole["type"] is None:
        raise LoyaltyRefusedError(f"{reward} is new: give its --type.")
    if whole["reward_source"] == "vip_tier" and whole["tier_eligibility"] is None:
        raise LoyaltyRefusedError(f"{reward} is for no tier: give --for-tier, or --source mission.")
    for tier in (whole["tier_eligibility"], whole["preview_from_tier"]):
        _check_tier(connection, whole["tenant_id"], tier)
    if before and before["is_claimed"]:
        for name in ("creation", "type", "reward_source"):
            if before[name] != whole[name]:
                raise LoyaltyRefusedError(f"{reward} has redemptions, so its {name} stays: make another reward.")
    value = whole["value_data"]
    if whole["type"] == "commission_boost":
        days = value.get("duration_days", 30)
        if not 0 < _number(value.get("boost_rate")) <= 100 or not isinstance(days, int) or not 1 <= days <= 365:
            raise LoyaltyRefusedError(
                f"{reward} needs boost_rate, above 0 and up to 100 %, and duration_days from 1 to 365: give e.g. "
                '--value \'{"boost_rate": "5.00", "duration_days": 30}\'.'
            )
    sizes = ("clothing", "shoes")
    if whole["type"] == "physical_gift" and value.get("requires_size") and value.get("size_category") not in sizes:
        raise LoyaltyRefusedError(f"{reward} requires a size: give its size_category, clothing or shoes.")


def _check_mission(connection: Connection[Any], whole: dict[str, Any], before: Mapping[str, Any] | None) -> None:
    mission, kind = whole["mission_id"], whole["mission_type"]
    for tier in (whole["tier_eligibility"], whole["preview_from_tier"]):
        _check_tier(connection, whole["tenant_id"], None if tier == "all" else tier)
    given = {"tenant_id": whole["tenant_id"], "reward_id": whole["reward_id"]}
    with connection.cursor(row_factory=dict_row) as cursor:
        reward = cursor.execute(statement("loyalty/reward_before"), given).fetchone()
    if reward is None or reward["reward_source"] != "mission":
        raise LoyaltyRefusedError(f"{whole['reward_id']} is no reward of missions: set it with --source mission.")
    whole["target_unit"] = _UNITS[kind]
    if kind == "raffle":
        whole["target_value"] = 0
        if whole["raffle_end_date"] is None or whole["winners"] is None:
            raise LoyaltyRefusedError(f"{mission} is a raffle: give --ends and --winners.")
        if reward["type"] == "commission_boost":
            raise LoyaltyRefusedError(f"{whole['reward_id']} is a boost, which nobody can win: choose another prize.")
    elif not whole["target_value"]:
        raise LoyaltyRefusedError(f"{mission} has no target: give --target.")
    if before and before["is_open"]:
        for name in ("mission_type", "reward_id", "raffle_end_date", "winners", "tier_eligibility"):
            if before[name] != whole[name]:
                raise LoyaltyRefusedError(f"{mission} was opened, so its {name} stays: make another raffle.")
    if before and before["mission_type"] != kind:
        raise LoyaltyRefusedError(f"{mission} counts {before['mission_type']}, and that stays: make another mission.")


def _check_tier(connection: Connection[Any], tenant_id: str, tier_id: str | None) -> None:
    given = {"tenant_id": tenant_id, "tier_id": tier_id}
    if tier_id is not None and connection.execute(statement("loyalty/known_tier"), given).fetchone() is None:
        raise LoyaltyRefusedError(f"There is no tier {tier_id}: `trackai loyalty tier set` makes one.")


def _number(value: object) -> Decimal:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return Decimal(0)


@contextmanager
def _in_words(what: str) -> Iterator[None]:
    """Say in words which rule of the table is broken."""
    try:
        yield
    except errors.CheckViolation as error:
        rule = (error.diag.constraint_name or "").replace("_", " ")
        raise LoyaltyRefusedError(f"{what} was not set: {rule}. Correct it and try again.") from None
