"""Match rates in the report, and what they are read with, against a real database."""

import re
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection
from report.pages import JUNE, NASTY, NOON, Page, write

from trackai_pipelines.match_rates.section import data, figures, section, shown
from trackai_pipelines.match_rates.summary import DayRate, TenantSummary, rates_of_days, summary_by_tenant
from trackai_pipelines.report.charts import HEIGHT, WIDTH


@pytest.fixture
def filled(connection: Connection[Any]) -> Connection[Any]:
    """Tenants `a` (two currencies, all strategies, one pending) and `b` (nothing yet)."""
    connection.execute("INSERT INTO trackai.tenants (id, slug, name) VALUES ('ta', 'a', %s), ('tb', 'b', 'B')", [NASTY])
    sales = [
        ("1", "BRL", "100.10", "fbc"), ("2", "BRL", "200.20", "fbp"), ("3", "BRL", "300.3001", "unmatched"),
        ("4", "JPY", "980", "email"), ("5", "JPY", "20", None),
    ]  # fmt: skip
    for event, currency, value, strategy in sales:
        connection.execute(
            "WITH sale AS (INSERT INTO trackai.conversions (tenant_id, gateway, gateway_event_id, value, currency,"
            " occurred_at) VALUES ('ta', 'shopify', %s, %s, %s, %s) RETURNING tenant_id, id)"
            " INSERT INTO trackai.matched_attributions (tenant_id, conversion_id, strategy)"
            " SELECT tenant_id, id, %s FROM sale WHERE %s::text IS NOT NULL",
            [event, value, currency, NOON, strategy, strategy],
        )
    return connection


def test_summary_by_tenant(filled: Connection[Any]) -> None:
    a, b = summary_by_tenant(filled)
    assert (a.slug, a.conversions, a.fbc, a.fbp, a.email, a.unmatched, a.pending) == ("a", 5, 1, 1, 1, 1, 1)
    assert a.match_rate == 0.75
    assert a.value_by_currency == {
        "BRL": (Decimal("600.6001"), Decimal("300.3000")),
        "JPY": (Decimal(1000), Decimal(980)),
    }
    assert a.net_by_currency == a.value_by_currency
    assert (b.slug, b.conversions, b.match_rate, b.value_by_currency) == ("b", 0, None, {})


def test_the_summary_is_net_of_refunds_in_the_currency_of_the_sale(filled: Connection[Any]) -> None:
    # Two parts of a matched sale, more than an unmatched one was worth, one in another currency, one without a sale.
    refunds = [
        ("1", "1", "BRL", "0.10"), ("2", "1", "BRL", "50"), ("3", "3", "BRL", "400"), ("4", "4", "KWD", "1"),
        ("5", None, "BRL", "7"),
    ]  # fmt: skip
    for event, sale, currency, value in refunds:
        filled.execute(
            "INSERT INTO trackai.refunds (tenant_id, gateway, gateway_event_id, order_id, value, currency, occurred_at,"
            " conversion_id) SELECT 'ta', 'shopify', %s, 'any', %s, %s, %s,"
            " (SELECT id FROM trackai.conversions WHERE gateway_event_id = %s)",
            [f"re_{event}", value, currency, NOON + timedelta(days=40), sale],
        )
    a, b = summary_by_tenant(filled, NOON.date(), NOON.date())
    assert (a.refunds, b.refunds) == (3, 0)
    assert a.value_by_currency == {
        "BRL": (Decimal("600.6001"), Decimal("300.3000")),
        "JPY": (Decimal(1000), Decimal(980)),
    }
    assert a.net_by_currency == {
        "BRL": (Decimal("250.2000"), Decimal("250.2000")),
        "JPY": (Decimal(1000), Decimal(980)),
    }


def test_rates_of_days_take_gateways_and_currencies_together(filled: Connection[Any]) -> None:
    for day, gateway, currency in (
        (date(2025, 6, 9), "stripe", "USD"),
        (date(2025, 6, 10), "stripe", "USD"),
        (date(2025, 6, 10), "stripe", "EUR"),
        (date(2025, 6, 10), "shopify", "USD"),
        (date(2025, 6, 11), "stripe", "USD"),
    ):
        filled.execute(
            "INSERT INTO trackai.daily_match_rates (tenant_id, day, gateway, currency, conversions, fbc, fbp, email,"
            " unmatched, pending, value_total, value_matched, computed_at)"
            " VALUES ('ta', %s, %s, %s, 15, 5, 4, 3, 2, 1, 10, 5, now())",
            [day, gateway, currency],
        )
    first, second = rates_of_days(filled, date(2025, 6, 9), date(2025, 6, 10))
    assert (first.slug, first.day, first.conversions) == ("a", date(2025, 6, 9), 15)
    assert second == DayRate(
        slug="a", day=date(2025, 6, 10), conversions=45, fbc=15, fbp=12, email=9, unmatched=6, pending=3
    )
    assert rates_of_days(filled, date(2025, 7, 1), date(2025, 7, 2)) == []


