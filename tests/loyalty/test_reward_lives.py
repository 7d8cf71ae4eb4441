"""Rewards with the rest of the system: evaluations, the report, the rewards page, retention, and erased people."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import dagster as dg
from code_location import materialised
from declared import LEAVING, TABLES
from loyalty.rewarding import NOW, TENANT, TODAY, add_creators, add_entries, add_mission, add_program, add_reward
from psycopg import Connection
from report.pages import Page, write

from trackai_pipelines.domain import Period
from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.lifecycle.archive.restore import restore_day
from trackai_pipelines.lifecycle.archive.store import open_store
from trackai_pipelines.lifecycle.personal_data.erase import erase
from trackai_pipelines.lifecycle.retention.apply import apply_plan
from trackai_pipelines.lifecycle.retention.plan import plan_retention
from trackai_pipelines.loyalty.boosts import move_boosts
from trackai_pipelines.loyalty.claims import RewardClaim, claim
from trackai_pipelines.loyalty.evaluating import EvaluatedDay, evaluate_due
from trackai_pipelines.loyalty.reconcile_rewards import (
    illegal_boosts,
    offers_unlike_tiers,
    stock_unlike_claims,
    unlike_draws,
)
from trackai_pipelines.loyalty.redemptions import change_redemption, follow_tiers
from trackai_pipelines.loyalty.section import data, section

DAY = timedelta(days=1)
START = date(2025, 6, 1)
BY_C01 = RewardClaim(tenant_id=TENANT, user_id="c01", reward_id="boost", claim_key="boost")


def _evaluated(connection: Connection[Any], last: date) -> list[date]:
    """Evaluate up to a day, which was a day before."""
    now = datetime(last.year, last.month, last.day, 12, tzinfo=NOW.tzinfo) + DAY
    done = evaluate_due(connection, TENANT, now)
    return [one.day for one in done if isinstance(one, EvaluatedDay)]


def test_evaluations_count_missions_and_move_offers_and_boosts(
    connection: Connection[Any],
    run_job: Callable[..., dg.ExecuteInProcessResult],
    instance: dg.DagsterInstance,
) -> None:
    """c01 sells 6,000 on the first day, claims a boost as soon as the tier is there, and sells 400 within it."""
    add_program(connection, valid_from=START, checkpoint_months=1)
    connection.execute(
        "SELECT trackai.make_partitions('commission_boost_state_history', 'quarter', ARRAY[%s::date])", (START,)
    )
    add_creators(connection, ["c01"], None, enrolled_on=START)
    add_reward(connection, "boost", type="commission_boost", value_data={"boost_rate": 5, "duration_days": 3})
    add_reward(connection, "eager", creation="eager")
    add_reward(connection, "prize", reward_source="mission", tier_eligibility=None)
    # For the lowest tier, and for everybody: the sales that complete both promote the creator on the same day.
    add_mission(connection, "low", tier_eligibility="tier_1")
    add_mission(connection, "high", target_value=6_000)
    add_entries(connection, "c01", [(1, START, Decimal(6_000)), (2, START + 3 * DAY, Decimal(400))])
    assert _evaluated(connection, START) == [START]
    assert connection.execute("SELECT * FROM trackai.redemptions").fetchall() == []
    assert _evaluated(connection, START + DAY) == [START + DAY]
    progress = connection.execute(
        "SELECT mission_id, status, current_value::integer FROM trackai.mission_progress ORDER BY mission_id"
    )
    assert progress.fetchall() == [("high", "completed", 6_000), ("low", "dormant", 6_000)]
    assert connection.execute("SELECT reward_id, status FROM trackai.redemptions").fetchall() == [
        ("eager", "claimable")
    ]
    claim(connection, BY_C01, datetime(2025, 6, 3, 9, tzinfo=NOW.tzinfo))
    assert run_job("evaluate_loyalty", days=[START + 32 * DAY]).success
    boost = "SELECT boost_status, sales_delta, calculated_commission FROM trackai.commission_boost_redemptions"
    assert connection.execute(boost).fetchone() == ("pending_info", Decimal(400), Decimal(20))
    # The window was over on 2 July, and the tier lost.
    row = connection.execute("SELECT deleted_reason FROM trackai.redemptions WHERE reward_id = 'eager'").fetchone()
    assert row == ("demoted",)
    assert (START + 32 * DAY).isoformat() in materialised(instance, "redemptions")
    for faults in (offers_unlike_tiers, stock_unlike_claims, unlike_draws):
        assert faults(connection) == []
    assert illegal_boosts(connection, NOW) == []


def test_the_rewards_page_and_the_report(connection: Connection[Any], tmp_path: Path) -> None:
    add_program(connection)
    add_creators(connection, ["c01"], "tier_2")
    add_reward(connection, "mine", tier_eligibility="tier_2", redemption_quantity=3)
    add_reward(connection, "few", tier_eligibility="tier_2", stock_total=1)
    add_reward(connection, "later", preview_from_tier="tier_2")
    add_reward(connection, "hidden", preview_from_tier="tier_3")
    add_reward(connection, "boost", type="commission_boost", value_data={"boost_rate": 5}, tier_eligibility="tier_2")
    for reward in ("mine", "boost"):
        claim(connection, replace(BY_C01, reward_id=reward, claim_key=reward), NOW)
    connection.execute("UPDATE trackai.rewards SET stock_taken = 1 WHERE reward_id = 'few'")
    page = connection.execute(
        "SELECT reward_id, claims_left, stock_left, availability FROM trackai.available_rewards ORDER BY reward_id"
    ).fetchall()
    assert page == [
        ("few", 1, 0, "sold_out"),
        ("later", 0, None, "preview"),
        ("mine", 2, None, "claimable"),
    ]
    add_entries(connection, "c01", [(1, TODAY, Decimal(100))])
    move_boosts(connection, TENANT, TODAY + 30 * DAY, 1, NOW)
    connection.execute(
        "INSERT INTO trackai.tier_evaluations (tenant_id, day, ledger_upto, evaluated_at, members) "
        "VALUES (%s, %s, 1, %s, 1)",
        (TENANT, TODAY, NOW),
    )
    found = data(connection, Period(TODAY, TODAY))
    (program,) = found["programs"]
    assert program.boosts == [("USD", 0, 1, Decimal(5))]
    assert program.stock == [("few", 1, 1)]
    texts = " ".join(Page(write(connection, tmp_path / "report.html", (section(), found))).texts)
    assert "1 to be paid with 5 USD" in texts
    assert "few 1 of 1" in texts


def test_who_leaves_keeps_what_was_claimed(connection: Connection[Any]) -> None:
    add_program(connection)
    add_creators(connection, ["c01"])
    add_reward(connection, "one", creation="eager")
    add_reward(connection, "two", creation="eager")
    follow_tiers(connection, TENANT, TODAY, NOW)
    claim(connection, replace(BY_C01, reward_id="one"), NOW)
    connection.execute("UPDATE trackai.loyalty_members SET left_on = %s", (TODAY + DAY,))
    connection.execute("UPDATE trackai.rewards SET enabled = false WHERE reward_id = 'one'")
    follow_tiers(connection, TENANT, TODAY + DAY, NOW)
    rows = connection.execute("SELECT reward_id, status, deleted_reason FROM trackai.redemptions ORDER BY 1").fetchall()
    assert rows == [("one", "claimed", None), ("two", "claimable", "left")]


def test_ended_claims_leave_come_back_and_forget_a_person(
    connection: Connection[Any], database_url: str, tmp_path: Path
) -> None:
    """A gift of a reward that is over leaves with its redemption; one of a limited stock stays."""
    add_program(connection)
    add_creators(connection, ["c01"])
    ann = sha256(b"ann@example.com").hexdigest()
    connection.execute("UPDATE trackai.users SET email_hash = %s", (ann,))
    add_reward(connection, "shirt", type="physical_gift")
    add_reward(connection, "card", stock_total=9)
    for reward in ("shirt", "card"):
        wanted = replace(BY_C01, reward_id=reward, claim_key=reward, size="L" if reward == "shirt" else None)
        made = claim(connection, wanted, NOW)
        change_redemption(connection, TENANT, made.id, "fulfilled", by="ann", now=NOW, notes=f"{reward} for Ann")
        change_redemption(connection, TENANT, made.id, "concluded", by="ann", now=NOW + DAY * (reward == "card"))
    connection.execute("UPDATE trackai.rewards SET enabled = false")
    store = open_store(str(tmp_path / "archive"))
    names = ("physical_gift_redemptions", "redemptions")
    connection.execute(
        "UPDATE trackai.retention_policies SET enabled = false WHERE table_name <> ALL (%s)", (list(names),)
    )

    def retain(today: date) -> set[tuple[str, str, date]]:
        def clock() -> datetime:
            return datetime(today.year, today.month, today.day, 3, tzinfo=NOW.tzinfo)

        plan = plan_retention(connection, TABLES, today=today, dry_run=False, clock=clock)
        done = apply_plan(connection, database_url, store, TABLES, plan, clock=clock)
        assert done.of("failed", "blocked") == []
        return {(step.action, step.table_name, step.day) for step in done.steps}

    due = TODAY + 1_096 * DAY
    assert retain(due) == {("archive", name, TODAY) for name in names}
    assert {("drop", name, TODAY) for name in names} <= retain(due + 7 * DAY)
    assert connection.execute("SELECT reward_id FROM trackai.redemptions").fetchall() == [("card",)]
    erase(connection, store, DOMAINS, TENANT, email_hash=ann)
    for name in reversed(names):
        restore_day(connection, database_url, store, LEAVING[name], TODAY, keep=DAY)
    rows = connection.execute(
        "SELECT user_id, reward_id, status, fulfillment_notes FROM trackai.redemptions ORDER BY reward_id"
    ).fetchall()
    assert rows == [("c01", "card", "concluded", None), ("c01", "shirt", "concluded", None)]
    assert connection.execute("SELECT size_value FROM trackai.physical_gift_redemptions").fetchall() == [(None,)]
    assert stock_unlike_claims(connection) == []
