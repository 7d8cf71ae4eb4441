"""`trackai loyalty program`, `tier`, `creator`, `adjust` and `post`: what they set, and what they refuse."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from loyalty.sources import add_report, add_sale, insert
from psycopg import Connection
from typer.testing import Result

Run = Callable[..., Result]
PROGRAM = ("loyalty", "program", "set", "acme", "--from", "2026-01-01")
TIER = ("loyalty", "tier", "set", "acme")


@pytest.fixture
def tenant(add_tenant: Callable[..., str]) -> str:
    """A tenant without a program."""
    return add_tenant("acme")


def _refused(result: Result, said: str) -> None:
    assert result.exit_code == 2, result.output
    # Long sentences are wrapped into a frame.
    assert said in " ".join(result.output.replace("│", " ").split()), result.output


def test_a_program_from_nothing_to_its_first_posting(trackai: Run, connection: Connection[Any], tenant: str) -> None:
    assert trackai("loyalty", "post").exit_code == 0
    given = ("--currency", "USD", "--report-source", "cruva", "--time-zone", "America/Sao_Paulo", "--by", "ana")
    assert trackai(*PROGRAM, *given).exit_code == 0
    for tier, order, sales in (("t1", 1, 0), ("t2", 2, 1000)):
        done = trackai(*TIER, tier, "--from", "2026-01-01", "--order", order, "--sales", sales, "--color", "#AABBCC")
        assert done.exit_code == 0, done.output
    later = (
        "loyalty",
        "program",
        "set",
        "acme",
        "--from",
        "2026-02-01",
        "--checkpoint-months",
        "0",
        "--status",
        "active",
    )
    assert trackai(*later).exit_code == 0
    rules = connection.execute(
        "SELECT valid_from, currency, time_zone, report_sources, checkpoint_months, status, auto_enrol, "
        "created_by = 'ana' FROM trackai.loyalty_programs ORDER BY valid_from"
    ).fetchall()
    zone = "America/Sao_Paulo"
    assert rules == [
        (date(2026, 1, 1), "USD", zone, ["cruva"], 4, "draft", True, True),
        (date(2026, 2, 1), "USD", zone, ["cruva"], None, "active", True, False),
    ]
    assert trackai(*TIER, "t2", "--from", "2026-03-01", "--sales", "1200.50").exit_code == 0
    tiers = connection.execute(
        "SELECT tier_id, tier_order, sales_threshold, tier_color FROM trackai.tiers ORDER BY 1, 3"
    )
    assert tiers.fetchall() == [("t1", 1, 0, "#aabbcc"), ("t2", 2, 1000, "#aabbcc"), ("t2", 2, 1200.5, "#aabbcc")]

    linked = trackai("loyalty", "creator", "link", "acme", "c1", "@Ana.B ", "--kind", "tiktok", "--from", "2026-01-01")
    assert "ana.b is c1 from 2026-01-01 on, a member since 2026-01-01" in linked.output
    add_report(connection, tenant, "v1", date(2026, 1, 5), 70, handle="ana.b")
    adjusted = ("loyalty", "adjust", "acme", "c1", "--amount", "-20", "--reason", "a test", "--id", "a1")
    assert trackai(*adjusted, "--on", "2026-01-06").exit_code == 0
    assert "already" in trackai(*adjusted).output
    assert f"{tenant}: 2 entries, 50.00 USD; postings up to 1" in trackai("loyalty", "post", "acme").output
    assert f"{tenant}: nothing to post; postings up to 1" in trackai("loyalty", "post").output
    connection.execute("UPDATE trackai.loyalty_members SET total_sales = 0")
    assert "1 rows of caches corrected" in trackai("loyalty", "post", "acme", "--rebuild-caches").output


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("program", "set", "acme", "--from", "2026-01-01"), "no currency yet"),
        (("program", "set", "acme", "--from", "2026-01-01", "--currency", "XYZ"), "XYZ is no currency"),
        (("program", "set", "nobody", "--from", "2026-01-01", "--currency", "USD"), "There is no tenant nobody"),
        (
            ("program", "set", "acme", "--from", "2026-01-01", "--currency", "USD", "--time-zone", "Mars/Base"),
            "Mars/Base is no time zone",
        ),
        (("tier", "set", "acme", "t2", "--from", "2026-01-01", "--order", "2"), "has no threshold"),
        (("tier", "set", "acme", "t2", "--from", "2026-01-01", "--sales", "5"), "t2 is new: give its place"),
        (
            ("tier", "set", "acme", "t2", "--from", "2026-01-01", "--order", "2", "--sales", "5"),
            "set the lowest tier first",
        ),
        (("tier", "set", "acme", "t2", "--from", "2026-01-01", "--order", "2", "--sales", "much"), "is no amount"),
        (("creator", "link", "acme", "c1", " @ ", "--kind", "tiktok", "--from", "2026-01-01"), "The alias is empty"),
        (("adjust", "acme", "c1", "--reason", "r"), "Nothing would change"),
        (("adjust", "acme", "c1", "--amount", "5", "--reason", " "), "The reason is empty"),
        (("adjust", "acme", "c1", "--amount", "5", "--reason", "r"), "There is no user c1"),
    ],
)
def test_what_is_refused(trackai: Run, tenant: str, command: tuple[str, ...], said: str) -> None:
    _refused(trackai("loyalty", *command), said)


def test_tiers_stay_in_order_and_evaluated_days_as_they_are(
    trackai: Run, connection: Connection[Any], tenant: str
) -> None:
    assert trackai(*PROGRAM, "--currency", "USD").exit_code == 0
    since = ("--from", "2026-01-01")
    assert trackai(*TIER, "t1", *since, "--order", 1, "--sales", 0).exit_code == 0
    assert trackai(*TIER, "t2", *since, "--order", 2, "--sales", 10).exit_code == 0
    _refused(trackai(*TIER, "t3", *since, "--order", 2, "--sales", 20), "would have one place")
    _refused(trackai(*TIER, "t3", *since, "--order", 3, "--sales", 5), "a higher tier would have a lower")
    _refused(trackai(*TIER, "t3", *since, "--order", 3, "--units", 5), "would have no sales threshold")
    _refused(trackai(*PROGRAM, "--vip-metric", "units"), "would have no units threshold")
    about = {"tenant_id": tenant, "day": date(2026, 1, 31), "ledger_upto": 0, "evaluated_at": datetime.now(UTC)}
    insert(connection, "tier_evaluations", members=0, **about)
    _refused(trackai(*PROGRAM, "--grace-days", 3), "2026-01-01 is evaluated")
    _refused(trackai(*TIER, "t1", "--from", "2026-01-31", "--commission", 3), "set them from 2026-02-01 on")
    assert trackai(*TIER, "t1", "--from", "2026-02-01", "--commission", "3.5", "--exempt").exit_code == 0
    # A creator enrols on the first day that is not evaluated.
    linked = trackai("loyalty", "creator", "link", "acme", "c1", "C1", "--from", "2026-01-10")
    assert "a member since 2026-02-01" in linked.output
    add_sale(connection, tenant, "e1", datetime(2026, 1, 10, 12, tzinfo=UTC), 7, link="C1")
    assert "1 entries" in trackai("loyalty", "post").output


def test_another_currency_changes_the_caches(trackai: Run, connection: Connection[Any], tenant: str) -> None:
    assert trackai(*PROGRAM, "--currency", "USD").exit_code == 0
    trackai("loyalty", "creator", "link", "acme", "c1", "C1", "--from", "2026-01-01")
    add_sale(connection, tenant, "e1", datetime(2026, 1, 10, 12, tzinfo=UTC), 7, link="C1", currency="EUR")
    trackai("loyalty", "post")
    sums = "SELECT total_sales, total_units FROM trackai.loyalty_members"
    assert connection.execute(sums).fetchone() == (0, 1)
    assert trackai("loyalty", "program", "set", "acme", "--from", "2026-02-01", "--currency", "EUR").exit_code == 0
    assert connection.execute(sums).fetchone() == (7, 1)


def test_a_report_whose_rows_and_name_have_no_day_is_of_the_day_that_is_given(
    trackai: Run, connection: Connection[Any], tenant: str, home: Path
) -> None:
    for given in ("--currency", "USD"), ("--report-source", "cruva"):
        assert trackai(*PROGRAM, *given).exit_code == 0
    file = home / "landing" / "acme" / "sync" / "cruva" / "videos.csv"
    file.parent.mkdir(parents=True)
    file.write_text(
        "Handle,Video,Views,Likes,Comments,GMV,CTR,Units Sold,Post Date,Video Title\n"
        "@ana,7301,1,0,0,$5.00,,1,2026-01-02,t\n"
    )
    assert "1 refused" in trackai("ingest", file).stderr
    assert "1 new rows" in trackai("ingest", file, "--day", "2026-01-03").stderr
    days = connection.execute("SELECT report_day FROM trackai.sales_reports").fetchall()
    assert days == [(date(2026, 1, 3),)]
