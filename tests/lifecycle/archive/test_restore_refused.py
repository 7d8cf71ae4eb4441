"""Restoring that cannot be done: what is in the way is named, and nothing is lost."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from declared import CLICKS, DISPATCH_ATTEMPTS, MATCH_LOG
from lifecycle.archive_scenes import (
    DAY,
    GRACE,
    KEEP,
    Make,
    Restore,
    fill_all,
    fill_clicks,
    fill_log,
    rows_in,
)
from psycopg import Connection

from trackai_pipelines.database.connection import connect
from trackai_pipelines.database.partitions import create_detached, detached_days
from trackai_pipelines.domain import Table
from trackai_pipelines.lifecycle.archive.export import archive_day
from trackai_pipelines.lifecycle.archive.manifest import archives
from trackai_pipelines.lifecycle.archive.marks import mark_half_restored
from trackai_pipelines.lifecycle.archive.restore import restore_day
from trackai_pipelines.lifecycle.archive.store import ArchiveDamaged, ArchiveError, Store
from trackai_pipelines.lifecycle.mover import MoverBusyError, only_mover


@pytest.mark.parametrize("table", [MATCH_LOG, CLICKS])
def test_a_damaged_file_changes_nothing(
    connection: Connection[Any],
    store: Store,
    add_tenant: Callable[..., str],
    dropped: Make,
    restore: Restore,
    table: Table,
) -> None:
    fill_log(connection, 100)
    fill_clicks(connection, add_tenant("shop"), 100)
    before = rows_in(connection, table.name)
    archive = dropped(table)
    path = Path(store.root) / archive.path
    content = path.read_bytes()
    for damaged in (content[:-1], content[:100] + b"\x00" + content[101:], b""):
        path.write_bytes(damaged)
        with pytest.raises(ArchiveDamaged, match=f"{path}.*expected SHA-256 {archive.sha256}, found .*Nothing was ch"):
            restore(table)
    path.unlink()
    with pytest.raises(ArchiveDamaged, match="found no such file"):
        restore(table)
    assert archives(connection, table.name) == [archive]
    assert rows_in(connection, table.name).total() == 0
    assert DAY not in detached_days(connection, "match_log") if table is MATCH_LOG else True
    path.write_bytes(content)
    assert restore(table) == 100
    assert rows_in(connection, table.name) == before


def test_half_a_partition_counts_for_nothing(
    connection: Connection[Any], database_url: str, store: Store, dropped: Make, restore: Restore
) -> None:
    fill_log(connection, 100)
    before = rows_in(connection, "match_log")
    dropped(MATCH_LOG)
    for load in (0, 60):
        with connection.transaction():
            create_detached(connection, "match_log", DAY)
            mark_half_restored(connection, "match_log", DAY)
        for number in range(load):
            connection.execute(
                "INSERT INTO trackai.match_log_20260105 VALUES ('t', %s, 1, 'fbc', 'no_key', NULL, 1, NULL, %s)",
                (number, DAY),
            )
        # To archiving it is an empty day.
        assert archive_day(connection, database_url, store, MATCH_LOG, DAY, grace=GRACE) is None
        assert rows_in(connection, "match_log_20260105").total() == 0
        assert [archive.state for archive in archives(connection)] == ["dropped"]
        connection.execute("DROP TABLE trackai.match_log_20260105")
        with connection.transaction():
            create_detached(connection, "match_log", DAY)
            mark_half_restored(connection, "match_log", DAY)
    assert restore(MATCH_LOG) == 100
    assert rows_in(connection, "match_log") == before


def test_rows_that_no_archive_has_are_not_written_over(
    connection: Connection[Any], dropped: Make, restore: Restore
) -> None:
    fill_log(connection, 100)
    dropped(MATCH_LOG)
    fill_log(connection, 3)
    with pytest.raises(ArchiveError, match="with rows that no archive has"):
        restore(MATCH_LOG)
    assert rows_in(connection, "match_log").total() == 3


def test_rows_that_came_again_stand_in_the_way(
    connection: Connection[Any], add_tenant: Callable[..., str], dropped: Make, restore: Restore
) -> None:
    tenant = add_tenant("shop")
    fill_clicks(connection, tenant, 100)
    before = rows_in(connection, "clicks")
    dropped(CLICKS)
    # Its landing file was loaded once more.
    connection.execute(
        "INSERT INTO trackai.clicks (tenant_id, id, external_id, created_at) VALUES (%s, 5000, 'click-7', %s)",
        (tenant, DAY),
    )
    with pytest.raises(ArchiveError, match=r"99 rows with checksum .* instead of 100 .*stand in the way"):
        restore(CLICKS)
    connection.execute("DELETE FROM trackai.clicks WHERE id = 5000")
    assert restore(CLICKS) == 1
    assert rows_in(connection, "clicks") == before


def test_what_rows_refer_to_must_be_there(
    connection: Connection[Any], add_tenant: Callable[..., str], dropped: Make, restore: Restore
) -> None:
    tenant = add_tenant("shop")
    fill_all(connection, tenant)
    dropped(DISPATCH_ATTEMPTS)
    connection.execute("DELETE FROM trackai.conversions WHERE id = 7")
    with pytest.raises(ArchiveError, match=r"The database refuses archived rows of dispatch_attempts.*foreign key"):
        restore(DISPATCH_ATTEMPTS)
    connection.execute(
        "INSERT INTO trackai.conversions (tenant_id, id, gateway, gateway_event_id, value, currency, occurred_at)"
        " VALUES (%s, 7, 'stripe', '7', 7, 'BRL', %s)",
        (tenant, DAY),
    )
    assert restore(DISPATCH_ATTEMPTS) == 50


def test_a_day_that_was_never_archived(
    connection: Connection[Any], database_url: str, store: Store, add_tenant: Callable[..., str], dropped: Make
) -> None:
    def restore(day: Any) -> int:
        return restore_day(connection, database_url, store, CLICKS, day, keep=KEEP)

    with pytest.raises(ArchiveError, match="never archived, nor any other day of clicks"):
        restore(DAY)
    fill_clicks(connection, add_tenant("shop"), 5)
    dropped(CLICKS)
    with pytest.raises(ArchiveError, match=r"2026-01-06 was never archived. Archived days of clicks: 2026-01-05"):
        restore(DAY + timedelta(days=1))


def test_while_others_move_rows_nothing_is_restored(
    connection: Connection[Any], database_url: str, dropped: Make, restore: Restore
) -> None:
    fill_log(connection, 10)
    dropped(MATCH_LOG)
    with connect(database_url, name="retention") as other, only_mover(other), pytest.raises(MoverBusyError):
        restore(MATCH_LOG)
    assert restore(MATCH_LOG) == 10


def test_a_reader_that_stays_is_waited_for_and_named(
    connection: Connection[Any], database_url: str, dropped: Make, restore: Restore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trackai_pipelines.database import partitions

    monkeypatch.setattr(partitions, "_LOCK_TIMEOUT", "50ms")
    fill_log(connection, 10)
    dropped(MATCH_LOG)
    with connect(database_url, name="reader") as reader, reader.transaction():
        reader.execute("LOCK TABLE trackai.match_log IN SHARE UPDATE EXCLUSIVE MODE")
        with pytest.raises(ArchiveError, match=r"match_log stays locked by others.*goes on from here"):
            restore(MATCH_LOG)
    restore(MATCH_LOG)
    assert rows_in(connection, "match_log").total() == 10
