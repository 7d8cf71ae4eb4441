"""`trackai campaigns report` and `aggregate`: sums over days, unknown figures, models, clicks' days and zones."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from campaigns.shop import contact
from psycopg import Connection

from trackai_pipelines.campaigns.days import compute_days
from trackai_pipelines.campaigns.report import NoReportError, report_on
from trackai_pipelines.match_rates.aggregate import aggregate_days

FIRST, LAST = date(2026, 5, 1), date(2026, 5, 3)
DAYS = [FIRST + timedelta(days=place) for place in range(3)]
NOW = datetime(2026, 5, 20, tzinfo=UTC)
Insert = Callable[..., int]


@pytest.fixture
def shop(connection: Connection[Any], add_tenant: Callable[..., str], insert_click: Insert, insert_sale: Insert) -> str:
    """A tenant with two campaigns, sales without one, hourly costs and an undelivered sale; computed."""
    tenant = add_tenant("acme", lookback_days=30)
    early = datetime(2026, 4, 30, 23, 30, tzinfo=UTC)
    spring = insert_click(tenant, utm_campaign="spring", fbclid="K1", fbp="fb.1.1700000000000.7", created_at=early)
    none = insert_click(tenant, fbp="fb.1.1700000000000.7", created_at=datetime(2026, 5, 1, 9, tzinfo=UTC))
    for click, at, value in (
        (spring, datetime(2026, 5, 1, 12, tzinfo=UTC), 100),
        (none, datetime(2026, 5, 2, 1, tzinfo=UTC), 50),
        (spring, datetime(2026, 5, 3, 12, tzinfo=UTC), 20),
    ):
        sale = insert_sale(tenant, at, value=value)
        connection.execute(
            "INSERT INTO trackai.matched_attributions (tenant_id, conversion_id, click_id, strategy, matched_at)"
            " VALUES (%s, %s, %s, 'fbc', %s)",
            (tenant, sale, click, at),
        )
    for campaign, hour, spend in (("spring", 1, "10.25"), ("spring", 12, "29.75"), ("paid", -1, "7")):
        connection.execute(
            "INSERT INTO trackai.ad_cost_statements (tenant_id, source, account_id, campaign_id, day, hour, currency,"
            " spend, impressions, clicks, platform_conversions, digest, first_stated_at, last_stated_at, ingested_at)"
            " VALUES (%s, 'meta', 'a', %s, %s, %s, 'BRL', %s, 1000, 4, 3, %s, %s, %s, %s)",
            (tenant, campaign, FIRST, hour, Decimal(spend), contact(f"{campaign}{hour}"), NOW, NOW, NOW),
        )
    list(compute_days(connection, [FIRST - timedelta(days=1), *DAYS], clock=lambda: NOW))
    for _ in aggregate_days(connection, FIRST, LAST, clock=lambda: NOW):
        pass
    return tenant


def shown(connection: Connection[Any], **options: Any) -> dict[str, tuple[Any, ...]]:
    made = report_on(connection, "acme", FIRST, LAST, **options)
    return {line.name: (line.spend, line.sales, line.revenue) for line in (*made.lines, made.total)}


def test_lines_sum_to_the_matched_sales(connection: Connection[Any], shop: str) -> None:
    made = report_on(connection, "acme", FIRST, LAST)
    assert [line.name for line in made.lines] == ["spring", "paid", "(none)"]
    spring: Any
    paid: Any
    none: Any
    spring, paid, none = made.lines
    assert (spring.spend, spring.impressions, spring.ad_clicks, spring.claimed) == (40, 2000, 8, 6)
    assert (spring.sales, spring.revenue, spring.roas, spring.arrived, spring.sent) == (2, 120, 3, 0, 0)
    assert (paid.spend, paid.revenue, paid.roas) == (7, 0, 0)
    assert (none.spend, none.impressions, none.roas, none.arrived) == (None, None, None, None)
    total: Any = made.total
    assert (total.sales, total.revenue, total.spend) == (3, 170, 47)
    assert made.agreement() == "All 3 sales: the matched sales of daily_match_rates."


def test_another_model_shares_the_same_sales(connection: Connection[Any], shop: str) -> None:
    assert shown(connection, model="linear") == {
        "spring": (40, Decimal("1.5"), Decimal(85)),
        "paid": (7, 0, 0),
        "(none)": (None, Decimal("1.5"), Decimal(85)),
        "all": (47, 3, 170),
    }


def test_lines_by_channel_have_no_costs(connection: Connection[Any], shop: str) -> None:
    assert shown(connection, by="channel") == {
        "paid_social": (None, 2, 120),
        "direct": (None, 1, 50),
        "all": (None, 3, 170),
    }


def test_credit_on_the_day_of_the_click(connection: Connection[Any], shop: str) -> None:
    # The campaign's click was a day before the days that are asked for.
    assert shown(connection, click_day=True)["spring"] == (40, 0, 0)
    assert "clicks" in report_on(connection, "acme", FIRST, LAST, click_day=True).agreement()


def test_days_of_another_zone_come_from_hours(connection: Connection[Any], shop: str) -> None:
    # 2 May, 01:00 UTC is still 1 May in São Paulo, and 1 May, 01:00 UTC is April: 10.25 fall out.
    made = report_on(connection, "acme", FIRST, FIRST, time_zone="America/Sao_Paulo")
    found: dict[str, tuple[Any, ...]] = {line.name: (line.spend, line.sales, line.revenue) for line in made.lines}
    assert found == {"spring": (Decimal("29.75"), 1, 100), "(none)": (None, 1, 50)}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"model": "best"}, "there is no model best"),
        ({"by": "ad"}, "no lines by ad"),
        ({"time_zone": "Mars/Olympus"}, "there is no time zone Mars/Olympus"),
        ({"time_zone": "UTC", "click_day": True}, "leave out"),
    ],
)
def test_what_cannot_be_shown_says_why(
    connection: Connection[Any], shop: str, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(NoReportError, match=said):
        report_on(connection, "acme", FIRST, LAST, **options)
    with pytest.raises(NoReportError, match="there is no tenant nobody"):
        report_on(connection, "nobody", FIRST, LAST)


@pytest.fixture
def run_command(home: Any, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run `trackai campaigns ...` on the test's database."""
    from typer.testing import CliRunner

    from trackai_pipelines.campaigns.cli import app

    monkeypatch.setenv("TRACKAI_DATABASE_URL", database_url)
    return lambda *arguments: CliRunner().invoke(app, arguments)


