"""Values that cannot be used are left out and counted; their rows are taken."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ingest.landing_zone import KINDS, counts, load_all, sale_record, write_jsonl
from psycopg import Connection

from trackai_pipelines.ingest import load
from trackai_pipelines.ingest.defs.assets import load_metadata
from trackai_pipelines.ingest.load import by_column, load_paths
from trackai_pipelines.ingest.outcomes import LeftOut

NOT_AN_IP = LeftOut("client_ip", "not a public IP address")


def _left_out(connection: Connection, source: str) -> Any:
    row = connection.execute("SELECT left_out FROM trackai.ingest_files WHERE source = %s", [source]).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize("ip", ["1.2.3.256", "1.2.3.0/24", "fe80::1%eth0", "localhost", "-", "999"])
def test_the_row_is_taken_without_the_value(database_url: str, connection: Connection, landing: Path, ip: str) -> None:
    write_jsonl(landing / "conversions.jsonl", sale_record(1, client_ip=ip), sale_record(2, client_ip="198.51.100.1"))
    (report,) = load_all(database_url, landing)
    assert (counts(report), report.left_out) == ((2, 0, 0), {NOT_AN_IP: 1})
    rows = connection.execute("SELECT client_ip::text FROM trackai.conversions ORDER BY gateway_event_id").fetchall()
    assert rows == [(None,), ("198.51.100.1/32",)]
    assert _left_out(connection, "conversions.jsonl") == {"client_ip": {"not a public IP address": 1}}


def test_a_file_without_any_has_none(database_url: str, connection: Connection, landing: Path) -> None:
    write_jsonl(landing / "conversions.jsonl", sale_record(1))
    (report,) = load_all(database_url, landing)
    assert report.left_out == {}
    assert _left_out(connection, "conversions.jsonl") == {}


def test_counts_are_of_rows_that_were_taken_over_all_chunks(
    database_url: str, connection: Connection, landing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "CHUNK_ROWS", 7)
    connection.execute("ALTER TABLE trackai.conversions ADD CHECK (order_id <> 'bad')")
    bad = {"client_ip": "x"}
    sales = [sale_record(n, **bad) for n in range(40)]
    # Refused by us and by the database: neither goes without a value.
    sales[3] |= {"currency": "?"}
    sales[11] |= {"order_id": "bad"}
    sales += [sale_record(n) for n in range(40, 60)]
    write_jsonl(landing / "conversions.jsonl", *sales)
    (conversions,) = load_all(database_url, landing)
    assert (counts(conversions), conversions.left_out) == ((58, 0, 2), {NOT_AN_IP: 38})
    (again,) = load_all(database_url, landing)
    assert (counts(again), again.left_out) == ((0, 58, 2), {NOT_AN_IP: 38})
    assert _left_out(connection, "conversions.jsonl") == {"client_ip": {"not a public IP address": 38}}


def test_they_are_shown_in_dagster_and_in_the_table(
    database_url: str, landing: Path, trackai: Callable[..., Any]
) -> None:
    path = write_jsonl(landing / "conversions.jsonl", sale_record(1, client_ip="x"), sale_record(2, client_ip="y"))
    result = trackai("ingest", path)
    assert result.exit_code == 0
    row = next(line.split() for line in result.stdout.splitlines() if "conversions.jsonl" in line)
    assert row[1:6] == ["conversions", "2", "0", "0", "2"]
    assert "Left out of rows that were taken: client_ip, 2 times: not a public IP address." in result.stderr
    reports = load_paths(database_url, [path], landing_dir=landing, kinds=KINDS)
    assert load_metadata("conversions", reports)["values left out"].value == {
        "client_ip": {"not a public IP address": 2}
    }


def test_by_column() -> None:
    values = {LeftOut("b", "y"): 2, LeftOut("a", "x"): 1, LeftOut("b", "x"): 3}
    assert by_column(values) == {"a": {"x": 1}, "b": {"x": 3, "y": 2}}
