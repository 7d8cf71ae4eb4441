"""Checks of rewards: green on a world that evaluations and claims made, red after each corruption."""

from datetime import timedelta
from typing import Any

from loyalty.rewarding import NOW, TENANT, TODAY, add_creators, add_program, add_reward, hold, insert
from psycopg import Connection

from trackai_pipelines.loyalty.claims import RewardClaim, claim
from trackai_pipelines.loyalty.reconcile_rewards import offers_unlike_tiers, stock_unlike_claims
from trackai_pipelines.loyalty.redemptions import change_redemption, follow_tiers


def test_offers_and_stock_are_compared(connection: Connection[Any]) -> None:
    add_program(connection)
    add_creators(connection, ["c01", "c02", "c03"])
    before = NOW - timedelta(days=1)
    add_reward(connection, "eager", creation="eager", updated_at=before)
    add_reward(connection, "card", stock_total=5, updated_at=before)
    follow_tiers(connection, TENANT, TODAY - timedelta(days=1), before)
    hold(connection, "c03", "tier_2", TODAY)
    follow_tiers(connection, TENANT, TODAY, NOW)
    connection.execute("UPDATE trackai.loyalty_members SET evaluated_day = %s", (TODAY,))
    evaluated = {"tenant_id": TENANT, "day": TODAY, "ledger_upto": 0, "evaluated_at": NOW, "members": 3}
    insert(connection, "tier_evaluations", [evaluated])
    for number, (user, reward) in enumerate([("c01", "eager"), ("c01", "card"), ("c02", "card")]):
        made = claim(
            connection, RewardClaim(tenant_id=TENANT, user_id=user, reward_id=reward, claim_key=f"{number}"), NOW
        )
    change_redemption(connection, TENANT, made.id, "rejected", by="ann", now=NOW, notes="a test")
    assert offers_unlike_tiers(connection) == []
    assert stock_unlike_claims(connection) == []

    held = "UPDATE trackai.redemptions SET deleted_at = NULL, deleted_reason = NULL WHERE user_id = 'c03'"
    lost = """
        UPDATE trackai.redemptions SET deleted_at = now(), deleted_reason = 'demoted'
        WHERE user_id = 'c02' AND slot IS NOT NULL
    """
    twice = """
        INSERT INTO trackai.redemptions
            (tenant_id, user_id, reward_id, status, tier_at_claim, redemption_type, cycle_key, slot, claimed_at)
        SELECT tenant_id, user_id, reward_id, status, tier_at_claim, redemption_type, cycle_key, 2, claimed_at
        FROM trackai.redemptions WHERE user_id = 'c01' AND reward_id = 'eager'
    """
    for corruption, said in (
        (held, "eager of c03 is on offer though it is for another tier"),
        (lost, "eager of c02 is taken back though the tier is held"),
        ("DELETE FROM trackai.redemptions WHERE user_id = 'c02' AND slot = 1", "eager of c02 has no row"),
        (twice, "eager of c01 is claimed 2 times in once"),
    ):
        with connection.transaction(force_rollback=True):
            connection.execute(corruption)
            assert said in " ".join(offers_unlike_tiers(connection)), said
    with connection.transaction(force_rollback=True):
        connection.execute("UPDATE trackai.rewards SET stock_taken = 2 WHERE reward_id = 'card'")
        assert stock_unlike_claims(connection) == ["acme: card counts 2 taken, and 1 are claimed"]
