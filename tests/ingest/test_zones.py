"""Landing files in object storage mean what they mean in a folder, and are known by the same names."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fsspec  # type: ignore[import-untyped]
import pytest
from ingest.landing_zone import KINDS, sale_record, write, write_jsonl
from psycopg import Connection
from typer.testing import CliRunner

from trackai_pipelines.cli import app
from trackai_pipelines.doctor.checkup import findings
from trackai_pipelines.domain import Level
from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.ingest.arrivals import waiting_files
from trackai_pipelines.ingest.load import load_paths
from trackai_pipelines.ingest.zones import Bucket, Folder, LandingError, Zone, name_in, path_in, zone_of
from trackai_pipelines.settings import Settings

URL = "memory://bucket/landing"
TREE = (
    "acme/clicks.csv.gz",
    "acme/2026/11/25/conversions-1.jsonl",
    "acme/conversions/part-0.parquet",
    "acme/webhooks/stripe/dt=2026-11-25/evt.json",
    "acme/webhooks/nobody/evt.json",
    "acme/notes.txt",
    "acme/conversions.xlsx",
    "acme/clicks.jsonl.tmp",
    "acme/.clicks.csv",
    "acme/_SUCCESS",
    "acme/_temporary/0/clicks.csv",
    "acme/lake/_delta_log/0.json",
    "acme/lake/clicks-1.parquet",
    "acme/berg/metadata/v1.metadata.json",
    "acme/berg/data/clicks-1.parquet",
    "ad_costs_meta.csv",
)


@pytest.fixture
def store() -> Iterator[Any]:
    """An empty place for objects, in memory."""
    fs = fsspec.filesystem("memory")
    fs.store.clear()
    yield fs
    fs.store.clear()


def put(fs: Any, name: str, path: Path) -> None:
    fs.pipe_file(f"/bucket/landing/{name}", path.read_bytes())


def told(zone: Zone) -> tuple[list[Any], list[tuple[str, str]]]:
    """What a zone says of its files, without where they lie."""
    files, ignored = zone.files([zone.root], KINDS)
    return (
        [(file.source, file.kind, file.folder, file.suffix, file.gateway, file.in_root, file.word) for file in files],
        sorted((name_in(zone, file.path), file.reason) for file in ignored),
    )


def test_files_are_found_as_in_a_folder(tmp_path: Path, store: Any) -> None:
    landing = tmp_path / "bucket" / "landing"
    for name in TREE:
        put(store, name, write(landing / name, "x"))
    found = told(zone_of(URL))
    assert found == told(Folder(landing))
    assert len(found[0]) == 5
    assert len(found[1]) == 8


def test_a_place_that_was_never_written_to_has_no_files(connection: Connection[Any], store: Any) -> None:
    assert waiting_files(connection, URL, kinds=KINDS) == []
    with pytest.raises(FileNotFoundError):
        zone_of(URL).files([Path("/bucket/landing/nothing")], KINDS)


def test_a_file_is_loaded_once_in_each_of_its_states(
    connection: Connection[Any], database_url: str, store: Any, tmp_path: Path, add_tenant: Any
) -> None:
    add_tenant("acme")
    file = write_jsonl(tmp_path / "conversions.jsonl", sale_record(1), sale_record(2), b"no JSON")
    put(store, "acme/conversions.jsonl", file)
    (waiting,) = waiting_files(connection, URL, kinds=KINDS)
    assert waiting.name == "acme/conversions.jsonl"
    path = path_in(zone_of(URL), waiting.name)
    assert path == path_in(zone_of(URL), f"{URL}/acme/conversions.jsonl")
    (report,) = load_paths(database_url, [path], landing_dir=URL, kinds=KINDS)
    assert (report.source, report.accepted, report.rejected) == ("acme/conversions.jsonl", 2, 1)
    kept = connection.execute("SELECT source FROM trackai.ingest_rejects").fetchall()
    assert kept == [("acme/conversions.jsonl",)]
    assert waiting_files(connection, URL, kinds=KINDS) == []

    put(store, "acme/conversions.jsonl", write_jsonl(file, sale_record(1), sale_record(2), sale_record(3)))
    settled = datetime.now(UTC) + timedelta(seconds=5)
    assert waiting_files(connection, URL, kinds=KINDS, settle_seconds=5) == []
    assert len(waiting_files(connection, URL, kinds=KINDS, settle_seconds=5, clock=lambda: settled)) == 1
    (report,) = load_paths(database_url, [zone_of(URL).root], landing_dir=URL, kinds=KINDS)
    assert (report.accepted, report.duplicates) == (1, 2)


def test_a_file_at_hand_is_a_copy_that_goes_again(store: Any, tmp_path: Path) -> None:
    put(store, "acme/clicks.csv", write(tmp_path / "clicks.csv", "x"))
    zone = zone_of(URL)
    (file,), _ = zone.files([zone.root], KINDS)
    first = zone.state(file)
    assert first.fingerprint.startswith("1-")
    with zone.at_hand(file) as (here, state):
        assert here.path.read_text() == "x"
        assert here.source == file.source
        assert state == first
    assert not here.path.exists()


def test_old_days_are_not_looked_into(store: Any, tmp_path: Path) -> None:
    file = write(tmp_path / "clicks.csv", "x")
    for folder in (
        "acme/2026-11-24", "acme/2026-11-25", "acme/2026/11/24/10", "acme/2026/11/25/10", "acme/dt=2026-11-24",
        "acme/dt=2026-11-25", "acme/year=2026/month=11/day=24", "acme/20261124", "acme/2026", "acme/2026-99-99",
    ):  # fmt: skip
        put(store, f"{folder}/clicks.csv", file)
    zone = Bucket(store, "bucket/landing", days=2, clock=lambda: datetime(2026, 11, 26, 3, tzinfo=UTC))
    files, _ = zone.files([zone.root], KINDS)
    assert [found.source.removesuffix("/clicks.csv") for found in files] == [
        "acme/2026-11-25", "acme/2026-99-99", "acme/2026/11/25/10", "acme/2026", "acme/dt=2026-11-25",
    ]  # fmt: skip
    asked, _ = zone.files([zone.root / "acme" / "2026-11-24"], KINDS)
    assert len(asked) == 1


def test_the_command_takes_urls_inside_the_landing_place(
    trackai: Any, connection: Connection[Any], store: Any, tmp_path: Path, add_tenant: Any, monkeypatch: Any
) -> None:
    add_tenant("acme")
    put(store, "acme/conversions.jsonl", write_jsonl(tmp_path / "conversions.jsonl", sale_record(1)))
    refused = trackai("ingest", f"{URL}/acme")
    assert refused.exit_code == 2
    assert "TRACKAI_LANDING_DIR" in refused.stderr
    monkeypatch.setenv("TRACKAI_LANDING_DIR", URL)
    assert trackai("ingest", "memory://other/acme").exit_code == 2
    done = trackai("ingest", f"{URL}/acme")
    assert done.exit_code == 0, done.output
    assert "1 new rows" in done.stderr
    # A file of this machine is still one.
    assert trackai("ingest", tmp_path / "conversions.jsonl").exit_code == 0
    assert CliRunner().invoke(app, ["ingest", str(tmp_path / "nowhere")]).exit_code == 2


def test_without_credentials_doctor_says_what_to_set(
    trackai: Any, home: Path, dagster_storage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("TRACKAI_LANDING_DIR", "s3://trackai-no-such-bucket/landing")
    found = {finding.check: finding for finding in findings(DOMAINS, Settings(), now=datetime.now(UTC))}
    assert found["landing folder"].level is Level.FAIL
    assert "AWS_ACCESS_KEY_ID" in found["landing folder"].said
    with pytest.raises(LandingError, match="begins with nothing://"):
        zone_of("nothing://here")
