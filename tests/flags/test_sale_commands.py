"""What changes of gates say about sales that were made already, and that --rematch matches them again."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from matching.facts import SALE, decided, insert_click, insert_sale
from psycopg import Connection
from typer.testing import Result

from trackai_pipelines.matching.drain import drain

Run = Callable[..., Result]
DAY = timedelta(days=1)


@pytest.fixture
def sales(connection: Connection[Any], add_tenant: Callable[..., str]) -> None:
    """Two tenants with a sale on each of three days, of which the middle one is matched already."""
    for slug in ("acme", "globex"):
        tenant = add_tenant(slug, lookback_days=1)
        for back in (0, 1, 2):
            at = SALE - back * DAY
            insert_click(connection, tenant, at - timedelta(hours=1 if back == 1 else 40), fbclid=f"k{back}")
            insert_sale(connection, tenant, f"{slug} {back}", fbclid=f"k{back}", occurred_at=at)
    drain(connection, run_id="before")


def matched(connection: Connection[Any]) -> set[str]:
    return {event for event, (strategy, _) in decided(connection).items() if strategy != "unmatched"}


@pytest.mark.usefixtures("sales")
def test_a_backdated_override_says_whose_value_changes(connection: Connection[Any], trackai: Run) -> None:
    change = ("flags", "override", "lookback_days", "acme", "--value", "7", "--reason", "agreed", "--by", "ana")
    dry = trackai(*change, "--effective-from", "2026-03-09", "--dry-run")
    assert dry.exit_code == 0, dry.output
    shown = dry.output.split("\n")
    assert [line.split() for line in shown if line.strip().startswith("2026-03-")] == [
        ["2026-03-09", "1", "1", "0"],
        ["2026-03-10", "1", "1", "1"],
    ]
    assert "Nothing was changed." in dry.output
    assert connection.execute("SELECT count(*) FROM trackai.match_queue").fetchone() == (0,)
    done = trackai(*change, "--effective-from", "2026-03-09")
    assert "`trackai rematch --from 2026-03-09 --to 2026-03-10`" in " ".join(done.output.split())
    assert connection.execute("SELECT count(*) FROM trackai.match_queue").fetchone() == (0,)
    again = trackai(*change[:5], "30", *change[6:], "--effective-from", "2026-03-08", "--rematch")
    assert "2 unmatched conversions wait to be matched again" in " ".join(again.output.split())
    drain(connection, run_id="after")
    assert matched(connection) == {"acme 0", "acme 1", "acme 2", "globex 1"}


@pytest.mark.usefixtures("sales")
def test_a_kill_concerns_every_sale(connection: Connection[Any], trackai: Run) -> None:
    """The built-in window is longer than that of the tenants."""
    killed = trackai("flags", "kill", "lookback_days", "--reason", "broken", "--rematch", "--json")
    assert killed.exit_code == 0, killed.output
    said = json.loads(killed.stdout)
    assert said["queued"] == 4
    assert [(one["tenant"], one["day"], one["conversions"], one["unmatched"]) for one in said["sales"]] == [
        (slug, f"2026-03-{day:02}", 1, int(day != 9)) for slug in ("acme", "globex") for day in (8, 9, 10)
    ]
    drain(connection, run_id="after")
    assert len(matched(connection)) == 6
    lifted = trackai("flags", "unkill", "lookback_days", "--reason", "mended", "--json")
    assert {one["unmatched"] for one in json.loads(lifted.stdout)["sales"]} == {0}


@pytest.mark.usefixtures("sales")
def test_a_change_from_now_on_concerns_no_sale(connection: Connection[Any], trackai: Run) -> None:
    changed = trackai("flags", "set", "email_matching", "--on", "--reason", "pilot", "--rematch", "--json")
    said = json.loads(changed.stdout)
    assert "sales" not in said
    assert len(said["versions"]) == 1
    assert connection.execute("SELECT count(*) FROM trackai.match_queue").fetchone() == (0,)
    refused = trackai("flags", "set", "dark_mode", "--off", "--reason", "pilot", "--rematch")
    assert refused.exit_code == 2
    assert "not dark_mode" in " ".join(refused.output.replace("│", " ").split())
