"""Missions: the vectors, progress that falls back, rests, and stays once it is claimed."""

import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from loyalty.rewarding import (
    NOW,
    TENANT,
    TODAY,
    add_creators,
    add_entries,
    add_mission,
    add_program,
    add_reward,
    hold,
    insert,
)
from psycopg import Connection

from trackai_pipelines.loyalty.claims import ClaimRefusal, ClaimRefusedError, RewardClaim, claim
from trackai_pipelines.loyalty.missions import count_missions
from trackai_pipelines.loyalty.redemptions import follow_tiers

VECTORS = json.loads((Path(__file__).parent / "vectors" / "loyalty.json").read_text())
START = date(2024, 5, 15)
CLAIM = RewardClaim(tenant_id=TENANT, user_id="c01", mission_id="sell", claim_key="k1")


@pytest.fixture
def world(connection: Connection[Any]) -> Connection[Any]:
    """A program with a mission to sell for 500, for tier_3 alone, and one creator there since 15 May."""
    add_program(connection)
    add_creators(connection, ["c01"], since=START)
    add_reward(connection, "prize", reward_source="mission", tier_eligibility=None)
    add_mission(connection, tier_eligibility="tier_3")
    return connection


def _progress(connection: Connection[Any]) -> list[tuple[Any, ...]]:
    query = """
        SELECT checkpoint_start, current_value::integer, status, completed_on
        FROM trackai.mission_progress
        ORDER BY checkpoint_start
    """
    return connection.execute(query).fetchall()


def test_progress_of_the_reference_creators(connection: Connection[Any]) -> None:
    """After the evaluation of a day, the window that is open then; no row is nothing yet."""
    add_program(connection)
    users = sorted({case["user_id"] for case in VECTORS["missions"]["cases"]})
    add_creators(connection, users, "tier_1", since=date(2023, 9, 1))
    add_reward(connection, "prize", reward_source="mission", tier_eligibility=None)
    for metric, unit in (("sales_dollars", "dollars"), ("sales_units", "units")):
        add_mission(connection, metric, mission_type=metric, target_unit=unit, target_value=1_000_000)
    for entry in VECTORS["worked_example"]["ledger"]:
        if entry["user_id"] in users:
            columns = ("posting_no", "source", "source_ref", "user_id", "revision", "sale_day", "amount", "units")
            row = {
                "tenant_id": TENANT,
                "currency": "USD",
                "recorded_at": NOW,
                **{name: entry[name] for name in columns},
            }
            insert(connection, "sales_ledger", [row])
    connection.execute(
        """
        INSERT INTO trackai.creator_sales_daily (tenant_id, user_id, sale_day, currency, source, amount, units)
        SELECT tenant_id, user_id, sale_day, currency, source, sum(amount), sum(units)
        FROM trackai.sales_ledger
        GROUP BY 1, 2, 3, 4, 5
        """
    )
    for case in VECTORS["missions"]["cases"]:
        user, day, start = case["user_id"], *map(date.fromisoformat, (case["evaluated_day"], case["checkpoint_start"]))
        if start < day:
            # The window was open before the day, too.
            connection.execute(
                "UPDATE trackai.loyalty_members SET (window_start, window_end, current_tier) = (%s, %s, %s) "
                "WHERE user_id = %s",
                (start, case["checkpoint_end"], case["tier"], user),
            )
            count_missions(connection, TENANT, day, 1_000, NOW)
        found = dict(
            connection.execute(
                "SELECT mission_id, current_value FROM trackai.mission_progress "
                "WHERE user_id = %s AND checkpoint_start = %s",
                (user, start),
            ).fetchall()
        )
        expected = {metric: Decimal(case[metric]) for metric in ("sales_dollars", "sales_units")}
        assert {metric: found.get(metric, Decimal(0)) for metric in expected} == expected, case


