"""The places of archives: full, lying, or elsewhere than in a folder."""

import hashlib
import importlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec  # type: ignore[import-untyped]
import pytest
from declared import CLICKS, LEAVING, MATCH_LOG
from fsspec.implementations.memory import MemoryFileSystem  # type: ignore[import-untyped]
from lifecycle.archive_scenes import (
    DAY,
    GRACE,
    LATER,
    NOW,
    Make,
    at,
    files,
    fill_clicks,
    fill_log,
    rows_in,
)
from psycopg import Connection

from trackai_pipelines.lifecycle.archive.drop import drop_day
from trackai_pipelines.lifecycle.archive.export import archive_day
from trackai_pipelines.lifecycle.archive.manifest import archives
from trackai_pipelines.lifecycle.archive.restore import restore_day
from trackai_pipelines.lifecycle.archive.rewrite import rewrite_archive
from trackai_pipelines.lifecycle.archive.store import ArchiveError, Store, open_store


@pytest.mark.processes
@pytest.mark.parametrize("size", [0, 4_096, 40_000])
def test_a_full_disk_loses_nothing(connection: Connection[Any], database_url: str, store: Store, size: int) -> None:
    fill_log(connection, 3_000)
    # The kernel refuses to let any file of that process grow larger.
    script = (
        "import resource, sys, datetime\n"
        "from trackai_pipelines.database.connection import connect\n"
        "from trackai_pipelines.lifecycle.archive.export import archive_day\n"
        "from trackai_pipelines.lifecycle.archive.store import ArchiveError, open_store\n"
        "from trackai_pipelines.domain import tables_of\n"
        "from trackai_pipelines.domains import DOMAINS\n"
        "MATCH_LOG = {table.name: table for table in tables_of(DOMAINS)}['match_log']\n"
        "url, folder, size = sys.argv[1], sys.argv[2], int(sys.argv[3])\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))\n"
        "with connect(url) as connection:\n"
        "    try:\n"
        "        archive_day(connection, url, open_store(folder), MATCH_LOG, datetime.date(2026, 1, 5),\n"
        "                    grace=datetime.timedelta(days=7))\n"
        "    except ArchiveError as error:\n"
        "        print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, database_url, store.root, str(size)], capture_output=True, text=True, check=True
    )
    assert f"The archive at {store.root}/ is full" in done.stdout, done.stderr
    assert "match_log of 2026-01-05 was not archived. Its rows are still in the database" in done.stdout
    assert "run `trackai retention`" in done.stdout
    assert files(store) == []
    assert archives(connection) == []
    made = archive_day(connection, database_url, store, MATCH_LOG, DAY, grace=GRACE)
    assert made is not None
    assert made.rows == 3_000


def test_a_device_without_space(connection: Connection[Any], store: Store, make: Make) -> None:
    fill_log(connection, 100)
    half = Path(store.root) / "match_log/2026/match_log_20260105.1.parquet.half"
    half.parent.mkdir(parents=True)
    half.symlink_to("/dev/full")
    with pytest.raises(ArchiveError, match=r"No space left on device.*still in the database"):
        make(MATCH_LOG)
    assert files(store) == []
    assert make(MATCH_LOG).rows == 100


def test_an_archive_that_is_not_a_folder(connection: Connection[Any], store: Store, make: Make) -> None:
    fill_log(connection, 100)
    Path(store.root).write_text("in the way")
    with pytest.raises(ArchiveError, match=r"could not be written.*Fix the place that TRACKAI_ARCHIVE_DIR names"):
        make(MATCH_LOG)
    assert archives(connection) == []


class LyingFileSystem(MemoryFileSystem):  # type: ignore[misc]
    """Keeps something else than it was given, of a Parquet file: one bit."""

    protocol = "lying"
    store: dict[str, Any] = {}  # noqa: RUF012
    pseudo_dirs = [""]  # noqa: RUF012
    place = 0.5
    changed: list[Any] = []  # noqa: RUF012

    def open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        file = super().open(path, mode, **options)
        if mode == "rb" and path.endswith(".parquet") and file not in self.changed:
            self.changed.append(file)
            view = file.getbuffer()
            view[int(len(view) * self.place)] ^= 4
            view.release()
        return file


@pytest.mark.parametrize("place", [0.05, 0.3, 0.5, 0.8, 0.95])
def test_a_disk_that_lies_is_found_out(
    connection: Connection[Any], make: Make, database_url: str, place: float
) -> None:
    fill_log(connection, 2_000)
    fsspec.register_implementation("lying", LyingFileSystem, clobber=True)
    LyingFileSystem.place = place
    with pytest.raises(ArchiveError, match="read back, holds other bytes"):
        archive_day(connection, database_url, open_store("lying://archive"), MATCH_LOG, DAY, grace=GRACE)
    assert archives(connection) == []
    assert [path for path in LyingFileSystem.store if path.endswith(".parquet")] == []
    assert make(MATCH_LOG).rows == 2_000


def test_a_place_that_is_not_local(
    connection: Connection[Any], database_url: str, add_tenant: Callable[..., str]
) -> None:
    store = open_store(f"memory://archive/{database_url[-8:]}")
    assert not store.local
    fill_log(connection, 300)
    fill_clicks(connection, add_tenant("shop"), 300)
    for table in (MATCH_LOG, CLICKS):
        before = rows_in(connection, table.name)
        archive = archive_day(connection, database_url, store, table, DAY, grace=GRACE, clock=at(NOW))
        assert archive is not None
        assert drop_day(connection, store, LEAVING[archive.table_name], archive, clock=at(LATER)) == 300
        (dropped,) = archives(connection, table.name)
        rewrite_archive(connection, store, LEAVING[dropped.table_name], dropped, lambda rows: rows)
        assert not store.exists(archive.path)
        assert restore_day(connection, database_url, store, table, DAY, keep=GRACE) == 300
        assert rows_in(connection, table.name) == before


def test_an_address_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    # Another test may have used it.
    monkeypatch.delitem(importlib.import_module("fsspec.registry")._registry, "s3", raising=False)
    with pytest.raises(ArchiveError, match=r'pip install "trackai-pipelines\[s3\]"'):
        open_store("s3://bucket/archive")
    with pytest.raises(ArchiveError, match="begins with carrier-pigeon://"):
        open_store("carrier-pigeon://loft")


def test_a_block_that_fails_leaves_no_file(store: Store) -> None:
    for place in (store, open_store("memory://failing")):
        with pytest.raises(TypeError), place.write("a/b/c") as file:
            file.writelines([b"half", None])
        assert not place.exists("a/b/c")
        with place.write("a/b/c") as file:
            file.write(b"whole")
        assert place.sha256("a/b/c") == hashlib.sha256(b"whole").hexdigest()
        assert place.size("a/b/c") == 5
        place.remove("a/b/c")
        place.remove("a/b/c")
    assert files(store) == []