def test_summary_of_some_days_and_of_one_tenant(filled: Connection[Any]) -> None:
    day = NOON.date()
    assert [t.conversions for t in summary_by_tenant(filled, day, day)] == [5, 0]
    assert [t.conversions for t in summary_by_tenant(filled, day + timedelta(days=1), date.max)] == [0, 0]
    assert [t.conversions for t in summary_by_tenant(filled, date.min, day - timedelta(days=1))] == [0, 0]
    assert [(t.slug, t.conversions) for t in summary_by_tenant(filled, tenant="b")] == [("b", 0)]


def tenant(**changes: Any) -> TenantSummary:
    values = {"BRL": (Decimal("4323270.5"), Decimal("3903661.5"))}
    counts = {"conversions": 9000, "fbc": 6857, "fbp": 1333, "email": 0, "unmatched": 710, "pending": 100}
    row: dict[str, Any] = {"slug": "a", "name": "A", "status": "active", "value_by_currency": values, "refunds": 7}
    row |= counts
    row |= {"net_by_currency": {"BRL": (Decimal("4000000.5"), Decimal("3800000"))}, **changes}
    return TenantSummary(**row)


def day_rate(day: date, **counts: int) -> DayRate:
    row = {"conversions": 100, "fbc": 75, "fbp": 15, "email": 0, "unmatched": 10, "pending": 0, **counts}
    return DayRate(slug="a", day=day, **row)


def test_the_numbers_of_tenants_and_days(connection: Connection[Any], tmp_path: Path) -> None:
    given = shown(
        [tenant(), tenant(slug="b", name="B", status="suspended", value_by_currency={})],
        [day_rate(date(2025, 6, 9)), day_rate(date(2025, 6, 10), fbc=50, pending=25)],
    )
    page = Page(write(connection, tmp_path / "report.html", (section(), given)))
    text = " | ".join(page.texts)
    for number in (
        "9,000",
        "6,857",
        "76.2%",
        "92.0%",
        "BRL 4,323,270",
        "90.3% matched",
        "BRL 4,000,000",
        "95.0% matched",
        "7 refunds",
        "suspended",
    ):
        assert number in text
    assert "18,000" in page.texts, "the total of all tenants"
    assert "2025-06-10: 100 conversions. Click id (fbc) 50.0%, Browser id (fbp) 15.0%" in text
    assert figures(given) == {
        "conversions": 18_000,
        "match rate": 8190 / 8900,
        "unmatched": 1420,
        "pending": 200,
        "refunds": 14,
    }


def test_names_from_outside_are_escaped(connection: Connection[Any], tmp_path: Path) -> None:
    given = shown([tenant(name=NASTY)], [day_rate(date(2025, 6, 9))])
    page = Page(write(connection, tmp_path / "report.html", (section(), given)))
    assert not list(page.all("script"))
    assert page.texts.count(NASTY) == 2, "in the table and above the chart"


@pytest.mark.parametrize("days", [1, 7, 90, 400])
def test_bars_stay_inside_the_drawing_and_add_up(connection: Connection[Any], tmp_path: Path, days: int) -> None:
    first = date(2025, 1, 1)
    given = shown([tenant()], [day_rate(first + timedelta(days=n), email=0) for n in range(days)])
    page = Page(write(connection, tmp_path / "report.html", (section(), given)))
    rects = [{k: float(r[k] or "") for k in ("x", "y", "width", "height")} for r in page.all("rect")]
    assert len(rects) == 3 * days
    assert all(r["x"] >= 0 and r["x"] + r["width"] <= WIDTH for r in rects)
    assert all(r["y"] >= 0 and r["y"] + r["height"] <= HEIGHT for r in rects)
    of_bars: dict[float, float] = {}
    for r in rects:
        of_bars[r["x"]] = of_bars.get(r["x"], 0) + r["height"]
    assert len(of_bars) == days
    assert max(of_bars.values()) - min(of_bars.values()) < 0.1
    labels = [text for text in page.texts if re.fullmatch(r"\d\d [A-Z][a-z]{2}", text)]
    assert labels[0] == "01 Jan"
    assert len(labels) <= 7


def test_without_tenants_or_days_it_says_what_to_do(connection: Connection[Any], tmp_path: Path) -> None:
    page = Page(write(connection, tmp_path / "report.html", (section(), data(connection, JUNE))))
    text = " ".join(page.texts)
    assert "There are no tenants yet" in text
    assert "None of these days has been aggregated yet" in text


def test_the_section_of_a_database(filled: Connection[Any], tmp_path: Path) -> None:
    page = Page(write(filled, tmp_path / "report.html", (section(), data(filled, JUNE))))
    assert NASTY in page.texts
    assert "75.0%" in page.texts
    assert "JPY 1,000" in page.texts