def test_progress_falls_back_until_it_is_claimed(world: Connection[Any]) -> None:
    def count(day: date) -> tuple[int, int]:
        done = count_missions(world, TENANT, day, 9, NOW)
        return done.changed, done.completed

    assert count(START + timedelta(days=1)) == (0, 0)
    add_entries(world, "c01", [(1, START, Decimal(499)), (2, START + timedelta(days=1), Decimal(1))])
    assert count(START + timedelta(days=1)) == (1, 0)
    assert _progress(world) == [(START, 499, "active", None)]
    done_on = START + timedelta(days=2)
    assert count(done_on) == (1, 1)
    assert count(done_on) == (0, 0), "nothing is new"
    assert _progress(world) == [(START, 500, "completed", done_on)]
    add_entries(world, "c01", [(3, START, Decimal(-500))])
    assert count(done_on + timedelta(days=1)) == (1, 0)
    assert _progress(world) == [(START, 0, "active", None)]
    add_entries(world, "c01", [(4, START, Decimal(600))])
    assert count(TODAY) == (1, 1)
    assert claim(world, CLAIM, NOW).cycle_key == f"x:sell:{START}"
    add_entries(world, "c01", [(5, START, Decimal(-600))])
    count(TODAY)
    assert _progress(world) == [(START, 0, "completed", TODAY)], "it is claimed"


def test_the_last_day_counts_and_is_claimed_after_the_window(world: Connection[Any]) -> None:
    """The window closes on the day on which the mission is completed; the next begins with nothing."""
    ends = START + timedelta(days=20)
    add_entries(world, "c01", [(1, ends - timedelta(days=1), Decimal(500)), (2, ends, Decimal(70))])
    count_missions(world, TENANT, ends, 9, NOW)
    hold(world, "c01", "tier_3", ends)
    follow_tiers(world, TENANT, ends, NOW)
    assert _progress(world) == [(START, 500, "completed", ends)]
    count_missions(world, TENANT, ends + timedelta(days=1), 9, NOW)
    assert _progress(world) == [(START, 500, "completed", ends), (ends, 70, "active", None)]
    offers = world.execute("SELECT cycle_key FROM trackai.rewards_on_offer(%s, %s)", (TENANT, TODAY)).fetchall()
    assert offers == [(f"x:sell:{START}",)]
    assert claim(world, CLAIM, NOW).mission_id == "sell"
    assert world.execute("SELECT * FROM trackai.rewards_on_offer(%s, %s)", (TENANT, TODAY)).fetchall() == []


def test_progress_rests_while_the_tier_is_another(world: Connection[Any]) -> None:
    add_entries(world, "c01", [(1, START, Decimal(500))])
    count_missions(world, TENANT, TODAY, 9, NOW)
    for tier, status in (("tier_2", "dormant"), ("tier_3", "completed")):
        with world.transaction(force_rollback=tier == "tier_2"):
            day = TODAY - timedelta(days=1)
            hold(world, "c01", tier, day)
            assert follow_tiers(world, TENANT, day, NOW).missions_changed == (tier == "tier_2")
            assert [row[2] for row in _progress(world)] == [status]
            if tier == "tier_2":
                with pytest.raises(ClaimRefusedError) as refused:
                    claim(world, CLAIM, NOW)
                assert refused.value.refusal == ClaimRefusal.NOT_IN_TIER
                hold(world, "c01", "tier_3", TODAY)
                assert follow_tiers(world, TENANT, TODAY, NOW).missions_changed == 1
                assert [row[2] for row in _progress(world)] == ["completed"]


def test_videos_are_counted_by_their_post_date(world: Connection[Any]) -> None:
    add_mission(world, "film", mission_type="videos", target_value=2, target_unit="count")
    days = [START - timedelta(days=1), START, TODAY - timedelta(days=1), TODAY]
    world.execute("SELECT trackai.make_partitions('videos', 'month', %s)", (days,))
    insert(
        world,
        "videos",
        [
            {"tenant_id": TENANT, "video_id": f"v{number}", "post_date": day, "user_id": "c01", "sync_date": NOW}
            for number, day in enumerate(days)
        ],
    )
    count_missions(world, TENANT, TODAY, 9, NOW)
    assert _progress(world) == [(START, 2, "completed", TODAY)]
