"""Boosts: their days and payouts, whenever the evaluation ran, and their history."""

import json
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from loyalty.rewarding import NOW, TENANT, TODAY, add_creators, add_entries, add_program, add_reward, hold
from psycopg import Connection, sql

from trackai_pipelines.loyalty.boosts import cancel, move_boosts, pay, set_account
from trackai_pipelines.loyalty.claims import ClaimRefusedError, RewardClaim, claim
from trackai_pipelines.loyalty.reconcile_rewards import illegal_boosts
from trackai_pipelines.loyalty.redemptions import change_redemption
from trackai_pipelines.loyalty.refusals import LoyaltyRefusedError

VECTORS = json.loads((Path(__file__).parent / "vectors" / "loyalty.json").read_text())
BOOST = RewardClaim(tenant_id=TENANT, user_id="c03", reward_id="boost", claim_key="k1")


@pytest.fixture
def world(connection: Connection[Any]) -> Connection[Any]:
    """A program with a boost of 5 % for 30 days, and the ledger of c03 of the reference world."""
    add_program(connection)
    add_creators(connection, ["c03"])
    add_reward(connection, "boost", type="commission_boost", value_data={"boost_rate": "5.00", "duration_days": 30})
    entries = [
        (entry["posting_no"], date.fromisoformat(entry["sale_day"]), Decimal(entry["amount"]))
        for entry in VECTORS["worked_example"]["ledger"]
        if entry["user_id"] == "c03"
    ]
    add_entries(connection, "c03", entries)
    return connection


def _boost(connection: Connection[Any], columns: str = "boost_status, sales_delta, calculated_commission") -> Any:
    query = sql.SQL("SELECT {} FROM trackai.commission_boost_redemptions ORDER BY id DESC LIMIT 1").format(
        sql.SQL(", ").join(map(sql.Identifier, columns.split(", ")))
    )
    return connection.execute(query).fetchone()


def _history(connection: Connection[Any]) -> list[tuple[str, date]]:
    query = "SELECT to_status, effective_on FROM trackai.commission_boost_state_history ORDER BY transitioned_at, id"
    return connection.execute(query).fetchall()


def test_commissions_are_rounded_half_away_from_zero(connection: Connection[Any]) -> None:
    for case in VECTORS["boosts"]["rounding"]:
        given = (Decimal(case["sales_delta"]), Decimal(case["boost_rate"]), case["minor_units"])
        row = connection.execute("SELECT trackai.boost_commission(%s, %s, %s)", given).fetchone()
        assert row is not None
        assert str(row[0]) == case["calculated_commission"], case


def test_the_boost_of_the_reference_creator(world: Connection[Any]) -> None:
    """It is evaluated on time, days late at once, and again: its days and its payout are the same."""
    wanted = VECTORS["boosts"]["of_c03"]
    claimed = claim(world, BOOST, NOW)
    found = []
    for days in ([TODAY + timedelta(days=back) for back in range(31)], [TODAY + timedelta(days=60)] * 2):
        with world.transaction(force_rollback=True):
            for day in days:
                move_boosts(world, TENANT, day, 10_000, NOW)
            sums = _boost(world, "sales_at_activation, sales_at_expiration, sales_delta, calculated_commission")
            assert [str(one) for one in sums] == [
                wanted["sales_at_activation"],
                wanted["sales_at_expiration"],
                wanted["sales_delta"],
                f"{wanted['calculated_commission']}00",
            ]
            found.append(_history(world))
            row = world.execute(
                "SELECT status, activation_date, expiration_date FROM trackai.redemptions WHERE id = %s", (claimed.id,)
            ).fetchone()
            assert row == ("claimed", TODAY, date.fromisoformat(wanted["expires_on"]))
            assert illegal_boosts(world, NOW) == []
    first, last = date.fromisoformat(wanted["activated_on"]), date.fromisoformat(wanted["settled_by_evaluation_of"])
    assert found == [[("scheduled", TODAY), ("active", first), ("expired", last), ("pending_info", last)]] * 2


