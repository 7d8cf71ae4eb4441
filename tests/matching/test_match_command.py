"""match, rematch, aggregate and explain: results, exit codes, and what goes to stdout."""

import json
import signal
import time
from collections.abc import Callable

import pytest
from processes import process
from psycopg import Connection
from typer.testing import CliRunner, Result

from trackai_pipelines.cli import build_app
from trackai_pipelines.domain import Domain, StoryPart
from trackai_pipelines.domains import DOMAINS

Run = Callable[..., Result]
Add = Callable[..., None]


@pytest.fixture
def shop(add_tenant: Callable[..., str], add_click: Add, add_sale: Add) -> str:
    """A tenant with one sale that has a click, and one that has none."""
    tenant_id = add_tenant("shop")
    add_click(tenant_id)
    add_sale(tenant_id, "matched")
    add_sale(tenant_id, "unmatched", fbc=None)
    return tenant_id


def test_json_is_one_object_on_stdout(trackai: Run, shop: str) -> None:
    result = trackai("match", "--json")
    assert result.exit_code == 0
    totals = json.loads(result.stdout)
    assert (totals["conversions"], totals["fbc"], totals["unmatched"], totals["attempts"]) == (2, 1, 1, 3)
    assert totals["match_rate"] == 0.5
    assert result.stdout.count("\n") == 1


def test_json_of_nothing_is_one_object_too(trackai: Run) -> None:
    totals = json.loads(trackai("match", "--json").stdout)
    assert totals["conversions"] == 0
    assert totals["match_rate"] is None


def test_summary_by_strategy(trackai: Run, shop: str) -> None:
    first = trackai("match")
    assert first.exit_code == 0
    assert [line.split() for line in first.stdout.splitlines() if "fbc" in line] == [["fbc", "1", "50.0%"]]
    assert "2 conversions decided" in first.stderr
    again = trackai("match")
    assert again.exit_code == 0
    assert again.stdout == ""
    assert "Nothing was waiting" in again.stderr


@pytest.mark.processes
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_follow_matches_what_arrives_and_ends_when_told(
    trackai: Run, shop: str, add_sale: Add, connection: Connection, number: signal.Signals
) -> None:
    following = process("match", "--follow", "--json")
    try:
        _wait_for_attributions(connection, 2)
        add_sale(shop, "later")
        _wait_for_attributions(connection, 3)
        following.send_signal(number)
        out, err = following.communicate(timeout=20)
    finally:
        following.kill()
    assert following.returncode == 0, err
    assert json.loads(out)["conversions"] == 3
    assert "Traceback" not in err


def _wait_for_attributions(connection: Connection, wanted: int) -> None:
    deadline = time.monotonic() + 30
    found = -1
    while found != wanted:
        assert time.monotonic() < deadline, f"{found} attributions instead of {wanted}"
        time.sleep(0.05)
        row = connection.execute("SELECT count(*) FROM trackai.matched_attributions").fetchone()
        found = row[0] if row else -1


def test_rematch_finds_a_click_that_was_not_there(trackai: Run, shop: str, connection: Connection) -> None:
    trackai("match")
    result = trackai("rematch", "--from", "2026-01-10", "--to", "2026-01-10")
    assert result.exit_code == 0
    assert "1 conversions of 2026-01-10 to 2026-01-10 are tried again" in result.stderr
    attempts = connection.execute("SELECT max(attempt) FROM trackai.match_log").fetchone()
    # fbc and fbp at first, and both once more.
    assert attempts == (4,)


def test_aggregate_shows_and_stores_each_day(trackai: Run, shop: str, connection: Connection) -> None:
    trackai("match")
    result = trackai("aggregate", "--from", "2026-01-09", "--to", "2026-01-10")
    assert result.exit_code == 0
    rows = [line.split() for line in result.stdout.splitlines() if line.strip().startswith("2026-")]
    assert rows == [
        ["2026-01-09", "0", "0", "0", "0", "0", "0", "n/a"],
        ["2026-01-10", "2", "1", "0", "0", "1", "0", "50.0%"],
    ]
    stored = connection.execute("SELECT conversions, fbc, unmatched FROM trackai.daily_match_rates").fetchall()
    assert stored == [(2, 1, 1)]


@pytest.mark.parametrize("command", ["rematch", "aggregate"])
@pytest.mark.parametrize(
    "days",
    [
        ["--from", "2026-01-11", "--to", "2026-01-10"],
        ["--from", "2026-02-30", "--to", "2026-03-01"],
        ["--from", "10/01/2026", "--to", "2026-03-01"],
        ["--from", "2026-01-10"],
    ],
)
def test_wrong_days_are_bad_usage(trackai: Run, command: str, days: list[str]) -> None:
    result = trackai(command, *days)
    assert result.exit_code == 2
    assert result.stdout == ""


def test_explain_shows_a_match(trackai: Run, shop: str) -> None:
    trackai("match")
    result = trackai("explain", "shop", "stripe", "matched")
    assert result.exit_code == 0
    assert "Matched by fbc to click" in result.stdout
    assert "2026-01-10 12:00:00 UTC" in result.stdout
    assert "99.90 BRL" in result.stdout
    # By the tenant's id, too.
    assert trackai("explain", shop, "stripe", "matched").stdout == result.stdout


def test_explain_says_why_not(trackai: Run, shop: str) -> None:
    trackai("match")
    result = trackai("explain", "shop", "stripe", "unmatched")
    assert result.exit_code == 0
    assert result.stdout.count("no_key") == 2
    assert "the conversion carries no value for this" in result.stdout
    assert "Unmatched: no strategy found a click." in result.stdout


def test_explain_shows_what_waits(trackai: Run, shop: str, connection: Connection) -> None:
    assert "it waits for the next micro-batch" in trackai("explain", "shop", "stripe", "matched").stdout
    connection.execute("UPDATE trackai.tenants SET status = 'suspended'")
    trackai("match")
    result = trackai("explain", "shop", "stripe", "matched")
    assert result.exit_code == 0
    assert "Pending: tenant shop is suspended" in result.stdout


def test_explain_shows_what_every_domain_made_of_it(trackai: Run, shop: str) -> None:
    def story(connection: Connection, tenant_id: str, conversion_id: int) -> list[StoryPart]:
        event = connection.execute(
            "SELECT gateway_event_id FROM trackai.conversions WHERE tenant_id = %s AND id = %s",
            [tenant_id, conversion_id],
        ).fetchone()
        assert event is not None
        return [StoryPart(columns=("toy", "pieces"), rows=[(event[0], 1_000)], sentence="A toy was given.")]

    trackai("match")
    app = build_app([*DOMAINS, Domain(name="toy", says="Toys.", story=story)])
    shown = CliRunner().invoke(app, ["explain", "shop", "stripe", "matched"]).stdout
    order = ["sold", "Matched by fbc to click", "Never due", "pieces", "1,000", "A toy was given."]
    assert [shown.find(words) for words in order] == sorted(shown.find(words) for words in order)
    assert all(words in shown for words in order)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (("nobody", "stripe", "matched"), "There is no tenant nobody. Tenants: shop."),
        (("shop", "hotmart", "matched"), "It has conversions from: cakto, stripe."),
        (("shop", "stripe", "other"), "no conversion with the event id other from stripe"),
    ],
)
def test_explain_says_what_is_not_there(
    trackai: Run, shop: str, add_sale: Add, key: tuple[str, str, str], said: str
) -> None:
    add_sale(shop, "elsewhere", gateway="cakto")
    result = trackai("explain", *key)
    assert result.exit_code == 1
    assert said in result.stderr
    assert result.stdout == ""
