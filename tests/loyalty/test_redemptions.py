"""Redemptions that follow tiers: the vectors, and one world with lazy and eager rewards."""

from datetime import date, timedelta
from typing import Any

import pytest
from loyalty.rewarding import NOW, TENANT, add_creators, add_program, add_reward, hold
from psycopg import Connection

from trackai_pipelines.loyalty.claims import ClaimRefusedError, RewardClaim, claim
from trackai_pipelines.loyalty.redemptions import follow_tiers

# c07 of the reference world: the days on which the tier changed, and the tier.
_C07 = {
    date(2023, 9, 10): "tier_1",
    date(2024, 1, 10): "tier_3",
    date(2024, 5, 10): "tier_2",
    date(2024, 5, 19): "tier_3",
    date(2025, 1, 19): "tier_1",
}
_AVAILABLE = {
    date(2024, 1, 9): False,
    date(2024, 1, 10): True,
    date(2024, 5, 9): True,
    date(2024, 5, 10): False,
    date(2024, 5, 18): False,
    date(2024, 5, 19): True,
    date(2025, 1, 18): True,
    date(2025, 1, 19): False,
}
_EAGER_ROW = {
    date(2024, 1, 10): ("claimable", None, 0),
    date(2024, 5, 10): ("claimable", "demoted", 0),
    date(2024, 5, 19): ("claimable", None, 1),
    date(2025, 1, 19): ("claimable", "demoted", 1),
}


@pytest.fixture
def world(connection: Connection[Any]) -> Connection[Any]:
    """A program with one creator in the lowest tier."""
    add_program(connection)
    add_creators(connection, ["c07"], "tier_1", since=date(2023, 9, 10))
    return connection


def _offered(connection: Connection[Any], day: date) -> set[str]:
    query = "SELECT reward_id FROM trackai.rewards_on_offer(%s, %s) WHERE availability = 'claimable'"
    return {reward for (reward,) in connection.execute(query, (TENANT, day))}


def _evaluate(connection: Connection[Any], day: date) -> None:
    """Do what the evaluation of a day does for c07."""
    if day in _C07 and day != date(2023, 9, 10):
        hold(connection, "c07", _C07[day], day)
    follow_tiers(connection, TENANT, day, NOW)


def test_rows_and_offers_of_the_reference_creator(world: Connection[Any]) -> None:
    add_reward(world, "lazy")
    add_reward(world, "eager", creation="eager")
    for day in sorted({*_AVAILABLE, *_EAGER_ROW}):
        _evaluate(world, day)
        if day in _AVAILABLE:
            assert _offered(world, day) == ({"lazy", "eager"} if _AVAILABLE[day] else set()), day
        if day in _EAGER_ROW:
            rows = world.execute(
                "SELECT status, deleted_reason, reactivations FROM trackai.redemptions WHERE reward_id = 'eager'"
            ).fetchall()
            assert rows == [_EAGER_ROW[day]], day
        again = follow_tiers(world, TENANT, day, NOW)
        assert (again.made, again.taken_back) == (0, 0), day
    assert world.execute("SELECT reward_id FROM trackai.redemptions").fetchall() == [("eager",)]


def test_lazy_and_eager_rewards_offer_and_grant_the_same(world: Connection[Any]) -> None:
    """One world with each kind of reward twice: on every day the same offers, and the same answers to claims."""
    kinds: dict[str, dict[str, Any]] = {
        "once": {},
        "twice": {"redemption_quantity": 2},
        "window": {"redemption_frequency": "checkpoint"},
        "month": {"redemption_frequency": "monthly", "expires_days": 20},
        "week": {"redemption_frequency": "weekly"},
        "lapses": {"expires_days": 30},
        "summer": {"starts_on": date(2024, 6, 1), "ends_on": date(2024, 9, 1)},
    }
    for name, columns in kinds.items():
        for creation in ("lazy", "eager"):
            add_reward(world, f"{name} {creation}", creation=creation, **columns)
    hold(world, "c07", "tier_3", date(2024, 1, 10))
    first, claimed, refused = date(2024, 5, 1), 0, 0
    for number in range(140):
        day = first + timedelta(days=number)
        _evaluate(world, day)
        if day == date(2024, 7, 1):
            world.execute("UPDATE trackai.rewards SET enabled = false WHERE reward_id LIKE 'twice %'")
        if day == date(2024, 8, 1):
            world.execute("UPDATE trackai.rewards SET enabled = true WHERE reward_id LIKE 'twice %'")
        offered = _offered(world, day)
        for name in kinds:
            assert (f"{name} lazy" in offered) == (f"{name} eager" in offered), (day, name)
        if number % 7 == 0:
            answers = {name: [_claim(world, f"{name} {kind}", day) for kind in ("lazy", "eager")] for name in kinds}
            for name, (lazy, eager) in answers.items():
                assert lazy == eager, (day, name)
                assert lazy.startswith("claimed") == (f"{name} lazy" in offered), (day, name)
                claimed, refused = claimed + lazy.startswith("claimed"), refused + (not lazy.startswith("claimed"))
    assert claimed > 20
    assert refused > 20
    # One row a key, however often the tier changed.
    rows = world.execute(
        "SELECT count(*), max(reactivations) FROM trackai.redemptions WHERE reward_id = 'once eager'"
    ).fetchone()
    assert rows == (1, 0)


def _claim(connection: Connection[Any], reward: str, day: date) -> str:
    moment = NOW.replace(year=day.year, month=day.month, day=day.day)
    wanted = RewardClaim(tenant_id=TENANT, user_id="c07", reward_id=reward, claim_key=f"{reward} {day}")
    try:
        made = claim(connection, wanted, moment)
    except ClaimRefusedError as error:
        return str(error.refusal)
    return f"claimed {made.cycle_key} {made.slot}"
