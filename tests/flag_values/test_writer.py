"""Usage that is written: each row once, whatever becomes of the database meanwhile."""

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flag_values.checks import SetClock, check
from flag_values.world import prepare
from psycopg import Connection
from psycopg.rows import dict_row

from trackai_pipelines.database import embedded
from trackai_pipelines.database.connection import connect
from trackai_pipelines.flag_values.buffer import SECOND, Buffer
from trackai_pipelines.flag_values.writer import Writer

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def writer_of(url: str, buffer: Buffer, **given: Any) -> Writer:
    return Writer(lambda: connect(url, name="usage"), buffer, seconds=3600, **given)


def rows_of(connection: Connection[Any]) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute("SELECT * FROM trackai.feature_flag_usage ORDER BY id").fetchall()


def gaps_of(connection: Connection[Any]) -> list[tuple[Any, ...]]:
    query = "SELECT writer, from_at, to_at, lost_checks, reason FROM trackai.feature_flag_usage_gaps ORDER BY id"
    return connection.execute(query).fetchall()


def nanoseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


@pytest.fixture
def noon() -> datetime:
    """Noon of a day that has a partition."""
    return datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)


def test_a_row_says_all_that_its_checks_did(connection: Connection[Any], database_url: str, noon: datetime) -> None:
    clock = SetClock(nanoseconds(noon))
    buffer = Buffer(clock=clock)
    writer = writer_of(database_url, buffer)
    split = check(
        "u1", flag_id=7, flag_version=3, override_version=2, variant_key="a", user_segment="staff", reason="SPLIT"
    )
    buffer.add(split, clock.now - 1_700, bucket=4711, device={"os": "iOS"}, request_id="r-1")
    clock.now += SECOND
    buffer.add(split, clock.now - 900, hit=False, bucket=4711)
    buffer.add(
        check(None, variant_key=None, reason="ERROR", error_code="TARGETING_KEY_MISSING", value_used=None), clock.now
    )
    writer.close()

    row, error = rows_of(connection)
    assert row.pop("id") < error["id"]
    assert row == {
        "tenant_id": "t-acme",
        "accessed_at": noon,
        "flag_id": 7,
        "user_id": "u1",
        "app_type": "web",
        "value_used": True,
        "device_info": {"os": "iOS"},
        "request_id": "r-1",
        "last_accessed_at": noon + timedelta(seconds=1),
        "checks": 2,
        "cache_hits": 1,
        "response_us": 3,
        "flag_version": 3,
        "override_version": 2,
        "variant_key": "a",
        "user_segment": "staff",
        "reason": "SPLIT",
        "error_code": None,
        "bucket": 4711,
        "overflow": False,
        "external_id": f"{writer.name}-1",
    }
    empty = ("user_id", "value_used", "variant_key", "device_info", "request_id", "bucket")
    assert {error[name] for name in empty} == {None}
    assert (error["error_code"], error["external_id"]) == ("TARGETING_KEY_MISSING", f"{writer.name}-2")


def test_no_contact_reaches_the_database(connection: Connection[Any], database_url: str) -> None:
    buffer = Buffer()
    writer = writer_of(database_url, buffer, country_of={"t-acme": "BR"}.get)
    for user in ("ana@example.com", "Ana@Example.com", "11 98765-4321", "+55 11 98765 4321"):
        buffer.add(check(user), time.time_ns(), request_id="for ana@example.com", device={"telefone": "11 98765-4321"})
    writer.close()

    rows = rows_of(connection)
    assert len({row["user_id"] for row in rows}) == 2
    assert not any(sign in str(row) for row in rows for sign in ("@", "98765", "4321"))


def test_more_rows_than_a_statement_takes_are_written(connection: Connection[Any], database_url: str) -> None:
    buffer = Buffer()
    writer = writer_of(database_url, buffer)
    for number in range(12_345):
        buffer.add(check(f"u{number}"), time.time_ns())
    writer.flush()
    assert {row["user_id"] for row in rows_of(connection)} == {f"u{number}" for number in range(12_345)}
    writer.close()