def test_a_late_sale_counts_until_it_is_paid(world: Connection[Any]) -> None:
    claim(world, BOOST, NOW)
    late, then = TODAY + timedelta(days=40), NOW + timedelta(days=41)
    move_boosts(world, TENANT, late, 10_000, NOW)
    boost_id = _boost(world, "id")[0]
    set_account(world, TENANT, boost_id, account="account-7", method="bank", by="ann", now=then)
    add_entries(world, "c03", [(10_001, TODAY + timedelta(days=29), Decimal(100))])
    add_entries(world, "c03", [(10_002, TODAY + timedelta(days=30), Decimal(7_000))])
    move_boosts(world, TENANT, late, 10_002, NOW)
    assert _boost(world) == ("pending_payout", Decimal(1_000), Decimal(50))
    paid = pay(world, TENANT, boost_id, by="ann", now=then)
    assert (paid.amount, paid.currency) == (Decimal(50), "USD")
    assert world.execute("SELECT status FROM trackai.redemptions").fetchall() == [("concluded",)]
    add_entries(world, "c03", [(10_003, TODAY, Decimal("-400.00"))])
    move_boosts(world, TENANT, late, 10_003, NOW)
    assert _boost(world) == ("paid", Decimal(1_000), Decimal(50))
    differences = world.execute("SELECT sales_delta_now, commission_now, difference FROM trackai.boost_differences")
    assert differences.fetchall() == [(Decimal(600), Decimal(30), Decimal(-20))]
    assert illegal_boosts(world, NOW) == []


def test_a_demotion_ends_no_boost_and_the_next_knows_the_account(world: Connection[Any]) -> None:
    claim(world, replace(BOOST, payment_account_ref="account-7", payment_method="bank"), NOW)
    hold(world, "c03", "tier_1", TODAY + timedelta(days=3))
    move_boosts(world, TENANT, TODAY + timedelta(days=30), 10_000, NOW)
    assert _boost(world) == ("pending_payout", Decimal(900), Decimal(45))
    assert world.execute("SELECT status FROM trackai.redemptions").fetchall() == [("fulfilled",)]
    hold(world, "c03", "tier_3", TODAY + timedelta(days=4))
    add_reward(world, "second", type="commission_boost", value_data={"boost_rate": 3})
    claim(world, replace(BOOST, reward_id="second", claim_key="k2"), NOW)
    assert _boost(world, "boost_status, duration_days, payment_account_ref, payment_info_confirmed") == (
        "scheduled",
        30,
        "account-7",
        True,
    )


def test_one_boost_at_a_time_and_a_cancelled_one_may_be_claimed_again(world: Connection[Any]) -> None:
    add_reward(world, "second", type="commission_boost", value_data={"boost_rate": 3})
    claimed = claim(world, BOOST, NOW)
    with pytest.raises(ClaimRefusedError, match="another boost"):
        claim(world, replace(BOOST, reward_id="second", claim_key="k2"), NOW)
    with pytest.raises(LoyaltyRefusedError, match="trackai loyalty boost"):
        change_redemption(world, TENANT, claimed.id, "rejected", by="ann", now=NOW)
    boost_id = _boost(world, "id")[0]
    with pytest.raises(LoyaltyRefusedError, match="is not pending_payout"):
        pay(world, TENANT, boost_id, by="ann", now=NOW)
    cancel(world, TENANT, boost_id, by="ann", now=NOW, reason="asked for")
    assert claim(world, replace(BOOST, claim_key="k3"), NOW).slot == 1
    assert illegal_boosts(world, NOW) == []


def test_a_boost_that_was_changed_by_hand_is_found(world: Connection[Any]) -> None:
    claim(world, BOOST, NOW)
    move_boosts(world, TENANT, TODAY + timedelta(days=30), 10_000, NOW)
    corruptions = [
        ("UPDATE trackai.commission_boost_redemptions SET boost_status = 'pending_payout'", "its history ends in"),
        ("DELETE FROM trackai.commission_boost_state_history WHERE to_status = 'active'", "no chain"),
        ("UPDATE trackai.commission_boost_redemptions SET sales_at_expiration = 16300", "its sales are"),
        ("UPDATE trackai.commission_boost_redemptions SET calculated_commission = 46", "its commission is not"),
        ("UPDATE trackai.redemptions SET status = 'fulfilled', fulfilled_at = now()", "its redemption is fulfilled"),
    ]
    for corruption, said in corruptions:
        with world.transaction(force_rollback=True):
            world.execute(corruption)
            assert said in " ".join(illegal_boosts(world, NOW)), corruption
    assert illegal_boosts(world, NOW) == []
