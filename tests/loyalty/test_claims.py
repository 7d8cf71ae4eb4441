"""Claims: who gets what, once, and by which name others are refused."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from loyalty.rewarding import (
    NOW,
    TENANT,
    TODAY,
    add_creators,
    add_mission,
    add_program,
    add_reward,
    hold,
    insert,
    until_waiting,
)
from psycopg import Connection

from trackai_pipelines.database.connection import connect
from trackai_pipelines.loyalty.claims import (
    ClaimRefusal,
    ClaimRefusedError,
    Redemption,
    RewardClaim,
    UnfitClaimError,
    claim,
)
from trackai_pipelines.loyalty.redemptions import change_redemption, follow_tiers

BY_C01 = RewardClaim(tenant_id=TENANT, user_id="c01", reward_id="card", claim_key="k1")


@pytest.fixture
def world(connection: Connection[Any]) -> Connection[Any]:
    """A program with two creators in tier_3 and one in tier_1."""
    add_program(connection)
    add_creators(connection, ["c01", "c02"])
    add_creators(connection, ["c03"], "tier_1")
    return connection


def _refusal(connection: Connection[Any], wanted: RewardClaim, **said: Any) -> ClaimRefusal:
    with pytest.raises(ClaimRefusedError) as refused:
        claim(connection, replace(wanted, **said), NOW)
    return refused.value.refusal


def test_a_claim_is_made_once(world: Connection[Any]) -> None:
    add_reward(world)
    made = claim(world, BY_C01, NOW)
    assert (made.status, made.cycle_key, made.slot, made.claimed_at) == ("claimed", "once", 1, NOW)
    assert claim(world, BY_C01, NOW + timedelta(hours=1)) == made
    assert _refusal(world, BY_C01, claim_key="k2") == ClaimRefusal.ALREADY_CLAIMED
    assert _refusal(world, BY_C01, user_id="c02") == ClaimRefusal.ALREADY_CLAIMED, "the key of another claim"


def test_refusals_have_names(world: Connection[Any]) -> None:
    add_reward(world, "off", enabled=False)
    add_reward(world, "later", starts_on=TODAY + timedelta(days=1))
    add_reward(world, "over", ends_on=TODAY)
    add_reward(world, "gone", stock_total=0)
    add_reward(world, "lapsed", expires_days=5)
    add_reward(world, "prize", reward_source="mission", tier_eligibility=None)
    add_mission(world)
    found = {
        reward: _refusal(world, BY_C01, reward_id=reward)
        for reward in ("off", "later", "over", "gone", "lapsed", "prize", "unknown")
    }
    assert found == {
        "off": ClaimRefusal.NOT_ACTIVE,
        "later": ClaimRefusal.NOT_ACTIVE,
        "over": ClaimRefusal.ENDED,
        "gone": ClaimRefusal.SOLD_OUT,
        "lapsed": ClaimRefusal.ENDED,
        "prize": ClaimRefusal.MISSION_NOT_COMPLETE,
        "unknown": ClaimRefusal.NOT_ACTIVE,
    }
    assert _refusal(world, BY_C01, reward_id=None, mission_id="sell") == ClaimRefusal.MISSION_NOT_COMPLETE
    add_reward(world)
    assert _refusal(world, BY_C01, user_id="c03") == ClaimRefusal.NOT_IN_TIER
    assert _refusal(world, BY_C01, user_id="nobody") == ClaimRefusal.NOT_ACTIVE
    world.execute("UPDATE trackai.loyalty_members SET left_on = %s WHERE user_id = 'c02'", (TODAY,))
    assert _refusal(world, BY_C01, user_id="c02") == ClaimRefusal.NOT_ACTIVE
    world.execute("UPDATE trackai.loyalty_programs SET status = 'paused'")
    assert _refusal(world, BY_C01) == ClaimRefusal.NOT_ACTIVE
    assert world.execute("SELECT count(*) FROM trackai.redemptions").fetchone() == (0,)


def test_cycles_say_how_often(world: Connection[Any]) -> None:
    """The local month and ISO week are those of the program's zone, where it is still 30 June."""
    world.execute("UPDATE trackai.loyalty_programs SET time_zone = 'America/Sao_Paulo'")
    night = NOW.replace(month=7, day=1, hour=1)
    for frequency in ("one-time", "checkpoint", "monthly", "weekly"):
        add_reward(world, frequency, redemption_frequency=frequency)
    add_reward(world, "unlimited", redemption_frequency="unlimited", redemption_quantity=None)
    add_reward(world, "two", redemption_quantity=2)
    made = {
        reward: claim(world, replace(BY_C01, reward_id=reward, claim_key=reward), night).cycle_key
        for reward in ("one-time", "checkpoint", "monthly", "weekly", "unlimited", "two")
    }
    assert made == {
        "one-time": "once",
        "checkpoint": "w:2024-05-15",
        "monthly": "m:2024-06",
        "weekly": "i:2024-W26",
        "unlimited": "c:unlimited",
        "two": "once",
    }
    later = night + timedelta(hours=3)
    assert claim(world, replace(BY_C01, reward_id="monthly", claim_key="july"), later).cycle_key == "m:2024-07"
    assert claim(world, replace(BY_C01, reward_id="unlimited", claim_key="again"), night).cycle_key == "c:again"
    assert claim(world, replace(BY_C01, reward_id="two", claim_key="second"), night).slot == 2
    for reward in ("one-time", "checkpoint", "weekly", "two"):
        with pytest.raises(ClaimRefusedError, match="already"):
            claim(world, replace(BY_C01, reward_id=reward, claim_key=f"{reward} again"), night)
    hold(world, "c01", "tier_3", date(2024, 6, 30))
    again = claim(world, replace(BY_C01, reward_id="checkpoint", claim_key="new window"), night)
    assert again.cycle_key == "w:2024-06-30"