def test_what_the_database_refuses_is_a_gap_and_the_rest_is_written(
    connection: Connection[Any], database_url: str, noon: datetime
) -> None:
    # A year ago there is no partition.
    long_ago = noon - timedelta(days=365)
    clock = SetClock(nanoseconds(long_ago))
    buffer = Buffer(clock=clock)
    writer = writer_of(database_url, buffer)
    for user in ("u1", "u2", "u2"):
        buffer.add(check(user), clock.now)
        clock.now += SECOND
    clock.now = nanoseconds(noon)
    buffer.add(check("u3"), clock.now)
    writer.close()

    assert [row["user_id"] for row in rows_of(connection)] == ["u3"]
    ((name, first, last, lost, reason),) = gaps_of(connection)
    assert (name, first, last, lost) == (writer.name, long_ago, long_ago + timedelta(seconds=2), 3)
    assert "no partition" in reason


def test_lost_checks_are_written_with_the_next_flush(
    connection: Connection[Any], database_url: str, noon: datetime
) -> None:
    clock = SetClock(nanoseconds(noon))
    buffer = Buffer(keys=1, overflow_keys=1, clock=clock)
    writer = writer_of(database_url, buffer)
    # All gaps begin at one moment, which must not make them one.
    for _ in range(3):
        for flag in range(4):
            buffer.add(check(flag_id=flag), clock.now)
        writer.flush()
    writer.close()

    gaps = gaps_of(connection)
    assert [lost for _, _, _, lost, _ in gaps] == [2, 2, 2]
    assert len({first for _, first, _, _, _ in gaps}) == 3
    assert sum(row["checks"] for row in rows_of(connection)) == 6


def test_a_write_that_is_repeated_changes_nothing(connection: Connection[Any], database_url: str) -> None:
    """The connection breaks after the commit and before its answer."""

    class Breaking(Connection[Any]):
        broken = False

        def execute(self, *given: Any, **more: Any) -> Any:
            super().execute(*given, **more)
            if not Breaking.broken:
                Breaking.broken = True
                raise psycopg.OperationalError("the connection is gone")

    buffer = Buffer(keys=1, overflow_keys=1)
    writer = Writer(lambda: Breaking.connect(database_url, autocommit=True), buffer, seconds=3600)
    for flag in range(4):
        buffer.add(check(flag_id=flag), time.time_ns())
    with pytest.raises(psycopg.OperationalError):
        writer.flush()
    assert len(rows_of(connection)) == 2
    writer.close()
    assert sum(row["checks"] for row in rows_of(connection)) == 2
    assert [lost for _, _, _, lost, _ in gaps_of(connection)] == [2]


def test_what_cannot_be_written_at_the_end_is_logged(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    buffer = Buffer()
    writer = writer_of(f"postgresql:///trackai?host={tmp_path}", buffer)
    for _ in range(3):
        buffer.add(check(), time.time_ns())
    writer.close()
    assert "3 checks of flags are lost" in caplog.text


@pytest.mark.processes
@pytest.mark.slow
def test_kill_of_the_server_under_eight_threads_loses_and_doubles_no_check(make_home: Callable[..., Path]) -> None:
    home = make_home("usage")
    url = embedded.start(home).url("postgres")
    prepare(url)
    # Small bounds, so that checks overflow and are lost while the server is away.
    buffer = Buffer(fold_seconds=0.2, keys=500, overflow_keys=3)
    writer = Writer(lambda: connect(url, name="usage"), buffer, seconds=0.02)
    writer.start()
    stopping = threading.Event()
    made = [0] * 8

    def ask(thread: int) -> None:
        while not stopping.is_set():
            buffer.add(check(f"u{made[thread] % 211}", flag_id=made[thread] % 7), time.time_ns())
            made[thread] += 1
            time.sleep(0.0002)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        asked = sum(made)
        while sum(made) < asked + 5_000:
            time.sleep(0.01)
        os.kill(_postmaster(url), signal.SIGKILL)
        embedded.start(home)
    stopping.set()
    for thread in threads:
        thread.join()
    writer.close()

    with connect(url) as connection:
        rows = rows_of(connection)
        lost = sum(gap[3] for gap in gaps_of(connection))
    assert sum(row["checks"] for row in rows) + lost == sum(made)
    assert len({row["external_id"] for row in rows}) == len(rows)


def _postmaster(url: str) -> int:
    while True:
        with suppress(psycopg.OperationalError), connect(url) as connection:
            row = connection.execute("SELECT pg_read_file('postmaster.pid')").fetchone()
            assert row is not None
            return int(row[0].split()[0])
