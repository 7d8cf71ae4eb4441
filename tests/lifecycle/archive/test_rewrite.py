"""An archive whose values change: the new file takes the place of the old one, or nothing does."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from declared import CLICKS, LEAVING
from lifecycle.archive_scenes import DAY, GRACE, LATER, Make, at, file_rows, files, fill_clicks, flip_a_bit
from psycopg import Connection

from trackai_pipelines.lifecycle.archive.drop import drop_day
from trackai_pipelines.lifecycle.archive.manifest import archives
from trackai_pipelines.lifecycle.archive.restore import restore_day
from trackai_pipelines.lifecycle.archive.rewrite import rewrite_archive
from trackai_pipelines.lifecycle.archive.store import ArchiveDamaged, Store


def _forget_ip(rows: pa.Table) -> pa.Table:
    place = rows.column_names.index("ip")
    return rows.set_column(place, rows.schema.field("ip"), pa.nulls(rows.num_rows, pa.string()))


def test_a_rewritten_archive_takes_the_old_ones_place(
    connection: Connection[Any], database_url: str, store: Store, make: Make, add_tenant: Callable[..., str]
) -> None:
    fill_clicks(connection, add_tenant("shop"), 200)
    archive = make(CLICKS)
    drop_day(connection, store, LEAVING[archive.table_name], archive, clock=at(LATER))
    for number in (2, 3):
        (before,) = archives(connection)
        rewrite_archive(connection, store, LEAVING[before.table_name], before, _forget_ip)
        assert files(store) == [f"clicks/2026/clicks_20260105.1.{number}.parquet"]
    (after,) = archives(connection)
    assert after.checksum == before.checksum != archive.checksum
    assert [row["ip"] for row in file_rows(store, after)] == [None] * 200
    assert restore_day(connection, database_url, store, CLICKS, DAY, keep=GRACE) == 200
    left = connection.execute("SELECT count(*), count(ip), count(fbclid) FROM trackai.clicks").fetchone()
    assert left == (200, 0, 200)


@pytest.mark.parametrize("change", [lambda rows: rows.slice(1), lambda rows: rows.drop_columns(["ip"])])
def test_a_rewriting_that_loses_something_is_refused(
    connection: Connection[Any],
    store: Store,
    make: Make,
    add_tenant: Callable[..., str],
    change: Callable[[pa.Table], pa.Table],
) -> None:
    fill_clicks(connection, add_tenant("shop"), 20)
    archive = make(CLICKS)
    with pytest.raises(ValueError, match="must keep its rows and columns"):
        rewrite_archive(connection, store, LEAVING[archive.table_name], archive, change)
    assert archives(connection) == [archive]
    assert files(store) == [archive.path]
    flip_a_bit(Path(store.root) / archive.path)
    with pytest.raises(ArchiveDamaged):
        rewrite_archive(connection, store, LEAVING[archive.table_name], archive, _forget_ip)