def test_a_rejected_claim_may_be_made_again(world: Connection[Any]) -> None:
    add_reward(world, stock_total=1)
    made = claim(world, BY_C01, NOW)
    assert _refusal(world, BY_C01, user_id="c02", claim_key="k2") == ClaimRefusal.SOLD_OUT
    change_redemption(world, TENANT, made.id, "rejected", by="ann", now=NOW, notes="a test account")
    assert claim(world, BY_C01, NOW).status == "rejected", "the key still names the first claim"
    assert claim(world, replace(BY_C01, claim_key="k3"), NOW).slot == 1
    assert _stock(world) == 1


def test_an_unfit_claim_is_no_refusal(world: Connection[Any]) -> None:
    add_reward(world)
    add_reward(world, "later", redemption_type="scheduled")
    for said in (
        {"reward_id": None},
        {"claim_key": ""},
        {"scheduled_on": TODAY},
        {"reward_id": "later"},
        {"reward_id": "later", "scheduled_on": TODAY - timedelta(days=1)},
        {"reward_id": "later", "scheduled_on": TODAY + timedelta(days=91)},
    ):
        with pytest.raises(UnfitClaimError):
            claim(world, replace(BY_C01, **said), NOW)
    made = claim(world, replace(BY_C01, reward_id="later", scheduled_on=TODAY + timedelta(days=90)), NOW)
    assert made.scheduled_activation_date == TODAY + timedelta(days=90)


def test_a_mission_is_claimed_once_for_each_window(world: Connection[Any]) -> None:
    add_reward(world, "prize", reward_source="mission", tier_eligibility=None)
    add_mission(world)
    by_mission = replace(BY_C01, reward_id=None, mission_id="sell")
    for start, status in ((date(2024, 1, 15), "completed"), (date(2024, 5, 15), "completed")):
        _progress(world, start, status)
    assert claim(world, by_mission, NOW).cycle_key == "x:sell:2024-01-15"
    assert claim(world, replace(by_mission, claim_key="k2"), NOW).cycle_key == "x:sell:2024-05-15"
    assert _refusal(world, by_mission, claim_key="k3") == ClaimRefusal.ALREADY_CLAIMED


def _progress(connection: Connection[Any], start: date, status: str) -> None:
    row = {
        "tenant_id": TENANT,
        "user_id": "c01",
        "mission_id": "sell",
        "checkpoint_start": start,
        "current_value": 500,
        "target_value": 500,
        "status": status,
        "completed_on": start,
        "ledger_upto": 1,
        "created_at": NOW,
        "updated_at": NOW,
    }
    insert(connection, "mission_progress", [row])


def _stock(connection: Connection[Any]) -> int:
    row = connection.execute("SELECT stock_taken FROM trackai.rewards WHERE reward_id = 'card'").fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.slow
def test_sixteen_connections_never_take_more_than_there_is(world: Connection[Any], database_url: str) -> None:
    """500 creators try three times each for a stock of 100."""
    creators = [f"u{number:03}" for number in range(500)]
    add_creators(world, creators)
    add_reward(world, stock_total=100)
    tries = [(user, f"{user}-{again}") for again in range(3) for user in creators]
    local = threading.local()
    opened: list[Connection[Any]] = []

    def attempt(one: tuple[str, str]) -> str:
        if not hasattr(local, "connection"):
            local.connection = connect(database_url, name="claims")
            opened.append(local.connection)
        try:
            claim(local.connection, replace(BY_C01, user_id=one[0], claim_key=one[1]), NOW)
        except ClaimRefusedError as error:
            return error.refusal
        return "claimed"

    with ThreadPoolExecutor(16) as threads:
        found = Counter(threads.map(attempt, tries))
    for one in opened:
        one.close()
    assert found == {"claimed": 100, "already_claimed": 200, "sold_out": 1_200}
    rows = world.execute("SELECT count(*), count(DISTINCT user_id) FROM trackai.redemptions").fetchone()
    assert rows == (100, 100)
    assert _stock(world) == 100


def test_a_claim_is_before_or_after_a_demotion(world: Connection[Any], database_url: str) -> None:
    """While an evaluation holds the creator, a claim waits; it then sees the tier that the evaluation left."""
    add_reward(world)
    add_reward(world, "eager", creation="eager")
    follow_tiers(world, TENANT, TODAY, NOW)

    def attempt(reward: str) -> Redemption | ClaimRefusal:
        with connect(database_url, name="claim") as other:
            try:
                return claim(other, replace(BY_C01, reward_id=reward, claim_key=reward), NOW)
            except ClaimRefusedError as error:
                return error.refusal

    with ThreadPoolExecutor(2) as threads:
        with world.transaction():
            hold(world, "c01", "tier_2", TODAY)
            attempts = [threads.submit(attempt, reward) for reward in ("card", "eager")]
            until_waiting(database_url, 2)
            follow_tiers(world, TENANT, TODAY, NOW)
        assert [one.result() for one in attempts] == [ClaimRefusal.NOT_IN_TIER] * 2
    # A claim that was first is owed, whatever becomes of the tier.
    made = claim(world, replace(BY_C01, user_id="c02", reward_id="eager"), NOW)
    hold(world, "c02", "tier_2", TODAY)
    follow_tiers(world, TENANT, TODAY, NOW)
    row = world.execute("SELECT status, deleted_at FROM trackai.redemptions WHERE id = %s", (made.id,)).fetchone()
    assert row == ("claimed", None)