def test_the_commands(run_command: Callable[..., Any], shop: str) -> None:
    span = ("--from", str(FIRST), "--to", str(LAST))
    computed = run_command("aggregate", *span)
    assert computed.exit_code == 0, computed.output
    assert "120.00 BRL" not in computed.stdout
    assert "100.00 BRL" in computed.stdout
    table = run_command("report", "acme", *span)
    assert table.exit_code == 0, table.output
    assert "spend BRL" in table.stdout
    (spring,) = [line.split() for line in table.stdout.splitlines() if line.split()[:1] == ["spring"]]
    assert spring == ["spring", "40.00", "2,000", "8", "0%", "2", "120.00", "3.00", "6", "0"]
    (none,) = [line.split() for line in table.stdout.splitlines() if line.split()[:1] == ["(none)"]]
    assert none == ["(none)", "-", "-", "-", "-", "1", "50.00", "-", "-", "0"]
    assert "All 3 sales: the matched sales of daily_match_rates." in table.stdout
    plain = json.loads(run_command("report", "acme", *span, "--json").stdout)
    assert plain["all"]["sales"] == "3"
    assert [line["roas"] for line in plain["campaigns"]] == ["3.0000", "0.0000", None]
    refused = run_command("report", "nobody", *span)
    assert refused.exit_code == 1
    assert "trackai tenant list" in refused.stderr
