"""Where partitions begin: with the data, unless a setting says otherwise."""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from psycopg import Connection
from typer.testing import Result

from trackai_pipelines.service.first_day import first_day
from trackai_pipelines.settings import EARLIEST_DAY

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
WEEK_AGO = date(2026, 3, 13)


def _first_day(database_url: str) -> date:
    return first_day(database_url, clock=lambda: NOW)


def test_an_installation_without_sales_begins_a_week_ago(database_url: str) -> None:
    assert _first_day(database_url) == WEEK_AGO


@pytest.mark.parametrize(
    ("sold", "begins"),
    [
        (datetime(2026, 2, 1, 23, 59, tzinfo=UTC), date(2026, 2, 1)),
        (datetime(2026, 2, 2, tzinfo=UTC), date(2026, 2, 2)),
        (NOW - timedelta(days=2), WEEK_AGO),
        (datetime(1970, 1, 1, tzinfo=UTC), EARLIEST_DAY),
    ],
)
def test_partitions_begin_with_the_oldest_sale(
    database_url: str,
    add_tenant: Callable[..., str],
    insert_sale: Callable[..., int],
    sold: datetime,
    begins: date,
) -> None:
    acme = add_tenant("acme")
    insert_sale(acme, NOW)
    insert_sale(acme, sold)
    assert _first_day(database_url) == begins


def test_aggregated_days_count_and_so_do_older_sales(
    database_url: str, connection: Connection, add_tenant: Callable[..., str], insert_sale: Callable[..., int]
) -> None:
    acme = add_tenant("acme")
    connection.execute(
        "INSERT INTO trackai.daily_match_rates (tenant_id, day, gateway, currency, conversions, fbc, fbp, email,"
        " unmatched, pending, value_total, value_matched, computed_at)"
        " VALUES (%s, '2026-01-10', 'stripe', 'EUR', 0, 0, 0, 0, 0, 0, 0, 0, now())",
        (acme,),
    )
    connection.commit()
    assert _first_day(database_url) == date(2026, 1, 10)
    insert_sale(acme, datetime(2026, 1, 5, tzinfo=UTC))
    assert _first_day(database_url) == date(2026, 1, 5)


def test_the_setting_goes_before_the_data(
    run: Callable[..., Result], database_url: str, empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACKAI_DATABASE_URL", database_url)
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", empty_database_url)
    monkeypatch.setenv("TRACKAI_FIRST_DAY", "2026-02-03")
    assert "export TRACKAI_FIRST_DAY=2026-02-03" in run("env").stdout.splitlines()


@pytest.mark.processes
@pytest.mark.parametrize(("setting", "begins"), [("2026-02-03", "2026-02-03"), ("", EARLIEST_DAY.isoformat())])
def test_every_process_with_the_variable_has_the_same_partitions(
    monkeypatch: pytest.MonkeyPatch, setting: str, begins: str
) -> None:
    """Without asking any database: there is none."""
    monkeypatch.setenv("TRACKAI_FIRST_DAY", setting)
    monkeypatch.setenv("TRACKAI_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    loaded = (
        "from trackai_pipelines.definitions import defs;"
        "print({node.partitions_def.get_first_partition_key()"
        " for node in defs.resolve_asset_graph().asset_nodes if node.partitions_def})"
    )
    shown = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == f"{{'{begins}'}}"
