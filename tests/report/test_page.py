"""The page as a whole: the declared rooms' sections in one file that needs nothing else."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection
from report.pages import JUNE, NASTY, NOON, Page

from trackai_pipelines.domain import Domain, Period, Section
from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.report.page import UnknownTenantError, write_report


def toy(folder: Path, template: str, **options: Any) -> Domain:
    """A domain with a section of this template."""
    file = folder / "toy.html"
    file.write_text(template)

    def section() -> Section:
        return Section(
            title="Toys", template=file, **{"data": lambda connection, period: {"period": period}, **options}
        )

    return Domain(name="toys", says="Toys.", section=section)


def test_the_page_stands_alone(connection: Connection[Any], add_tenant: Callable[..., str], tmp_path: Path) -> None:
    add_tenant("acme", name=NASTY)
    connection.execute(
        "INSERT INTO trackai.daily_match_rates (tenant_id, day, gateway, currency, conversions, fbc, fbp, email,"
        " unmatched, pending, value_total, value_matched, computed_at)"
        " VALUES ('t-acme', '2025-06-09', 'stripe', 'USD', 15, 5, 4, 3, 2, 1, 10, 5, now())"
    )
    three_behind = timezone(timedelta(hours=-3))
    path = tmp_path / "reports" / "report.html"
    report = write_report(
        connection, path, DOMAINS, JUNE, clock=lambda: datetime(2025, 6, 10, 9, 5, tzinfo=three_behind)
    )
    source = path.read_text(encoding="utf-8")
    assert report.path == path
    assert not re.search(r"https?:|url\(|@import|<script|<link|\bsrc=", source), "the page must not load anything"
    assert "<svg" in source
    text = " | ".join(Page(path).texts)
    assert "10 June 2025, 12:05 UTC" in text
    assert "01 June 2025 to 30 June 2025" in text
    assert NASTY in text
    assert [path.name for path in path.parent.iterdir()] == ["report.html"]


def test_sections_come_by_rank_and_then_in_the_order_of_the_flow(connection: Connection[Any], tmp_path: Path) -> None:
    write_report(connection, tmp_path / "report.html", DOMAINS, JUNE)
    page = Page(tmp_path / "report.html")
    assert [section["id"] for section in page.all("section") if "id" in section] == [
        "match_rates",
        "campaigns",
        "experiments",
        "loyalty",
        "delivery",
        "ingest",
        "flags",
    ]
    assert [link["href"] for link in page.all("a")] == [
        "#match_rates",
        "#campaigns",
        "#experiments",
        "#loyalty",
        "#delivery",
        "#ingest",
        "#flags",
    ]


def test_an_empty_database_gives_a_page_that_says_what_to_do(connection: Connection[Any], tmp_path: Path) -> None:
    report = write_report(connection, tmp_path / "report.html", DOMAINS, JUNE)
    text = " ".join(Page(report.path).texts)
    assert "There are no tenants yet" in text
    assert "No sale has been attributed yet" in text
    assert "None of these days has been aggregated yet" in text
    assert "Nothing was set aside" in text
    assert report.empty
    assert report.figures == {
        "conversions": 0, "match rate": None, "unmatched": 0, "pending": 0, "refunds": 0,
        "delivered to Meta's API": 0,
    }  # fmt: skip


def test_one_tenants_report_holds_nothing_of_another(
    connection: Connection[Any], add_tenant: Callable[..., str], tmp_path: Path
) -> None:
    for slug in ("acme", "other"):
        add_tenant(slug, name=f"The shop {slug}", dispatch_policy="all", pixel_id="1")
        connection.execute(
            "WITH sale AS (INSERT INTO trackai.conversions (tenant_id, gateway, gateway_event_id, value, currency,"
            " occurred_at) VALUES (%s, 'stripe', '1', 10, 'BRL', %s) RETURNING tenant_id, id)"
            " INSERT INTO trackai.matched_attributions (tenant_id, conversion_id, strategy)"
            " SELECT tenant_id, id, 'unmatched' FROM sale",
            [f"t-{slug}", NOON],
        )
    both = write_report(connection, tmp_path / "both.html", DOMAINS, JUNE)
    one = write_report(connection, tmp_path / "one.html", DOMAINS, Period(JUNE.first, JUNE.last, "acme"))
    assert both.figures["conversions"] == 2
    assert one.figures["conversions"] == 1
    assert "other" in both.path.read_text()
    assert "The shop acme" in Page(one.path).texts
    assert "shop other" not in one.path.read_text()
    assert not one.empty


def test_an_unknown_tenant_is_named_and_nothing_is_written(connection: Connection[Any], tmp_path: Path) -> None:
    with pytest.raises(UnknownTenantError, match=r"There is no tenant acme\. `trackai tenant list` shows those"):
        write_report(connection, tmp_path / "report.html", DOMAINS, Period(JUNE.first, JUNE.last, "acme"))
    assert not list(tmp_path.iterdir())


def test_a_domain_that_declares_a_section_is_in_the_report(connection: Connection[Any], tmp_path: Path) -> None:
    template = '{% from "parts.html" import tile %}<p>Of {{ period.first }}</p>{{ tile(3 | count, name) }}'
    domain = toy(
        tmp_path,
        template,
        data=lambda connection, period: {"period": period, "name": NASTY},
        figures=lambda data: {"toys": 3, "shared toys": 0.5},
        rank=-1,
    )
    report = write_report(connection, tmp_path / "report.html", [*DOMAINS, domain], JUNE)
    page = Page(report.path)
    assert next(page.all("a")) == {"href": "#toys"}
    assert {"Toys", "Of 2025-06-01", "3", NASTY, "50.0%"} <= set(page.texts)
    assert not list(page.all("script"))
    assert list(report.figures.items())[:2] == [("toys", 3), ("shared toys", 0.5)]


def test_a_template_that_asks_for_what_is_not_there_fails_and_leaves_the_older_page(
    connection: Connection[Any], tmp_path: Path
) -> None:
    from jinja2 import UndefinedError

    (tmp_path / "report.html").write_text("older")
    with pytest.raises(UndefinedError, match="tenants"):
        write_report(connection, tmp_path / "report.html", [toy(tmp_path, "{{ tenants }}")], JUNE)
    assert (tmp_path / "report.html").read_text() == "older"
