"""Delivery in the report."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from delivery.scenes import insert_sales
from psycopg import Connection
from report.pages import NASTY, NOON, Page, write

from trackai_pipelines.clock import utc_now
from trackai_pipelines.delivery.account import Account, Place
from trackai_pipelines.delivery.coverage import Coverage
from trackai_pipelines.delivery.events import KEYS
from trackai_pipelines.delivery.section import data, figures, section, shown
from trackai_pipelines.domain import Period


def test_events_by_tenant_with_key_coverage_and_reasons(connection: Connection[Any], tmp_path: Path) -> None:
    def place(slug: str, name: str, events: int, reason: str = "accepted") -> Place:
        return Place(slug, name, reason, events, NOON)

    def coverage(day: int, events: int, **carrying: int) -> Coverage:
        return Coverage("a", date(2025, 6, day), events, {**dict.fromkeys(KEYS, 0), **carrying})

    given = shown(
        {"a": "A", "b": "B", "c": "C"},
        Account(
            NOON,
            [
                place("a", "sent", 1500),
                place("a", "failed", 7, "little_user_data"),
                place("b", "waiting", 4, NASTY),
                place("b", "waiting", 1, "the sale's time lies in the future"),
            ],
        ),
        [coverage(9, 1000, em=1000, fbc=400), coverage(10, 500, em=485)],
    )
    texts = Page(write(connection, tmp_path / "report.html", (section(), given))).texts
    shown_texts = texts[texts.index("Tenant") :]
    assert shown_texts[shown_texts.index("A") :][:8] == ["A", "1,500", "0", "7", "0", "99.0%", "0.0%", "26.7%"]
    assert shown_texts[shown_texts.index("B") :][:6] == ["B", "0", "5", "0", "0", "n/a"]
    assert "C" not in shown_texts, "it has no event"
    assert shown_texts[shown_texts.index("All tenants") :][:5] == ["All tenants", "1,500", "5", "7", "0"]
    assert shown_texts[shown_texts.index("a") : shown_texts.index("How to read this")] == [
        "a", "7", "failed", "little_user_data", "b", "4", "waiting", NASTY,
        "b", "1", "waiting", "the sale's time lies in the future",
    ]  # fmt: skip
    assert figures(given) == {"delivered to Meta's API": 1500}


def test_the_sales_of_the_period_and_of_the_tenant(connection: Connection[Any], add_tenant: Callable[..., str]) -> None:
    acme, other = add_tenant("acme", pixel_id="1001"), add_tenant("other", pixel_id="1002")
    insert_sales(connection, acme, 3, ago=timedelta(hours=1))
    insert_sales(connection, acme, 2, ago=timedelta(days=3))
    insert_sales(connection, other, 1, ago=timedelta(hours=1))
    now = utc_now()
    yesterday, today = (now - timedelta(days=1)).date(), now.date()
    old = (now - timedelta(days=3)).date()
    assert data(connection, Period(old, today))["places"] == {"waiting": 6}
    assert data(connection, Period(old, old))["places"] == {"waiting": 2}
    assert data(connection, Period(yesterday, today))["places"] == {"waiting": 4}
    one = data(connection, Period(yesterday, today, "acme"))
    assert [(of.name, of.places) for of in one["deliveries"]] == [("acme", {"waiting": 3})]
    assert data(connection, Period(old - timedelta(days=9), old - timedelta(days=1)))["places"] == {}
