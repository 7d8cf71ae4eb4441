"""The report and what it is made from, against a real database."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from trackai_pipelines.delivery.account import Account, Place
from trackai_pipelines.delivery.coverage import Coverage
from trackai_pipelines.delivery.events import KEYS
from trackai_pipelines.match_rates.report import CHART_HEIGHT, CHART_WIDTH, write_report
from trackai_pipelines.match_rates.summary import (
    DayRate,
    IngestTotals,
    RejectReason,
    TenantSummary,
    ingest_totals,
    rates_of_days,
    rejects_by_reason,
    summary_by_tenant,
)

NOON = datetime(2025, 6, 10, 12, tzinfo=UTC)
NO_INPUT = IngestTotals(files=0, accepted=0, duplicates=0, rejected=0, noted=0)
NO_DELIVERY: dict[str, Any] = {"account": Account(NOON, []), "coverage": []}
NASTY = "<script>alert('x')</script> & Sons \"Ltd\""


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
    assert (b.slug, b.conversions, b.match_rate, b.value_by_currency) == ("b", 0, None, {})


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


def test_rejects_by_reason_and_ingest_totals(connection: Connection[Any]) -> None:
    assert ingest_totals(connection) == NO_INPUT
    assert rejects_by_reason(connection) == []
    rejects = [("f1", 1, "bad value"), ("f1", 2, "bad value"), ("f2", 9, "bad value"), ("f1", 3, "not a paid sale")]
    for source, line, reason in rejects:
        connection.execute(
            "INSERT INTO trackai.ingest_rejects (source, line, reason, digest) VALUES (%s, %s, %s, '')",
            [source, line, reason],
        )
    for source, note in (("f1", None), ("f2", "the file is cut off")):
        connection.execute(
            "INSERT INTO trackai.ingest_files (source, fingerprint, accepted, duplicates, rejected, note)"
            " VALUES (%s, '', 10, 2, 2, %s)",
            [source, note],
        )
    assert rejects_by_reason(connection) == [
        RejectReason(reason="bad value", lines=3, files=2, example="f1:1"),
        RejectReason(reason="not a paid sale", lines=1, files=1, example="f1:3"),
    ]
    assert len(rejects_by_reason(connection, most=1)) == 1
    assert ingest_totals(connection) == IngestTotals(files=2, accepted=20, duplicates=4, rejected=4, noted=1)


class Page(HTMLParser):
    """A page's text, its elements, and whether they are closed in order."""

    void = frozenset({"meta", "br", "rect", "line"})

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(" ".join(data.split()))

    def all(self, tag: str) -> Iterator[dict[str, str | None]]:
        return (attributes for name, attributes in self.elements if name == tag)


def tenant(**changes: Any) -> TenantSummary:
    values = {"BRL": (Decimal("4323270.5"), Decimal("3903661.5"))}
    counts = {"conversions": 9000, "fbc": 6857, "fbp": 1333, "email": 0, "unmatched": 710, "pending": 100}
    row = {"slug": "a", "name": "A", "status": "active", "value_by_currency": values, **counts, **changes}
    return TenantSummary(**row)


def day_rate(day: date, **counts: int) -> DayRate:
    row = {"conversions": 100, "fbc": 75, "fbp": 15, "email": 0, "unmatched": 10, "pending": 0, **counts}
    return DayRate(slug="a", day=day, **row)


def test_the_page_stands_alone_and_shows_the_numbers(tmp_path: Path) -> None:
    path = write_report(
        tmp_path / "reports" / "report.html",
        tenants=[tenant(), tenant(slug="b", name="B", status="suspended", value_by_currency={})],
        rates=[day_rate(date(2025, 6, 9)), day_rate(date(2025, 6, 10), fbc=50, pending=25)],
        rejects=[RejectReason(reason="bad value", lines=1234, files=2, example="f1:1")],
        ingest=IngestTotals(files=2, accepted=20_000, duplicates=4, rejected=1234, noted=1),
        **NO_DELIVERY,
        generated_at=datetime(2025, 6, 10, 9, 5, tzinfo=timezone(timedelta(hours=-3))),
    )
    page = Page(path)
    text = " | ".join(page.texts)
    for shown in ("9,000", "6,857", "76.2%", "92.0%", "BRL 4,323,270", "90.3% matched", "suspended", "1,234", "f1:1"):
        assert shown in text
    assert "18,000" in page.texts, "the total of all tenants"
    assert "10 June 2025, 12:05 UTC" in text
    assert "2025-06-10: 100 conversions. Click id (fbc) 50.0%, Browser id (fbp) 15.0%" in text
    source = path.read_text(encoding="utf-8")
    assert not re.search(r"https?:|url\(|@import|<script|<link|\bsrc=", source), "the page must not load anything"


