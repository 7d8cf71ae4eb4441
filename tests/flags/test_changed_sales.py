"""The sales whose settings a change of a gate changes, against counting them one by one."""

import itertools
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from matching.facts import SALE, decided, insert_click, insert_sale
from matching.gates import History, changes, forget_gates, override
from matching.worlds import World, sale_times
from psycopg import Connection, errors

from trackai_pipelines.flags.changed_sales import (
    changed_periods,
    changed_sales,
    queue_changed_sales,
    remember_settings,
)
from trackai_pipelines.matching.drain import drain

sales = st.tuples(st.integers(0, 2), sale_times, st.booleans())


@pytest.mark.slow
def test_random_changes_agree_with_counting(connection: Connection) -> None:
    numbers = itertools.count(1)
    found_any = 0

    @settings(max_examples=60, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(
        changes,
        changes.filter(bool),
        st.lists(st.tuples(st.integers(0, 2), sale_times, st.booleans()), min_size=4, max_size=9),
    )
    def agree(
        before: list[dict[str, Any]], change: list[dict[str, Any]], selling: list[tuple[int, datetime, bool]]
    ) -> None:
        nonlocal found_any
        history = History()
        tenant = {"status": "active", "lookback_days": 7, "email_matching": False}
        world = World(connection, history, {"tenants": [tenant] * 3})
        ids = [one["id"] for one in world.tenants]
        world.change(before)
        for owner in ids:
            insert_click(connection, owner, SALE - timedelta(hours=1), fbclid="k")
        sold = [
            (insert_sale(connection, ids[place], f"{next(numbers)}", fbclid="k" if hits else "x", occurred_at=at),
             ids[place], at)
            for place, at, hits in selling
        ]  # fmt: skip
        drain(connection, run_id="test")
        unmatched = {sale for (sale,) in connection.execute(
            "SELECT conversion_id FROM trackai.matched_attributions WHERE strategy = 'unmatched'"
        )}  # fmt: skip
        known = [history.settings(owner, owner, at) for _, owner, at in sold]
        with connection.transaction():
            remember_settings(connection)
            world.change(change)
            periods = changed_periods(connection)
        changed = [
            sale for sale, was in zip(sold, known, strict=True) if history.settings(sale[1], sale[1], sale[2]) != was
        ]
        found = changed_sales(connection, periods)
        assert {(day.tenant, day.day): day.conversions for day in found} == Counter(
            (owner, at.date()) for _, owner, at in changed
        )
        again = [sale for sale in changed if sale[0] in unmatched]
        assert {(day.tenant, day.day): day.unmatched for day in found if day.unmatched} == Counter(
            (owner, at.date()) for _, owner, at in again
        )
        assert queue_changed_sales(connection, periods) == len(again)
        queued = connection.execute("SELECT conversion_id, cause FROM trackai.match_queue").fetchall()
        assert sorted(queued) == sorted((sale, "rematch") for sale, _, _ in again)
        assert queue_changed_sales(connection, periods) == 0
        found_any += len(changed)
        forget_gates(connection)
        connection.execute(
            "TRUNCATE trackai.tenants, trackai.conversions, trackai.match_log, trackai.match_queue, "
            "trackai.fact_arrivals CASCADE"
        )

    agree()
    assert found_any > 20


def test_what_a_backdated_change_lets_match_is_matched(connection: Connection, add_tenant: Any) -> None:
    tenant, other = add_tenant("acme", lookback_days=1), add_tenant("other", lookback_days=1)
    for owner in (tenant, other):
        click = insert_click(connection, owner, SALE - timedelta(days=3), fbclid="k")
        for back in (0, 1):
            insert_sale(
                connection, owner, f"{owner} {back}", fbclid="k", occurred_at=SALE - timedelta(days=back), fbp=None
            )
    drain(connection, run_id="test")
    with connection.transaction():
        remember_settings(connection)
        override(connection, tenant, "lookback_days", "7", SALE - timedelta(hours=1))
        periods = changed_periods(connection)
    assert [(one.tenant_id, one.until) for one in periods] == [(tenant, "infinity")]
    (day,) = changed_sales(connection, periods)
    assert (day.tenant, day.day, day.conversions, day.unmatched) == ("acme", SALE.date(), 1, 1)
    assert queue_changed_sales(connection, periods) == 1
    drain(connection, run_id="again")
    assert [event for event, (strategy, _) in decided(connection).items() if strategy == "fbc"] == [f"{tenant} 0"]
    assert click


def test_a_change_to_the_same_values_changes_no_sale(connection: Connection, add_tenant: Any) -> None:
    tenant = add_tenant("acme", lookback_days=30)
    insert_sale(connection, tenant, "sale")
    with connection.transaction():
        remember_settings(connection)
        override(connection, tenant, "lookback_days", "30", datetime(2026, 1, 1, tzinfo=UTC))
        periods = changed_periods(connection)
    assert periods == []
    assert changed_sales(connection, periods) == []
    assert queue_changed_sales(connection, periods) == 0
    with pytest.raises(errors.UndefinedTable):
        changed_periods(connection)
