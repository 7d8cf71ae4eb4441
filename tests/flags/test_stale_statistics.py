"""What statements about a day read does not depend on how old the statistics of the tables are."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, LiteralString

import pytest
from declared import TABLES
from flag_values.world import add_flag
from matching.facts import insert_backlog
from psycopg import Connection, sql
from rows_read import keep_statistics, rows_compared

from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.partitions import create_partitions_ahead
from trackai_pipelines.database.statements import statement
from trackai_pipelines.matching.drain import drain

DAY = date(2026, 3, 5)
ROWS = 400


@pytest.mark.parametrize("name", ["flags/analyse_day", "flags/expose_day"])
def test_a_new_day_is_not_compared_row_by_row(connection: Connection[Any], name: LiteralString) -> None:
    keep_statistics(connection, "feature_flag_analytics", "feature_flag_exposures")
    create_partitions_ahead(connection, TABLES, today=DAY, days=2)
    connection.execute(
        "INSERT INTO trackai.tenants (id, slug, name)"
        " SELECT 't-' || n, 'shop-' || n, 'Shop' FROM generate_series(1, %s) n",
        [ROWS],
    )
    given = {"flag": add_flag(connection, "theme", track_exposures=True), "rows": ROWS, "now": utc_now()}
    for day in (DAY, DAY + timedelta(days=1)):
        connection.execute(
            "INSERT INTO trackai.feature_flag_usage (tenant_id, flag_id, app_type, user_id, value_used, variant_key,"
            " reason, accessed_at, last_accessed_at, checks, cache_hits, external_id)"
            " SELECT 't-' || n, %(flag)s, 'web', 'u', true, 'on', 'SPLIT', %(at)s, %(at)s, 1, 1, n"
            " FROM generate_series(1, %(rows)s) n",
            {**given, "at": datetime(day.year, day.month, day.day, tzinfo=UTC)},
        )
        partition = sql.Identifier("trackai", f"feature_flag_usage_{day:%Y%m%d}")
        query = sql.SQL(statement(name)).format(partition=partition)
        rows_compared(connection, query, {**given, "day": day})
        if day == DAY:
            connection.execute("ANALYZE")
    # The second time, what the day leaves is there.
    assert ROWS < rows_compared(connection, query, {**given, "day": day}) <= 40 * ROWS


def test_a_decision_meets_the_settings_of_its_tenant(
    connection: Connection[Any], add_tenant: Callable[..., str]
) -> None:
    tenants = [add_tenant(f"shop-{number}", lookback_days=number) for number in range(1, 41)]
    insert_backlog(connection, tenants, ROWS)
    # Not on the day on which the tenants' settings were recorded.
    decided_at = utc_now() + timedelta(days=2)
    drain(connection, run_id="all", clock=lambda: decided_at)
    connection.execute("ANALYZE")
    given = {"day": decided_at.date(), "tolerance": timedelta(seconds=5)}
    compared = rows_compared(connection, sql.SQL(statement("flags/decisions_against_gates")), given)
    assert ROWS < compared <= 80 * ROWS