def test_delivery_by_tenant_with_key_coverage_and_reasons(tmp_path: Path) -> None:
    def place(slug: str, name: str, events: int, reason: str = "accepted") -> Place:
        return Place(slug, name, reason, events, NOON, None, name == "waiting")

    def coverage(day: int, events: int, **carrying: int) -> Coverage:
        return Coverage("a", date(2025, 6, day), events, {**dict.fromkeys(KEYS, 0), **carrying})

    path = write_report(
        tmp_path / "report.html",
        tenants=[tenant(), tenant(slug="b", name="B"), tenant(slug="c", name="C")],
        rates=[],
        rejects=[],
        ingest=NO_INPUT,
        account=Account(
            NOON,
            [
                place("a", "sent", 1500),
                place("a", "failed", 7, "little_user_data"),
                place("b", "waiting", 4, NASTY),
                place("b", "waiting", 1, "the sale's time lies in the future"),
            ],
        ),
        coverage=[coverage(9, 1000, em=1000, fbc=400), coverage(10, 500, em=485)],
        generated_at=NOON,
    )
    texts = Page(path).texts
    start = texts.index("Delivery")
    section = texts[start : texts.index("Input")]
    assert section[section.index("A") :][:8] == ["A", "1,500", "0", "7", "0", "99.0%", "0.0%", "26.7%"]
    assert section[section.index("B") :][:6] == ["B", "0", "5", "0", "0", "n/a"]
    assert "C" not in section, "it has no event"
    assert section[section.index("All tenants") :][:5] == ["All tenants", "1,500", "5", "7", "0"]
    assert section[section.index("a") :] == [
        "a", "7", "failed", "little_user_data", "b", "4", "waiting", NASTY,
        "b", "1", "waiting", "the sale's time lies in the future",
    ]  # fmt: skip


def test_what_comes_from_outside_is_escaped(tmp_path: Path) -> None:
    path = write_report(
        tmp_path / "report.html",
        tenants=[tenant(name=NASTY)],
        rates=[day_rate(date(2025, 6, 9))],
        rejects=[RejectReason(reason=NASTY, lines=1, files=1, example=NASTY)],
        ingest=NO_INPUT,
        **NO_DELIVERY,
        generated_at=NOON,
    )
    page = Page(path)
    assert not list(page.all("script"))
    assert page.texts.count(NASTY) == 4, "the name twice, reason and example"


@pytest.mark.parametrize("days", [1, 7, 90, 400])
def test_bars_stay_inside_the_drawing_and_add_up(tmp_path: Path, days: int) -> None:
    first = date(2025, 1, 1)
    path = write_report(
        tmp_path / "report.html",
        tenants=[tenant()],
        rates=[day_rate(first + timedelta(days=n), email=0) for n in range(days)],
        rejects=[],
        ingest=NO_INPUT,
        **NO_DELIVERY,
        generated_at=NOON,
    )
    page = Page(path)
    rects = [{k: float(r[k] or "") for k in ("x", "y", "width", "height")} for r in page.all("rect")]
    assert len(rects) == 3 * days
    assert all(r["x"] >= 0 and r["x"] + r["width"] <= CHART_WIDTH for r in rects)
    assert all(r["y"] >= 0 and r["y"] + r["height"] <= CHART_HEIGHT for r in rects)
    heights = [sum(r["height"] for r in rects[n : n + 3]) for n in range(0, len(rects), 3)]
    assert max(heights) - min(heights) < 0.1
    labels = [text for text in page.texts if re.fullmatch(r"\d\d [A-Z][a-z]{2}", text)]
    assert labels[0] == "01 Jan"
    assert len(labels) <= 7


def test_an_empty_database_gives_a_page_that_says_what_to_do(connection: Connection[Any], tmp_path: Path) -> None:
    path = write_report(
        tmp_path / "report.html",
        tenants=summary_by_tenant(connection),
        rates=rates_of_days(connection, date(2025, 6, 1), date(2025, 6, 30)),
        rejects=rejects_by_reason(connection),
        ingest=ingest_totals(connection),
        **NO_DELIVERY,
        generated_at=NOON,
    )
    text = " ".join(Page(path).texts)
    assert "There are no tenants yet" in text
    assert "No sale has been attributed yet" in text
    assert "No day has been aggregated yet" in text
    assert "Nothing was set aside" in text


def test_the_report_of_a_database(filled: Connection[Any], tmp_path: Path) -> None:
    path = write_report(
        tmp_path / "report.html",
        tenants=summary_by_tenant(filled),
        rates=[],
        rejects=[],
        ingest=ingest_totals(filled),
        **NO_DELIVERY,
        generated_at=NOON,
    )
    page = Page(path)
    assert NASTY in page.texts
    assert "75.0%" in page.texts
    assert "JPY 1,000" in page.texts
