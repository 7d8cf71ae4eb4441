"""What the tests of the archive share: a folder for it, and days that are archived, dropped and restored."""

from pathlib import Path
from typing import Any

import pytest
from lifecycle.archive_scenes import DAY, GRACE, KEEP, LATER, NOW, Make, Restore, at
from psycopg import Connection

from trackai_pipelines.domain import Table
from trackai_pipelines.lifecycle.archive.drop import drop_day
from trackai_pipelines.lifecycle.archive.export import archive_day
from trackai_pipelines.lifecycle.archive.manifest import Archive, archives
from trackai_pipelines.lifecycle.archive.restore import restore_day
from trackai_pipelines.lifecycle.archive.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "archive"))


@pytest.fixture
def make(connection: Connection[Any], database_url: str, store: Store) -> Make:
    """`make(MATCH_LOG)` archives the day."""

    def archived(table: Table, **options: Any) -> Archive:
        made = archive_day(connection, database_url, store, table, DAY, **{"grace": GRACE, "clock": at(NOW), **options})
        assert made is not None
        return made

    return archived


@pytest.fixture
def dropped(connection: Connection[Any], database_url: str, store: Store) -> Make:
    """`dropped(MATCH_LOG)` archives the day and drops its rows."""

    def archived(table: Table) -> Archive:
        made = archive_day(connection, database_url, store, table, DAY, grace=GRACE, clock=at(NOW))
        assert made is not None
        drop_day(connection, store, table, made, clock=at(LATER))
        return archives(connection, table.name, DAY)[-1]

    return archived


@pytest.fixture
def restore(connection: Connection[Any], database_url: str, store: Store) -> Restore:
    """`restore(MATCH_LOG)` restores the day."""

    def back(table: Table, **options: Any) -> int:
        return restore_day(connection, database_url, store, table, DAY, **{"keep": KEEP, "clock": at(LATER), **options})

    return back
