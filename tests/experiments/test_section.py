"""Tests in the report."""

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from experiments import accounted
from lifecycle.old_rows import insert
from psycopg import Connection
from report.pages import NASTY, Page, write

from trackai_pipelines.domain import Period
from trackai_pipelines.experiments.section import data, section

MARCH = Period(date(2026, 3, 1), date(2026, 3, 31))


@pytest.fixture
def tenant(connection: Connection[Any], add_tenant: Callable[..., str]) -> str:
    """A tenant with a test that is decided and one that is not."""
    tenant = add_tenant("acme")
    checkout, banner = accounted.build(connection, tenant)
    accounted.put_figures(connection, tenant, checkout, "so_far")
    accounted.put_figures(connection, tenant, banner, "so_far", "mature")
    return tenant


def page(connection: Connection[Any], path: Path, period: Period = MARCH) -> Page:
    return Page(write(connection, path / "report.html", (section(), data(connection, period))))


def after(texts: list[str], first: str, count: int) -> list[str]:
    place = texts.index(first)
    return texts[place : place + count]


def test_a_decided_test_has_its_line_its_health_and_its_account(
    connection: Connection[Any], tenant: str, tmp_path: Path
) -> None:
    texts = page(connection, tmp_path).texts
    assert after(texts, "banner", 6) == ["banner", "completed", "acme ·", "banner",
        "Decided at its end, day 2026-03-20: winner a.", "a is better."]  # fmt: skip
    people = "1 user saw both variants (12.5 %), 1 assigned outside its period, 1 bot"
    assert texts[texts.index("a is better.") + 1] == f"{people}; 1 conversion in USD has no revenue here."
    compared = texts[texts.index("So far, 2026-03-20") :]
    assert compared[:14] == ["So far, 2026-03-20", "Mature", "Variant", *["Users", "Rate", "Lift", "Interval"] * 2,
        "Significance", "Beats control", "control"]  # fmt: skip
    figures = ["25.000 %", "+25.0 %", "+5.0 % to +50.0 %"]
    assert after(compared, "a", 11) == ["a", "2", *figures, "2", *figures, "99.98 %", "> 99.99 %"]
    account = texts[texts.index("Conversions of its users") :]
    assert after(account, "counted", 5) == ["counted", "3", "2", "5", "430.00"]
    assert after(account, "before assignment", 5) == ["before assignment", "1", "0", "1", "50.00"]
    lines = [words for words in account if words in ("counted", "another event", "after the window", "user excluded")]
    assert lines[:4] == ["counted", "another event", "after the window", "user excluded"]


def test_the_chart_has_a_line_in_its_band(connection: Connection[Any], tenant: str, tmp_path: Path) -> None:
    path = write(connection, tmp_path / "report.html", (section(), data(connection, MARCH)))
    drawn = Page(path)
    charts = [of["aria-label"] for of in drawn.all("svg")]
    assert charts == ["banner: lift of rate over control by day", "checkout: lift of rate over control by day"]
    text = path.read_text(encoding="utf-8")
    assert text.count('class="band color-0"') == text.count('class="line color-0"') / 2 == 2
    assert "2026-03-20: a +25.0 %, bounds -13.2 % to +23.7 %" in text
    assert "2026-03-03: a +25.0 %<" in text
    # Early bounds of more than 100 % are cut.
    labels = re.findall(r"<text[^>]*>([+-]\d+)%</text>", text)
    assert max(map(int, labels)) < 60


def test_what_people_wrote_is_escaped_and_tenants_are_apart(
    connection: Connection[Any], tenant: str, add_tenant: Callable[..., str], tmp_path: Path
) -> None:
    other = add_tenant("globex")
    connection.execute("UPDATE trackai.ab_tests SET name = %s WHERE test_key = 'banner'", [NASTY])
    accounted.build(connection, other)
    connection.execute("UPDATE trackai.ab_test_outcomes SET class = 'other_event' WHERE tenant_id = %s", [other])
    ours = Period(MARCH.first, MARCH.last, "acme")
    texts = page(connection, tmp_path, ours).texts
    assert NASTY in texts
    assert "globex ·" not in texts
    assert after(texts, "counted", 5) == ["counted", "3", "2", "5", "430.00"]
    assert [test.tenant for test in data(connection, MARCH)["tests"]] == ["acme", "acme", "globex", "globex"]
    # Nothing to compare yet.
    assert data(connection, MARCH)["tests"][-1].chart is None


def test_a_report_of_other_days_has_no_tests(connection: Connection[Any], tenant: str, tmp_path: Path) -> None:
    april = Period(date(2026, 4, 1), date(2026, 4, 30))
    assert "No test has figures of these days." in page(connection, tmp_path, april).texts
    # As of an earlier day it waited.
    early = data(connection, Period(date(2026, 3, 1), date(2026, 3, 10)))["tests"][0]
    assert early.reason is None
    assert early.line.startswith("waiting: 3 and 2 of 500 users a variant; completed too early: decision on 2026-03-20")
    assert early.status == "completed"
    insert(connection, "ab_test_events", {"tenant_id": tenant, "test_id": _number(connection, "banner"),
           "at": accounted.START, "action": "start", "from_status": "draft", "to_status": "running"})  # fmt: skip
    ran = data(connection, Period(date(2026, 3, 1), date(2026, 3, 10)))["tests"][0]
    assert ran.status == "running"
    assert ran.line.startswith("waiting: 3 and 2 of 500 users a variant; no decision in sight")


def _number(connection: Connection[Any], key: str) -> int:
    row = connection.execute("SELECT id FROM trackai.ab_tests WHERE test_key = %s", [key]).fetchone()
    assert row is not None
    return int(row[0])
