"""`trackai experiments what-if`: other windows, caps, estimators and lookbacks, and nothing is written."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from experiments.shop import START, add_test, insert
from experiments.world import assign, hash_of, match, put_sale, put_user
from psycopg import Connection, sql
from typer.testing import Result

from trackai_pipelines.experiments.computing import compute_tests
from trackai_pipelines.experiments.designs import read_design
from trackai_pipelines.experiments.refusals import ExperimentRefusedError
from trackai_pipelines.experiments.what_if import Choices, Tried, what_if

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
NOW = START + 40 * DAY + HOUR
SOLD = {"u0": (1, 20), "u1": (1,), "u2": (10,), "u3": (10, 20), "u4": (-3, 20), "u5": (-3, 1), "u6": (), "u7": (20,)}
"""The days after its assignment on which each user bought; users with an even number see the control."""


@pytest.fixture
def shop(connection: Connection[Any], add_tenant: Callable[..., str]) -> str:
    """A test of eight users, with sales worth 10 in the second week and 100 on other days."""
    tenant = add_tenant("acme")
    settings = {"status": "running", "started_at": START, "sample_size": 8, "currency": "BRL", "pre_days": 10}
    test = add_test(connection, tenant, "checkout", primary_metric="revenue_per_user", **settings)
    for user, days in SOLD.items():
        put_user(connection, tenant, user, user, START)
        assign(connection, tenant, test, user, "a" if int(user[1]) % 2 else "control", START + HOUR, START + HOUR)
        for day in days:
            at = START + 2 * HOUR + day * DAY
            put_sale(connection, tenant, user, at, at, value=Decimal(10 if day == 10 else 100))
    assign(connection, tenant, test, "late", "a", START + 30 * DAY, START + 30 * DAY)
    return tenant


def _tried(connection: Connection[Any], tenant: str, *, now: datetime = NOW, **asked: Any) -> list[Tried]:
    return what_if(connection, read_design(connection, tenant, "checkout"), Choices(**asked), now)


def _sums(found: list[Tried]) -> list[tuple[int, list[int], list[int]]]:
    return [(one.window_days, [v.users for v in one.variants], [v.converted for v in one.variants]) for one in found]


def test_windows_caps_and_estimators(connection: Connection[Any], shop: str) -> None:
    """Also of sales that have been anonymised since, which keep their users."""
    list(compute_tests(connection, NOW))
    tables = [
        name
        for (name,) in connection.execute(
            "SELECT relname FROM pg_class WHERE relname LIKE 'ab_test_%' AND relkind = 'r'"
        )
    ]
    stored = {name: _digest(connection, name) for name in tables}
    expected = [(14, [4, 4], [2, 3]), (7, [4, 5], [1, 2]), (28, [4, 4], [3, 4])]
    found = _tried(connection, shop, window_days=(7, 14, 28))
    # The test's own window is not tried again; who came late is in a short window only that is over.
    assert _sums(found) == expected
    assert [one.as_it_is for one in found] == [True, False, False]
    assert [v.estimate for v in found[2].variants] == [(200 + 10 + 100) / 4, (100 + 110 + 100 + 100) / 4]
    as_it_is, capped = _tried(connection, shop, window_days=(28,), cap=Decimal(50))
    assert as_it_is == found[0]
    assert [v.estimate for v in capped.variants] == [(50 + 10 + 50) / 4, (50 + 50 + 50 + 50) / 4]
    # The two sales before assignment explain the same in both.
    cuped = _tried(connection, shop, estimator="cuped")[1]
    row = connection.execute(
        "SELECT estimate, lift, p_value FROM trackai.ab_test_daily_results WHERE day = %s AND population = 'mature'"
        " AND variant_name = 'a' AND metric = 'revenue_per_user' AND estimator = 'cuped'",
        [NOW.date() - DAY],
    ).fetchone()
    assert row == (cuped.variants[1].estimate, cuped.variants[1].lift, cuped.variants[1].p_value)
    connection.execute("UPDATE trackai.conversions SET customer_email_hash = NULL, anonymised_at = %s", [NOW])
    assert _sums(_tried(connection, shop, window_days=(7, 14, 28))) == expected
    assert {name: _digest(connection, name) for name in tables} == stored


def _digest(connection: Connection[Any], table: str) -> Any:
    query = sql.SQL("SELECT count(*), md5(string_agg(t::text, ',' ORDER BY t::text)) FROM trackai.{} t")
    return connection.execute(query.format(sql.Identifier(table))).fetchone()


def test_lookbacks(connection: Connection[Any], add_tenant: Callable[..., str]) -> None:
    """A sale is attributed where matching would find a click within the days, by any of its keys."""
    tenant = add_tenant("acme", lookback_days=30)
    connection.execute("UPDATE trackai.matching_settings SET email_matching = true WHERE tenant_id = %s", [tenant])
    settings = {"status": "running", "started_at": START, "outcome_scope": "attributed"}
    test = add_test(connection, tenant, "checkout", **settings)
    sold_at = START + DAY

    def click(days: float, **keys: str) -> Any:
        return insert(connection, "clicks", tenant_id=tenant, created_at=sold_at - days * DAY, **keys)

    def buyer(user: str, strategy: str, **keys: str) -> None:
        put_user(connection, tenant, user, user, START)
        assign(connection, tenant, test, user, "control", START, START)
        put_sale(connection, tenant, user, sold_at, sold_at, strategy=strategy, **keys)

    browser = "fb.1.1700000000000.1234567890"
    click(3, fbclid="three")
    click(10, fbclid="ten")
    click(12, fbclid="both")
    click(2, fbp=browser)
    click(-0.01, fbclid="skew-not")
    insert(connection, "identities", tenant_id=tenant, email_hash=hash_of("by-mail"), click_id=click(5, fbclid="x"))
    buyer("three", "fbc", fbclid="three")
    buyer("ten", "fbc", fbclid="ten")
    # Its click by the browser is nearer.
    buyer("both", "fbc", fbclid="both", fbp=browser)
    buyer("by-mail", "email")
    buyer("after", "unmatched", fbclid="skew-not")
    buyer("nothing", "unmatched")
    buyer("pending", "fbc", fbclid="three")
    connection.execute(
        "DELETE FROM trackai.matched_attributions WHERE conversion_id = (SELECT max(id) FROM trackai.conversions)"
    )
    converted = {}
    for days in (0, 2, 3, 4, 7, 30):
        as_it_is, tried = _tried(connection, tenant, lookback_days=days)
        assert as_it_is.variants[0].converted == 4
        converted[days] = tried.variants[0].converted
    # A click exactly so many days before is too old.
    assert converted == {0: 0, 2: 0, 3: 1, 4: 2, 7: 3, 30: 4}
    sale = connection.execute("SELECT id FROM trackai.conversions WHERE customer_email_hash = %s", [hash_of("ten")])
    match(connection, tenant, sale.fetchone()[0], "unmatched", NOW)  # type: ignore[index]
    as_it_is, tried = _tried(connection, tenant, lookback_days=30)
    assert (as_it_is.variants[0].converted, tried.variants[0].converted) == (3, 4)


def test_what_is_shown_and_what_is_refused(
    trackai: Callable[..., Result], connection: Connection[Any], shop: str
) -> None:
    command = ("experiments", "what-if", "checkout", "--tenant", "acme")
    shown = trackai(*command, "--window-days", "7,28", "--cap", "50").stdout
    first, *lines = shown.splitlines()
    assert first.startswith("checkout   exploring: nothing is stored and no choice wins")
    rows = [line.split() for line in lines if "days" in line]
    assert [row[:5] for row in rows] == [
        ["as", "it", "is", "14", "days"], ["tried", "7", "days", "50.00", "as"], ["tried", "28", "days", "50.00", "as"],
    ]  # fmt: skip
    plain = json.loads(trackai(*command, "--estimator", "cuped", "--json").stdout)
    assert plain["exploring"] is True
    assert [(one["estimator"], one["as_it_is"]) for one in plain["choices"]] == [("plain", True), ("cuped", False)]
    assert "winner" not in json.dumps(plain)
    refused = [
        ((), "give what to try"),
        (("--window-days", "seven"), "is no list of days"),
        (("--window-days", "0"), "The window is 1 to 60 days"),
        (("--lookback-days", "7"), "counts sales with and without a click"),
        (("--cap", "-1"), "The revenue cap is an amount above 0"),
    ]
    connection.execute("UPDATE trackai.ab_tests SET pre_days = 40 WHERE test_key = 'checkout'")
    refused.append((("--window-days", "14,50"), "They have to stay below 90"))
    for options, reason in refused:
        result = trackai(*command, *options)
        assert result.exit_code == 2, options
        assert reason in " ".join(result.output.replace("│", "").split())
    connection.execute("UPDATE trackai.ab_tests SET primary_metric = 'avg_order_value' WHERE test_key = 'checkout'")
    with pytest.raises(ExperimentRefusedError, match="use plain"):
        _tried(connection, shop, estimator="cuped")
    with pytest.raises(ExperimentRefusedError, match="no day that is over"):
        _tried(connection, shop, window_days=(7,), now=START + HOUR)
