"""What leaves takes no sale along: retention of reports, and erasing a creator."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from declared import LEAVING
from loyalty.sources import NOW, add_creator, add_report, add_sale, found_program, insert, net, post_once
from psycopg import Connection

from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.lifecycle.archive.store import open_store
from trackai_pipelines.lifecycle.personal_data.erase import erase
from trackai_pipelines.loyalty.reconcile import caches_unlike_ledger, sources_unlike_ledger, wrong_postings
from trackai_pipelines.loyalty.retiring import retire_old_reports, retire_reports

DAY = date(2026, 3, 2)
HASH = "a" * 64


@pytest.fixture
def tenant(connection: Connection[Any], add_tenant: Callable[..., str]) -> str:
    """A tenant with a program and the creator c1, who has the code C1, the handle ana and an e-mail address."""
    tenant_id = add_tenant("acme")
    found_program(connection, tenant_id)
    add_creator(connection, tenant_id, "c1", link="C1", tiktok="ana")
    connection.execute("UPDATE trackai.users SET email_hash = %s", [HASH])
    return tenant_id


def _sound(connection: Connection[Any]) -> None:
    assert sources_unlike_ledger(connection) == []
    assert wrong_postings(connection) == []
    assert caches_unlike_ledger(connection, NOW) == []


def test_reports_leave_but_for_the_newest_figure(connection: Connection[Any], tenant: str) -> None:
    for number in range(10):
        add_report(connection, tenant, "v1", DAY + timedelta(days=number), 10 * (number + 1), handle="ana")
        if number in {0, 2, 8}:
            add_report(connection, tenant, "v2", DAY + timedelta(days=number), 5 * (number + 1), handle="ana")
    post_once(connection, tenant)
    before = net(connection, tenant)
    assert retire_reports(connection, tenant, DAY + timedelta(days=5)) == 6 + 1
    # As retention does, by the declared time.
    time = LEAVING["sales_reports"].time_column
    assert time == "superseded_on"
    gone = connection.execute("DELETE FROM trackai.sales_reports WHERE superseded_on < %s", [DAY + timedelta(days=5)])
    assert gone.rowcount == 5
    left = connection.execute(
        "SELECT item, min(report_day) FROM trackai.sales_reports GROUP BY 1 ORDER BY 1"
    ).fetchall()
    assert left == [("v1", DAY + timedelta(days=4)), ("v2", DAY + timedelta(days=2))]
    assert (post_once(connection, tenant).entries, net(connection, tenant)) == (0, before)
    _sound(connection)
    # Later figures count against what stayed, also restated ones.
    add_report(connection, tenant, "v1", DAY + timedelta(days=5), 61, handle="ana", as_of=NOW)
    add_report(connection, tenant, "v2", DAY + timedelta(days=9), 50, handle="ana")
    post_once(connection, tenant)
    sold = {day: amount for (_, day, _), (amount, _) in net(connection, tenant).items()}
    assert [sold[DAY + timedelta(days=number)] for number in (4, 5, 6, 8, 9)] == [10, 11, 9, 40, 15]
    assert retire_reports(connection, tenant, DAY + timedelta(days=5)) == 0


def test_only_reports_of_a_year_ago_are_retired(connection: Connection[Any], tenant: str) -> None:
    for day in (DAY - timedelta(days=400), DAY - timedelta(days=380), DAY - timedelta(days=200)):
        add_report(connection, tenant, "v1", day, 10, handle="ana", post_date=DAY - timedelta(days=400))
    marked = list(retire_old_reports(connection, clock=lambda: datetime(2026, 3, 2, tzinfo=UTC)))
    assert marked == [(tenant, 2)]
    rows = connection.execute(
        "SELECT superseded_on, previous_day FROM trackai.sales_reports ORDER BY report_day"
    ).fetchall()
    assert rows == [(DAY - timedelta(days=380), None), (None, DAY - timedelta(days=400)), (None, None)]
    # What was wanted of them is posted.
    assert net(connection, tenant) == {("c1", DAY - timedelta(days=400), "csv"): (10, 1)}


def test_erasing_a_creator_takes_no_sale_away(connection: Connection[Any], tenant: str, tmp_path: Path) -> None:
    at = datetime(2026, 3, 2, 12, tzinfo=UTC)
    add_sale(connection, tenant, "e1", at, 100, link="C1")
    for number in range(3):
        add_report(connection, tenant, "v1", DAY + timedelta(days=number), 10 * (number + 1), handle="ana")
    values = {"amount": 9, "currency": "USD", "reason": "a fair", "adjustment_type": "bonus", "created_at": NOW}
    insert(connection, "sales_adjustments", tenant_id=tenant, user_id="c1", **values)
    post_once(connection, tenant)
    before = net(connection, tenant)
    erase(connection, open_store(str(tmp_path)), DOMAINS, tenant, email_hash=HASH)
    assert connection.execute("SELECT count(*) FROM trackai.creator_aliases").fetchone() == (0,)
    handles = connection.execute("SELECT DISTINCT handle, user_id FROM trackai.sales_reports").fetchall()
    assert handles == [(None, "c1")]
    assert connection.execute("SELECT reason FROM trackai.sales_adjustments").fetchall() == [(None,)]
    assert (post_once(connection, tenant).entries, net(connection, tenant)) == (0, before)
    _sound(connection)
    # The click leaves as well.
    connection.execute("DELETE FROM trackai.clicks")
    assert (post_once(connection, tenant).entries, net(connection, tenant)) == (0, before)
