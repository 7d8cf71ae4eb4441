"""Hostile files: whatever they hold, each is read to its end, every record is accounted for, and no buyer is kept."""

from pathlib import Path

import pytest
from ingest.landing_zone import BUSINESS, checksum, load_all
from psycopg import Connection

from benchmarks.hostile import faults_of, read
from benchmarks.hostile_files import HostileFile, hostile_file
from benchmarks.hostile_values import EMAIL, PHONE
from trackai_pipelines.ingest.load import FileReport

PARTS, FILES_OF_A_PART = 8, 250


@pytest.mark.parametrize("part", range(PARTS))
def test_every_record_of_a_hostile_file_is_accounted_for(tmp_path: Path, part: int) -> None:
    faults = []
    for number in range(part * FILES_OF_A_PART, (part + 1) * FILES_OF_A_PART):
        file = hostile_file(number)
        faults += [f"file {number} ({file.family}): {fault}" for fault in faults_of(file, read(file, tmp_path))]
    assert not faults


def _landed(landing: Path) -> dict[str, HostileFile]:
    """Hostile files of different names, by these."""
    files = {}
    for number in range(100):
        file = hostile_file(number)
        folder, _, name = file.name.rpartition("/")
        path = landing / folder / name.replace("-1.", f"-{number}.").replace("hook.", f"hook-{number}.")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
        files[path.relative_to(landing).as_posix()] = file
    return files


def _of_all(report: FileReport) -> int:
    return report.accepted + report.duplicates + report.rejected


def test_hostile_files_are_loaded_once_and_keep_no_buyer(
    database_url: str, connection: Connection, landing: Path, tmp_path: Path
) -> None:
    files = _landed(landing)
    first = {report.source: report for report in load_all(database_url, landing)}
    assert first.keys() == files.keys()
    for source, report in first.items():
        reading = read(files[source], tmp_path / "alone")
        assert min(report.accepted, report.duplicates, report.rejected) >= 0, source
        if not source.startswith("acme/webhooks/"):
            # A payload may hold several rows.
            assert _of_all(report) == reading.rows + reading.refused, (source, report)
        assert _of_all(report) >= reading.accepted + reading.refused, (source, report)
    before = {table: checksum(connection, table) for table in BUSINESS}
    again = load_all(database_url, landing)
    assert {report.source: _of_all(report) for report in again} == {s: _of_all(r) for s, r in first.items()}
    assert sum(report.accepted for report in again) == 0
    assert {table: checksum(connection, table) for table in BUSINESS} == before
    kept = connection.execute("SELECT source, payload::text || reason FROM trackai.ingest_rejects").fetchall()
    assert len(kept) > len(files) / 2
    assert not [source for source, text in kept if text and (EMAIL in text or PHONE in text)]
