"""Claims: a creator takes a reward that is on offer, for the tier or for a completed mission.

What belongs here: who can claim what, and why not. What does not: what is on offer (`trackai.tier_offers`,
`trackai.mission_offers`), what becomes of a claim (redemptions.py, boosts.py), and raffles, which are entered
(raffles.py).
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from psycopg import Connection, errors
from psycopg.rows import class_row, dict_row

from trackai_pipelines.database.statements import statement
from trackai_pipelines.errors import ExpectedError
from trackai_pipelines.money import minor_units

LONGEST_WAIT = timedelta(days=90)
"""How long after its claim a scheduled reward takes effect at the latest."""


class ClaimRefusal(StrEnum):
    """Why a claim is refused."""

    NOT_ACTIVE = "not_active"
    NOT_IN_TIER = "not_in_tier"
    MISSION_NOT_COMPLETE = "mission_not_complete"
    ALREADY_CLAIMED = "already_claimed"
    SOLD_OUT = "sold_out"
    BOOST_OVERLAPS = "boost_overlaps"
    ENDED = "ended"


class ClaimRefusedError(ExpectedError):
    """A claim that is refused for a reason that the app acts on; nothing was changed."""

    def __init__(self, refusal: ClaimRefusal, said: str) -> None:
        super().__init__(said)
        self.refusal = refusal


class UnfitClaimError(ExpectedError):
    """A claim that says too little, or something that the reward does not take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardClaim:
    """What a creator asks for: the reward of the tier, or that of a mission."""

    tenant_id: str
    user_id: str
    claim_key: str
    """The app's name of the request: repeated, it is the same claim."""
    reward_id: str | None = None
    mission_id: str | None = None
    scheduled_on: date | None = None
    """The local day that it is to take effect on."""
    scheduled_at: time | None = None
    size: str | None = None
    shipping_ref: str | None = None
    payment_method: str | None = None
    payment_account_ref: str | None = None


@dataclass(frozen=True, slots=True)
class Redemption:
    """A claim that was made."""

    id: int
    user_id: str
    reward_id: str
    mission_id: str | None
    status: str
    cycle_key: str
    slot: int | None
    claimed_at: datetime
    scheduled_activation_date: date | None


def claim(connection: Connection[Any], wanted: RewardClaim, now: datetime) -> Redemption:
    """Claim a reward, or return what the same key claimed before.

    One transaction; the creator is locked first, so a change of their tier is before or after the claim. Raises
    ClaimRefusedError, and UnfitClaimError for a claim that no creator could make.
    """
    if not 1 <= len(wanted.claim_key) <= 200:
        raise UnfitClaimError("A claim key has 1 to 200 characters: give another.")
    try:
        with connection.transaction():
            return _claim(connection, wanted, now)
    except errors.UniqueViolation:
        # Another creator used the key at the same moment.
        raise _key_is_taken(wanted) from None


def _claim(connection: Connection[Any], wanted: RewardClaim, now: datetime) -> Redemption:
    about: dict[str, Any] = {
        "tenant_id": wanted.tenant_id,
        "user_id": wanted.user_id,
        "claim_key": wanted.claim_key,
        "mission_id": wanted.mission_id,
        "reward_id": wanted.reward_id or _reward_of_mission(connection, wanted),
        "now": now,
    }
    connection.execute(statement("loyalty/lock_member"), about)
    earlier = _claimed_by_key(connection, about)
    if earlier is not None:
        same = (wanted.user_id, about["reward_id"], wanted.mission_id)
        if (earlier.user_id, earlier.reward_id, earlier.mission_id) != same:
            raise _key_is_taken(wanted)
        return earlier
    with connection.cursor(row_factory=dict_row) as cursor:
        facts = cursor.execute(statement("loyalty/claim_facts"), about).fetchone()
    refused = _refusal(facts, wanted)
    if refused is not None:
        raise _refused(refused, wanted)
    assert facts is not None
    starts_on = _start(facts, wanted)
    about |= {
        "checkpoint_start": facts["window_start"],
        "tier": facts["current_tier"],
        "redemption_type": facts["redemption_type"],
        "cycle_key": facts["cycle_key"],
        "slot": facts["slot"],
        "scheduled_on": wanted.scheduled_on,
        "scheduled_at": wanted.scheduled_at,
        "expiration_date": facts["expiration_date"],
    }
    with connection.cursor(row_factory=class_row(Redemption)) as claiming:
        claimed = claiming.execute(statement("loyalty/claim"), about).fetchone()
    if claimed is None:
        raise _refused(ClaimRefusal.ALREADY_CLAIMED, wanted)
    about["redemption_id"] = claimed.id
    _add_what_belongs_to_it(connection, about, facts, wanted, starts_on)
    # Last, because all claims of the reward wait for each other from here on until they commit.
    stock = "loyalty/keep_unlimited" if facts["stock_total"] is None else "loyalty/take_stock"
    if connection.execute(statement(stock), about | {"taken": 1}).fetchone() is None:
        raise _refused(ClaimRefusal.SOLD_OUT, wanted)
    return claimed


