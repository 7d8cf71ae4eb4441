"""Commands and routes of rewards: what they set, claim, draw and refuse."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from loyalty.rewarding import TENANT, add_creators, add_entries, add_program
from psycopg import Connection
from typer.testing import Result
from web.serving import serving

from trackai_pipelines.loyalty import raffles
from trackai_pipelines.loyalty.missions import count_missions

TOKEN = "a token of the app's own"
Run = Callable[..., Result]


@pytest.fixture
def run(trackai: Run, connection: Connection[Any]) -> Run:
    """`trackai loyalty ...` against a program with two creators in tier_3; it must end well unless `code` says else."""
    add_program(connection)
    connection.execute(
        "SELECT trackai.make_partitions('commission_boost_state_history', 'quarter', ARRAY[current_date])"
    )
    add_creators(connection, ["c01", "c02"])

    def loyalty(*arguments: object, code: int = 0) -> Result:
        result = trackai("loyalty", *map(str, arguments))
        assert result.exit_code == code, result.output
        return result

    return loyalty


def test_a_reward_is_set_claimed_and_concluded(run: Run, connection: Connection[Any]) -> None:
    run("reward", "set", "acme", "card", code=2)
    run("reward", "set", "acme", "card", "--type", "gift_card", code=2)
    run("reward", "set", "acme", "card", "--type", "gift_card", "--for-tier", "tier_9", code=2)
    run("reward", "set", "acme", "card", "--type", "gift_card", "--for-tier", "tier_3", "--stock", 2)
    run("reward", "set", "acme", "card", "--name", "A card", "--quantity", 2)
    row = connection.execute("SELECT name, stock_total, redemption_quantity FROM trackai.rewards").fetchone()
    assert row == ("A card", 2, 2)
    made = json.loads(run("claim", "acme", "c01", "--reward", "card", "--key", "k1", "--json").stdout)
    assert (made["status"], made["slot"]) == ("claimed", 1)
    run("claim", "acme", "c01", "--reward", "card")
    assert "already_claimed" in run("claim", "acme", "c01", "--reward", "card", code=2).output
    assert "sold_out" in run("claim", "acme", "c02", "--reward", "card", code=2).output
    run("redemption", "fulfil", "acme", made["id"], "--transaction", "t-1")
    run("redemption", "fulfil", "acme", made["id"], code=2)
    run("redemption", "conclude", "acme", made["id"])
    run("reward", "set", "acme", "card", "--creation", "eager", code=2)
    run("reward", "set", "acme", "card", "--stock", 1, code=2)
    run("reward", "set", "acme", "card", "--stock", 5)
    assert connection.execute("SELECT stock_taken, stock_total FROM trackai.rewards").fetchone() == (2, 5)


def test_a_boost_and_a_gift_of_a_mission(run: Run, connection: Connection[Any]) -> None:
    run("reward", "set", "acme", "boost", "--type", "commission_boost", "--for-tier", "tier_3", code=2)
    value = '{"boost_rate": "5.00", "duration_days": 30}'
    run("reward", "set", "acme", "boost", "--type", "commission_boost", "--for-tier", "tier_3", "--value", value)
    run("claim", "acme", "c01", "--reward", "boost")
    (boost,) = connection.execute("SELECT id FROM trackai.commission_boost_redemptions").fetchall()
    run("boost", "pay", "acme", boost[0], code=2)
    run("boost", "account", "acme", boost[0], "--ref", "ann@example.com", "--method", "bank", code=2)
    run("boost", "cancel", "acme", boost[0], "--reason", "asked for")
    run("mission", "set", "acme", "sell", "--type", "sales_dollars", "--target", "10", "--reward", "boost", code=2)
    value = '{"requires_size": true, "size_category": "shoes"}'
    run("reward", "set", "acme", "shoes", "--type", "physical_gift", "--source", "mission", "--value", value)
    run("mission", "set", "acme", "sell", "--type", "sales_dollars", "--target", "10", "--reward", "shoes")
    assert "mission_not_complete" in run("claim", "acme", "c01", "--mission", "sell", code=2).output
    now = datetime.now(UTC)
    add_entries(connection, "c01", [(1, now.date() - timedelta(days=1), 10)])  # type: ignore[list-item]
    count_missions(connection, TENANT, now.date(), 1, now)
    made = json.loads(run("claim", "acme", "c01", "--mission", "sell", "--json").stdout)
    assert "size and address missing" in run("gift", "set", "acme", made["id"]).output
    run("gift", "set", "acme", made["id"], "--size", "42", "--address", "a-7", "--carrier", "DHL", "--shipped")
    gift = connection.execute(
        "SELECT size_value, shipping_ref, shipped_at IS NOT NULL FROM trackai.physical_gift_redemptions"
    )
    assert gift.fetchall() == [("42", "a-7", True)]


def test_a_raffle_from_its_opening_to_its_verification(run: Run, connection: Connection[Any], tmp_path: Path) -> None:
    seed = tmp_path / "seed"
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    run("reward", "set", "acme", "prize", "--type", "experience", "--source", "mission", "--stock", 1)
    run("mission", "set", "acme", "draw", "--type", "raffle", "--reward", "prize", code=2)
    run("mission", "set", "acme", "draw", "--type", "raffle", "--reward", "prize", "--ends", tomorrow, "--winners", 1)
    opened = run("raffle", "open", "acme", "draw", "--seed-file", seed, "--entropy-source", "the lottery")
    assert raffles.commitment(seed.read_text().strip()) in opened.output
    assert seed.stat().st_mode & 0o777 == 0o600
    run("raffle", "open", "acme", "draw", "--seed-file", tmp_path / "other", code=2)
    run("raffle", "enter", "acme", "draw", "c01")
    run("raffle", "enter", "acme", "draw", "c02")
    run("raffle", "close", "acme", "draw", code=2)
    run("mission", "set", "acme", "draw", "--winners", 2, code=2)
    connection.execute("UPDATE trackai.missions SET raffle_end_date = current_date")
    run("raffle", "close", "acme", "draw")
    run("raffle", "draw", "acme", "draw", "--seed-file", seed, code=2)
    run("raffle", "draw", "acme", "draw", "--seed-file", seed, "--entropy", "012345")
    assert "of 2" in run("raffle", "verify", "acme", "draw").output
    connection.execute("UPDATE trackai.raffle_participations SET is_winner = NOT is_winner")
    assert "the winners are" in run("raffle", "verify", "acme", "draw", code=1).output
    assert json.loads(run("raffle", "verify", "acme", "draw", "--json", code=1).stdout)["faults"]


def test_the_app_claims_over_http(
    run: Run, connection: Connection[Any], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("reward", "set", "acme", "card", "--type", "gift_card", "--for-tier", "tier_3", "--stock", 1)
    body = {"tenant": "acme", "user_id": "c01", "reward_id": "card", "claim_key": "k1"}
    head = {"Authorization": f"Bearer {TOKEN}"}
    with serving(database_url) as client:
        assert client.post("/loyalty/claims", json=body, headers=head).status_code == 403
        monkeypatch.setenv("TRACKAI_LOYALTY_TOKEN", TOKEN)
        assert client.post("/loyalty/claims", json=body).status_code == 401
        made = client.post("/loyalty/claims", json=body, headers=head)
        assert (made.status_code, made.json()["status"]) == (200, "claimed")
        assert client.post("/loyalty/claims", json=body, headers=head).json() == made.json()
        refused = client.post("/loyalty/claims", json={**body, "user_id": "c02", "claim_key": "k2"}, headers=head)
        assert (refused.status_code, refused.json()["refusal"]) == (409, "sold_out")
        for wrong, status in (({"tenant": "nobody"}, 404), ({"claim_key": ""}, 400), ({"colour": "red"}, 400)):
            assert client.post("/loyalty/claims", json=body | wrong, headers=head).status_code == status
        raffle = client.post(
            "/loyalty/claims", json={"tenant": "acme", "user_id": "c01", "raffle_id": "x"}, headers=head
        )
        assert raffle.json()["refusal"] == "not_active"
        standing = client.get("/loyalty/creators/c01/standing", params={"tenant": "acme"}, headers=head)
        assert standing.status_code == 404, "no day is evaluated"
        assert client.get("/loyalty/creators/c01/standing", params={"tenant": "acme"}).status_code == 401
