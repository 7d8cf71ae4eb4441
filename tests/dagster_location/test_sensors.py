"""Sensors over several ticks: when a run is asked for, when not, and that what is asked for does the work.

Runs are executed in this process as the daemon would: one for each run key, never a second one for the same.
"""

import json
import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import fsspec  # type: ignore[import-untyped]
import psycopg
import pytest
from psycopg import Connection

from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.definitions import build_definitions
from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.ingest.arrivals import waiting_files
from trackai_pipelines.ingest.defs import sensors as ingest_sensors
from trackai_pipelines.ingest.defs.sensors import RETRY_EVERY, load_request
from trackai_pipelines.ingest.kinds import kinds_of
from trackai_pipelines.matching.drain import drain

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
LONG_AGO = 1_700_000_000
Tick = Callable[[str], "dg.RunRequest | str"]


@pytest.fixture(autouse=True)
def _no_watch(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS", "1")


@pytest.fixture
def tick(location: dg.Definitions, database: EventDatabase, instance: dg.DagsterInstance) -> Tick:
    """Evaluate a sensor once, its cursor kept: the run it asks for, or why it asks for none."""
    cursors: dict[str, str | None] = {}

    def evaluate(name: str) -> dg.RunRequest | str:
        repository = location.get_repository_def()
        with dg.build_sensor_context(
            instance=instance,
            cursor=cursors.get(name),
            resources={"database": database, "domains": DOMAINS},
            repository_def=repository,
        ) as context:
            data = repository.get_sensor_def(name).evaluate_tick(context)
        cursors[name] = data.cursor
        if data.run_requests:
            (request,) = data.run_requests
            return request
        assert data.skip_message
        return data.skip_message

    return evaluate


@pytest.fixture
def launch(location: dg.Definitions, instance: dg.DagsterInstance) -> Callable[..., dg.ExecuteInProcessResult]:
    """Do what a sensor asked for."""

    def execute(sensor: str, request: dg.RunRequest, **options: Any) -> dg.ExecuteInProcessResult:
        repository = options.pop("location", location).get_repository_def()
        job = repository.get_job(repository.get_sensor_def(sensor).job_name)
        result: dg.ExecuteInProcessResult = job.execute_in_process(
            run_config=request.run_config or None,
            partition_key=request.partition_key,
            tags=dict(request.tags),
            instance=instance,
            **options,
        )
        return result

    return execute


@pytest.fixture
def landing(home: Path, add_tenant: Callable[..., str]) -> Callable[..., Path]:
    """Write conversions of the tenant acme: `landing("conversions.jsonl", "e1", "e2")`, settled by default."""
    add_tenant("acme")
    folder = home / "landing" / "acme"
    folder.mkdir(parents=True)

    def write(name: str, *events: str, written: float = LONG_AGO) -> Path:
        facts = {"tenant": "acme", "gateway": "shopify", "value": "1", "currency": "BRL"}
        rows = [{**facts, "gateway_event_id": event, "occurred_at": NOON.isoformat()} for event in events]
        path = folder / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        os.utime(path, (written, written))
        return path

    return write


def files_of(request: dg.RunRequest | str) -> list[str]:
    assert isinstance(request, dg.RunRequest), request
    paths: list[str] = request.run_config["ops"]["landing_files"]["config"]["paths"]
    return paths


def events(connection: Connection[Any]) -> list[str]:
    rows = connection.execute("SELECT gateway_event_id FROM trackai.conversions ORDER BY 1").fetchall()
    return [event for (event,) in rows]


def test_landing_nothing_new_changed_loaded(
    home: Path, landing: Callable[..., Path], tick: Tick, launch: Any, connection: Connection[Any]
) -> None:
    sensor = "landing_files_sensor"
    assert tick(sensor) == "Every landing file is loaded."
    # Still being written to: its time lies ahead of ours, which a slow machine sees, too.
    path = landing("conversions-1.jsonl", "e1", written=utc_now().timestamp() + 600)
    (home / "landing" / "acme" / "conversions-2.jsonl.tmp").write_text("half a fi")
    assert tick(sensor) == "Every landing file is loaded."

    landing("conversions-1.jsonl", "e1")
    first = tick(sensor)
    assert files_of(first) == [f"acme/{path.name}"]
    assert launch(sensor, first).success
    assert events(connection) == ["e1"]
    assert tick(sensor) == "Every landing file is loaded."

    landing("conversions-1.jsonl", "e1", "e2", written=LONG_AGO + 1)
    other = landing("conversions-3.jsonl", "e3")
    changed = tick(sensor)
    assert files_of(changed) == [f"acme/{path.name}", f"acme/{other.name}"]
    assert isinstance(first, dg.RunRequest)
    assert isinstance(changed, dg.RunRequest)
    assert changed.run_key != first.run_key
    assert len(changed.run_key or "") < 40
    assert launch(sensor, changed).success
    assert events(connection) == ["e1", "e2", "e3"]
    assert tick(sensor) == "Every landing file is loaded."


def test_landing_folder_may_be_missing(location: dg.Definitions, tick: Tick, home: Path) -> None:
    assert not (home / "landing").exists()
    assert tick("landing_files_sensor") == "Every landing file is loaded."


def test_a_watch_sees_a_landing_file_arrive(
    landing: Callable[..., Path], tick: Tick, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Longer than a test may take.
    monkeypatch.setenv("DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS", "3600")
    monkeypatch.setattr(ingest_sensors, "_LOOK_SECONDS", 0.1)
    landed: list[Path] = []

    def arrive() -> None:
        time.sleep(0.5)
        landed.append(landing("conversions.jsonl", "e1"))

    arrival = threading.Thread(target=arrive)
    arrival.start()
    request = tick("landing_files_sensor")
    arrival.join()
    assert files_of(request) == [f"acme/{path.name}" for path in landed]


def test_landing_in_object_storage_is_loaded_by_names_inside_it(
    landing: Callable[..., Path], tick: Tick, launch: Any, connection: Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run may be elsewhere than the sensor: its configuration holds no path of a machine."""
    sensor = "landing_files_sensor"
    store = fsspec.filesystem("memory")
    store.pipe_file("/bucket/landing/acme/conversions.jsonl", landing("conversions.jsonl", "e1").read_bytes())
    store.store["/bucket/landing/acme/conversions.jsonl"].created = datetime.fromtimestamp(LONG_AGO, UTC)
    monkeypatch.setenv("TRACKAI_LANDING_DIR", "memory://bucket/landing")
    request = tick(sensor)
    assert files_of(request) == ["acme/conversions.jsonl"]
    assert launch(sensor, request).success
    assert events(connection) == ["e1"]
    assert tick(sensor) == "Every landing file is loaded."
    store.store.clear()


def test_a_failed_load_is_asked_for_again_in_the_next_period(
    home: Path, landing: Callable[..., Path], tick: Tick, launch: Any, connection: Connection[Any]
) -> None:
    sensor = "landing_files_sensor"
    path = landing("conversions.jsonl", "e1")
    request = tick(sensor)
    broken = build_definitions(resources={"database": EventDatabase(url="postgresql://127.0.0.1:9/none")})
    assert not launch(sensor, request, location=broken, raise_on_error=False).success
    assert events(connection) == []

    assert files_of(tick(sensor)) == [f"acme/{path.name}"]
    waiting = waiting_files(connection, home / "landing", kinds=kinds_of(DOMAINS))
    begin = datetime.fromtimestamp(1_800_000_000 - 1_800_000_000 % RETRY_EVERY.total_seconds(), UTC)
    last = RETRY_EVERY - timedelta(microseconds=1)
    key = load_request(waiting, begin).run_key
    assert load_request(waiting, begin + last).run_key == key
    again = load_request(waiting, begin + RETRY_EVERY)
    assert again.run_key != key
    assert launch(sensor, again).success
    assert events(connection) == ["e1"]
    assert tick(sensor) == "Every landing file is loaded."


def test_a_file_taken_away_before_its_run_does_not_stop_the_others(
    landing: Callable[..., Path], tick: Tick, launch: Any, connection: Connection[Any]
) -> None:
    sensor = "landing_files_sensor"
    landing("conversions-1.jsonl", "e1")
    gone = landing("conversions-2.jsonl", "e2")
    request = tick(sensor)
    gone.unlink()
    assert launch(sensor, request).success
    assert events(connection) == ["e1"]
    assert tick(sensor) == "Every landing file is loaded."


def test_a_file_name_that_is_not_utf8_is_loaded(
    home: Path, landing: Callable[..., Path], tick: Tick, launch: Any, connection: Connection[Any]
) -> None:
    sensor = "landing_files_sensor"
    path = landing("conversions.jsonl", "e1")
    path.rename(path.with_name(os.fsdecode(b"conversions-\xe9\xff.jsonl")))
    assert launch(sensor, tick(sensor)).success
    assert events(connection) == ["e1"]
    assert tick(sensor) == "Every landing file is loaded."


def test_late_clicks_sensor_asks_when_clicks_or_identities_arrived(
    connection: Connection[Any], add_tenant: Any, insert_click: Any, insert_sale: Any, tick: Tick, launch: Any
) -> None:
    compared = "Every click and identity has been compared with the unmatched conversions."
    acme = add_tenant("acme", email_matching=True)
    sales = [insert_sale(acme, NOON, fbclid="Late"), insert_sale(acme, NOON, customer_email_hash="a" * 64)]
    assert tick("late_clicks_sensor") == compared
    drain(connection, run_id="drain")
    assert tick("late_clicks_sensor") == compared

    clicks = [insert_click(acme, fbclid="Late", created_at=NOON), insert_click(acme, created_at=NOON)]
    connection.execute(
        "INSERT INTO trackai.leases (name, holder, taken_at, expires_at, leaves_at) "
        "VALUES ('match_conversions', 'resident', now(), now() + interval '1 hour', now() + interval '1 hour')"
    )
    assert tick("late_clicks_sensor") == "Resident drains compare what arrives."
    connection.execute("DELETE FROM trackai.leases")
    assert launch("late_clicks_sensor", tick("late_clicks_sensor")).success
    assert tick("late_clicks_sensor") == compared
    connection.execute(
        "INSERT INTO trackai.identities (tenant_id, email_hash, click_id) VALUES (%s, %s, %s)",
        [acme, "a" * 64, clicks[1]],
    )
    assert launch("late_clicks_sensor", tick("late_clicks_sensor")).success
    assert tick("late_clicks_sensor") == compared
    found = connection.execute("SELECT conversion_id, click_id, strategy FROM trackai.matched_attributions ORDER BY 1")
    assert found.fetchall() == [(sales[0], clicks[0], "fbc"), (sales[1], clicks[1], "email")]


def test_one_comparison_at_a_time_but_a_dead_run_does_not_count_for_ever(
    location: dg.Definitions,
    database: EventDatabase,
    postgres_instance: dg.DagsterInstance,
    add_tenant: Any,
    insert_click: Any,
) -> None:
    insert_click(add_tenant("acme"), fbclid="Key", created_at=NOON)
    repository = location.get_repository_def()

    def asked() -> bool:
        with dg.build_sensor_context(
            instance=postgres_instance,
            resources={"database": database, "domains": DOMAINS},
            repository_def=repository,
        ) as context:
            data = repository.get_sensor_def("late_clicks_sensor").evaluate_tick(context)
        assert data.run_requests or (data.skip_message or "").endswith("is comparing them.")
        return bool(data.run_requests)

    def run(status: dg.DagsterRunStatus, job: str = "match_conversions") -> dg.DagsterRun:
        return postgres_instance.create_run_for_job(repository.get_job(job), status=status)

    assert asked()
    for status in (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED):
        run(status)
    run(dg.DagsterRunStatus.STARTED, "aggregate_match_rates")
    assert asked()
    for status in (dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED):
        under_way = run(status)
        assert not asked(), status
        postgres_instance.delete_run(under_way.run_id)
    assert asked()

    # Its worker was killed: the status never changes.
    dead = run(dg.DagsterRunStatus.STARTED)
    assert not asked()
    with psycopg.connect(os.environ["DAGSTER_POSTGRES_URL"]) as storage:
        storage.execute(
            "UPDATE runs SET create_timestamp = create_timestamp - interval '11 minutes' WHERE run_id = %s",
            [dead.run_id],
        )
    assert asked()


def test_one_load_at_a_time_and_of_a_bounded_number_of_files(
    location: dg.Definitions,
    database: EventDatabase,
    postgres_instance: dg.DagsterInstance,
    landing: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ingest_sensors, "MOST_FILES", 2)
    for number in range(3):
        landing(f"conversions-{number}.jsonl", f"e{number}")
    repository = location.get_repository_def()

    def evaluate() -> Any:
        with dg.build_sensor_context(
            instance=postgres_instance,
            resources={"database": database, "domains": DOMAINS},
            repository_def=repository,
        ) as context:
            return repository.get_sensor_def("landing_files_sensor").evaluate_tick(context)

    (request,) = evaluate().run_requests or []
    assert len(files_of(request)) == 2
    run = postgres_instance.create_run_for_job(
        repository.get_job("ingest_landing_files"), status=dg.DagsterRunStatus.STARTED
    )
    assert evaluate().skip_message == f"3 files wait; run {run.run_id[:8]} is at it."
    postgres_instance.delete_run(run.run_id)
    assert evaluate().run_requests