def _reward_of_mission(connection: Connection[Any], wanted: RewardClaim) -> str | None:
    if wanted.mission_id is None:
        raise UnfitClaimError("A claim names a reward or a mission: give one of them.")
    given = {"tenant_id": wanted.tenant_id, "mission_id": wanted.mission_id}
    row = connection.execute(statement("loyalty/reward_of_mission"), given).fetchone()
    return None if row is None else str(row[0])


def _claimed_by_key(connection: Connection[Any], about: dict[str, Any]) -> Redemption | None:
    with connection.cursor(row_factory=class_row(Redemption)) as cursor:
        return cursor.execute(statement("loyalty/find_claim"), about).fetchone()


def _refusal(facts: dict[str, Any] | None, wanted: RewardClaim) -> ClaimRefusal | None:
    """Return the first reason against a claim, but for a stock that is gone."""
    if facts is None or facts["program_status"] != "active" or not facts["is_member"] or not facts["is_enabled"]:
        return ClaimRefusal.NOT_ACTIVE
    if facts["has_ended"]:
        return ClaimRefusal.ENDED
    if not facts["in_tier"] and (facts["reward_source"] == "vip_tier" or wanted.mission_id is not None):
        return ClaimRefusal.NOT_IN_TIER
    if facts["reward_source"] == "mission" and not facts["mission_completed"]:
        return ClaimRefusal.MISSION_NOT_COMPLETE
    if facts["cycle_key"] is None:
        # All else holds, so its time is over.
        return ClaimRefusal.ENDED
    if facts["slot"] is None:
        return ClaimRefusal.ALREADY_CLAIMED
    if facts["type"] == "commission_boost" and facts["has_boost"]:
        return ClaimRefusal.BOOST_OVERLAPS
    return None


def _start(facts: dict[str, Any], wanted: RewardClaim) -> date:
    """Return the local day from which the reward takes effect. Raises UnfitClaimError."""
    today: date = facts["day"]
    if facts["redemption_type"] == "instant":
        if wanted.scheduled_on is not None or wanted.scheduled_at is not None:
            raise UnfitClaimError("This reward takes effect at once: leave its day and time out.")
        return today
    if wanted.scheduled_on is None:
        raise UnfitClaimError("This reward takes effect on a day that the creator chooses: give the day.")
    if not today <= wanted.scheduled_on <= today + LONGEST_WAIT:
        raise UnfitClaimError(
            f"{wanted.scheduled_on} is not from {today} to {today + LONGEST_WAIT}, which the reward takes effect in."
        )
    return wanted.scheduled_on


def _add_what_belongs_to_it(
    connection: Connection[Any], about: dict[str, Any], facts: dict[str, Any], wanted: RewardClaim, starts_on: date
) -> None:
    """Write the boost or gift of a claim."""
    value = facts["value_data"]
    if facts["type"] == "commission_boost":
        boost = about | {
            "starts_on": starts_on,
            "duration_days": value.get("duration_days", 30),
            "boost_rate": Decimal(str(value["boost_rate"])),
            "commission_rate": facts["commission_rate"],
            "currency": facts["currency"],
            "minor_units": minor_units(facts["currency"]),
            "payment_method": wanted.payment_method,
            "payment_account_ref": wanted.payment_account_ref,
            "day": facts["day"],
        }
        if connection.execute(statement("loyalty/schedule_boost"), boost).fetchone() is None:
            raise _refused(ClaimRefusal.BOOST_OVERLAPS, wanted)
    elif facts["type"] == "physical_gift":
        gift = about | {
            "requires_size": value.get("requires_size", False),
            "size_category": value.get("size_category"),
            "size": wanted.size,
            "shipping_ref": wanted.shipping_ref,
        }
        connection.execute(statement("loyalty/order_gift"), gift)


def _key_is_taken(wanted: RewardClaim) -> ClaimRefusedError:
    return ClaimRefusedError(
        ClaimRefusal.ALREADY_CLAIMED, f"The claim key {wanted.claim_key} names another claim: give a new one."
    )


def _refused(refusal: ClaimRefusal, wanted: RewardClaim) -> ClaimRefusedError:
    what = wanted.reward_id or f"the reward of {wanted.mission_id}"
    said = {
        ClaimRefusal.NOT_ACTIVE: f"{wanted.user_id} cannot claim {what}: the program or the reward is not active, or "
        "the user is no member",
        ClaimRefusal.NOT_IN_TIER: f"{wanted.user_id} cannot claim {what}: it is for another tier",
        ClaimRefusal.MISSION_NOT_COMPLETE: f"{wanted.user_id} cannot claim {what}: the mission is not completed",
        ClaimRefusal.ALREADY_CLAIMED: f"{wanted.user_id} has claimed {what} already",
        ClaimRefusal.SOLD_OUT: f"{wanted.user_id} cannot claim {what}: none is left",
        ClaimRefusal.BOOST_OVERLAPS: f"{wanted.user_id} cannot claim {what}: another boost is scheduled or active",
        ClaimRefusal.ENDED: f"{wanted.user_id} cannot claim {what}: its time is over",
    }[refusal]
    return ClaimRefusedError(refusal, f"{said}.")
