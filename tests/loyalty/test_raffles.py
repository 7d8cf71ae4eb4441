"""Raffles: the vectors, entries, and draws that come out again from what they published, in Python and in SQL."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from loyalty.rewarding import NOW, TENANT, TODAY, add_creators, add_mission, add_program, add_reward, until_waiting
from psycopg import Connection

from trackai_pipelines.database.connection import connect
from trackai_pipelines.loyalty import raffles
from trackai_pipelines.loyalty.claims import ClaimRefusal, ClaimRefusedError
from trackai_pipelines.loyalty.reconcile_rewards import stock_unlike_claims, unlike_draws
from trackai_pipelines.loyalty.refusals import LoyaltyRefusedError

VECTORS = json.loads((Path(__file__).parent / "vectors" / "loyalty.json").read_text())["raffle"]
SEED, ENTROPY = VECTORS["seed"], VECTORS["public_entropy"]
MISSION = VECTORS["mission_id"]
END = TODAY + timedelta(days=7)
AFTER = NOW + timedelta(days=7)


@pytest.fixture
def world(connection: Connection[Any]) -> Connection[Any]:
    """A raffle of three prizes among the eight creators of the vectors, not open yet."""
    add_program(connection)
    add_creators(connection, VECTORS["entrants"])
    add_creators(connection, ["c09"], "tier_1")
    add_reward(connection, "prize", reward_source="mission", tier_eligibility=None, stock_total=3)
    add_mission(
        connection,
        MISSION,
        mission_type="raffle",
        target_value=0,
        target_unit="count",
        raffle_end_date=END,
        winners=3,
        tier_eligibility="tier_3",
        activated=False,
    )
    return connection


def _closed(connection: Connection[Any], entropy_source: str | None = "the federal lottery") -> None:
    raffles.open_raffle(connection, TENANT, MISSION, SEED, entropy_source, NOW)
    for user in VECTORS["entrants"]:
        raffles.enter_raffle(connection, TENANT, MISSION, user, NOW)
    raffles.close_raffle(connection, TENANT, MISSION, AFTER)


def test_scores_are_those_of_the_vectors(connection: Connection[Any]) -> None:
    digest = raffles.entries_digest(reversed(VECTORS["entrants"]))
    assert raffles.commitment(SEED) == VECTORS["seed_commitment"]
    assert digest == VECTORS["entries_digest"]
    values = (SEED, VECTORS["tenant_id"], MISSION, digest, ENTROPY)
    in_python = {user: raffles.score(*values, user) for user in VECTORS["entrants"]}
    query = "SELECT u, trackai.raffle_score(%s, %s, %s, %s, %s, u) FROM unnest(%s::text[]) AS u"
    in_sql = dict(connection.execute(query, (*values, VECTORS["entrants"])).fetchall())
    assert in_python == in_sql == VECTORS["scores"]
    assert sorted(in_python, key=lambda user: in_python[user]) == VECTORS["order"]


def test_a_draw_comes_out_again(world: Connection[Any]) -> None:
    _closed(world)
    winners = raffles.draw_raffle(world, TENANT, MISSION, SEED, ENTROPY, by="ann", now=AFTER)
    assert raffles.draw_raffle(world, TENANT, MISSION, SEED, "another", by="ben", now=AFTER) == winners
    raffle, drawn = raffles.read_raffle(world, TENANT, MISSION, AFTER), raffles.entrants(world, TENANT, MISSION)
    assert raffle.is_witnessed
    assert raffles.verify_draw(raffle, TENANT, drawn) == []
    assert unlike_draws(world) == []
    # A second opinion, from published values alone.
    scores = {user: raffles.score(SEED, TENANT, MISSION, str(raffle.entries_digest), ENTROPY, user) for user in winners}
    assert winners == sorted(scores, key=lambda user: scores[user])
    rows = world.execute(
        'SELECT user_id, status, mission_id FROM trackai.redemptions ORDER BY user_id COLLATE "C"'
    ).fetchall()
    assert rows == [(user, "claimed", MISSION) for user in sorted(winners)]
    assert stock_unlike_claims(world) == []
    assert raffles.verify_draw(replace(raffle, public_entropy="chosen"), TENANT, drawn) != []


def test_a_draw_without_a_public_value_says_so(world: Connection[Any]) -> None:
    _closed(world, entropy_source=None)
    raffles.draw_raffle(world, TENANT, MISSION, SEED, None, by="ann", now=AFTER)
    raffle = raffles.read_raffle(world, TENANT, MISSION, AFTER)
    assert not raffle.is_witnessed
    assert raffles.verify_draw(raffle, TENANT, raffles.entrants(world, TENANT, MISSION)) == []
    assert unlike_draws(world) == []


def test_entries_are_refused_by_name(world: Connection[Any]) -> None:
    def refusal(user: str, now: Any = NOW) -> ClaimRefusal:
        with pytest.raises(ClaimRefusedError) as refused:
            raffles.enter_raffle(world, TENANT, MISSION, user, now)
        return refused.value.refusal

    assert refusal("c01") == ClaimRefusal.NOT_ACTIVE
    raffles.open_raffle(world, TENANT, MISSION, SEED, None, NOW)
    assert raffles.enter_raffle(world, TENANT, MISSION, "c01", NOW) == NOW
    assert raffles.enter_raffle(world, TENANT, MISSION, "c01", AFTER) == NOW, "entering twice is entering once"
    assert refusal("c09") == ClaimRefusal.NOT_IN_TIER
    assert refusal("nobody") == ClaimRefusal.NOT_ACTIVE
    assert refusal("c02", AFTER) == ClaimRefusal.ENDED
    raffles.close_raffle(world, TENANT, MISSION, AFTER)
    assert refusal("c02") == ClaimRefusal.ENDED
    assert raffles.close_raffle(world, TENANT, MISSION, AFTER).entries == 1


def test_a_draw_and_an_entry_do_not_wait_for_each_other(world: Connection[Any], database_url: str) -> None:
    """An entry that waits for a draw does not hold the creator, whom the draw may have to lock."""
    _closed(world)

    def enter() -> ClaimRefusal | None:
        with connect(database_url, name="entry") as other:
            try:
                raffles.enter_raffle(other, TENANT, MISSION, "c09", NOW)
            except ClaimRefusedError as error:
                return error.refusal
        return None

    with ThreadPoolExecutor(1) as threads:
        with world.transaction():
            world.execute("SELECT 1 FROM trackai.raffle_draws FOR UPDATE")
            entry = threads.submit(enter)
            until_waiting(database_url, 1)
            world.execute("SELECT 1 FROM trackai.loyalty_members WHERE user_id = 'c09' FOR NO KEY UPDATE NOWAIT")
        assert entry.result() == ClaimRefusal.ENDED


def test_steps_are_taken_in_order(world: Connection[Any]) -> None:
    with pytest.raises(LoyaltyRefusedError, match="is not open"):
        raffles.close_raffle(world, TENANT, MISSION, AFTER)
    with pytest.raises(LoyaltyRefusedError, match="nobody could enter"):
        raffles.open_raffle(world, TENANT, MISSION, SEED, None, AFTER)
    raffles.open_raffle(world, TENANT, MISSION, SEED, "a lottery", NOW)
    with pytest.raises(LoyaltyRefusedError, match="is open already"):
        raffles.open_raffle(world, TENANT, MISSION, SEED, "a lottery", NOW)
    with pytest.raises(LoyaltyRefusedError, match="not yet"):
        raffles.close_raffle(world, TENANT, MISSION, NOW)
    with pytest.raises(LoyaltyRefusedError, match="is not closed"):
        raffles.draw_raffle(world, TENANT, MISSION, SEED, ENTROPY, by="ann", now=AFTER)
    raffles.close_raffle(world, TENANT, MISSION, AFTER)
    with pytest.raises(LoyaltyRefusedError, match="not the seed"):
        raffles.draw_raffle(world, TENANT, MISSION, "00" * 32, ENTROPY, by="ann", now=AFTER)
    with pytest.raises(LoyaltyRefusedError, match="promised a public value"):
        raffles.draw_raffle(world, TENANT, MISSION, SEED, None, by="ann", now=AFTER)
    assert raffles.draw_raffle(world, TENANT, MISSION, SEED, ENTROPY, by="ann", now=AFTER) == []


def test_a_draw_takes_no_more_than_the_stock(world: Connection[Any]) -> None:
    _closed(world)
    world.execute("UPDATE trackai.rewards SET stock_total = 2")
    with pytest.raises(LoyaltyRefusedError, match="fewer than 3"):
        raffles.draw_raffle(world, TENANT, MISSION, SEED, ENTROPY, by="ann", now=AFTER)
    assert raffles.read_raffle(world, TENANT, MISSION, AFTER).drawn_at is None
    world.execute("UPDATE trackai.rewards SET stock_total = NULL, stock_taken = 0")
    assert len(raffles.draw_raffle(world, TENANT, MISSION, SEED, ENTROPY, by="ann", now=AFTER)) == 3


def test_what_was_changed_after_the_close_is_found(world: Connection[Any]) -> None:
    _closed(world)
    winner, *_ = raffles.draw_raffle(world, TENANT, MISSION, SEED, ENTROPY, by="ann", now=AFTER)
    added = """
        INSERT INTO trackai.raffle_participations (tenant_id, mission_id, user_id, participated_at)
        SELECT tenant_id, mission_id, 'c09', closed_at FROM trackai.raffle_draws
    """
    corruptions = [
        ("UPDATE trackai.raffle_participations SET is_winner = (user_id = 'c04')", "are winners who did not win"),
        (added, "entries are not those"),
        ("UPDATE trackai.raffle_draws SET seed = repeat('0', 64)", "the seed is not the one"),
        (
            "UPDATE trackai.raffle_participations SET score = seed_commitment FROM trackai.raffle_draws",
            "scores are others",
        ),
    ]
    for corruption, said in corruptions:
        with world.transaction(force_rollback=True):
            world.execute(corruption)
            assert said in " ".join(unlike_draws(world)), corruption
            raffle, drawn = raffles.read_raffle(world, TENANT, MISSION, AFTER), raffles.entrants(world, TENANT, MISSION)
            assert raffles.verify_draw(raffle, TENANT, drawn) != [], corruption
    assert unlike_draws(world) == []
    assert winner in VECTORS["entrants"]
