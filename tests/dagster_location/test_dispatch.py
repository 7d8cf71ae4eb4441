"""Delivery as Dagster runs it, against the local Conversions API: residents, replays, checks, and what shows."""

import os
import signal
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from delivery.scenes import insert_sales, outcomes, queued
from psycopg import Connection, sql
from pydantic import SecretStr

from trackai_pipelines.capi_sandbox.client import Sandbox
from trackai_pipelines.capi_sandbox.server import sandbox
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.definitions import build_definitions
from trackai_pipelines.delivery.defs import metadata, resident
from trackai_pipelines.delivery.defs.resources import capi_tokens
from trackai_pipelines.matching.drain import drain
from trackai_pipelines.residents.defs import sensors
from trackai_pipelines.residents.defs.sensors import MAX_RUNTIME_TAG
from trackai_pipelines.residents.leases import holders

JOB = "dispatch_conversions"
ASSET = dg.AssetKey("capi_dispatches")
RESEND = "resend_already_sent_at_the_risk_of_counting_twice"
TOKEN = "EAAdispatchSecret0123456789"
PATIENCE = 60
SENT = ("success", None)

AddTenant = Callable[..., str]
RunJob = Callable[..., dg.ExecuteInProcessResult]
Shown = dict[str | None, dict[str, Any]]


@pytest.fixture
def box(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A sandbox that the environment names, and tokens for two tenants."""
    monkeypatch.setattr(sensors, "WATCH_SECONDS", 0)
    for slug in ("ACME", "OTHER"):
        monkeypatch.setenv(f"TRACKAI_CAPI_TOKEN_{slug}", TOKEN)
    monkeypatch.setenv("TRACKAI_RETRY_BASE_SECONDS", "0.01")
    with sandbox(tokens=[TOKEN]) as running:
        monkeypatch.setenv("TRACKAI_CAPI_URL", running.base_url)
        yield running


def wait_for(told: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE
    while True:
        answer = told()
        if answer:
            return answer
        assert time.monotonic() < deadline
        time.sleep(0.1)


def day_before(days: int) -> date:
    return datetime.now(UTC).date() - timedelta(days=days)


def since_noon(day: date) -> timedelta:
    """How long ago noon of a day was."""
    return datetime.now(UTC) - datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def shown(result: dg.ExecuteInProcessResult) -> Shown:
    """Metadata of a run's materialisations, by partition; each partition has one."""
    events = [event.materialization for event in result.all_events if event.is_step_materialization]
    assert {event.asset_key for event in events} == {ASSET}
    found = {event.partition: {name: value.value for name, value in event.metadata.items()} for event in events}
    assert len(found) == len(events)
    return found


def rows_of(markdown: str) -> list[list[str]]:
    """The cells of a Markdown table, without its head."""
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in markdown.splitlines()[2:]]


# Residents ------------------------------------------------------------------------------------------------------


@pytest.fixture
def requests(
    location: dg.Definitions, database: EventDatabase, postgres_instance: dg.DagsterInstance
) -> Callable[[], list[dg.RunRequest]]:
    """Evaluate dispatch_sensor once: the runs it asks for."""
    repository = location.get_repository_def()

    def evaluate() -> list[dg.RunRequest]:
        with dg.build_sensor_context(
            instance=postgres_instance, resources={"database": database}, repository_def=repository
        ) as context:
            return list(repository.get_sensor_def("dispatch_sensor").evaluate_tick(context).run_requests or [])

    return evaluate


Launch = Callable[..., Callable[[], dg.ExecuteInProcessResult]]


@pytest.fixture
def launch(database: EventDatabase, postgres_instance: dg.DagsterInstance) -> Launch:
    """Execute a run in a thread, as the daemon would in a process; gives a function that waits for its result."""

    def start(request: dg.RunRequest, **resources: object) -> Callable[[], dg.ExecuteInProcessResult]:
        job = build_definitions(resources={"database": database, **resources}).resolve_job_def(JOB)
        results: list[dg.ExecuteInProcessResult] = []

        def execute() -> None:
            results.append(
                job.execute_in_process(
                    run_config=request.run_config,
                    partition_key=request.partition_key,
                    tags={**request.tags, "dagster/run_key": request.run_key or ""},
                    instance=postgres_instance,
                    raise_on_error=False,
                )
            )

        thread = threading.Thread(target=execute)
        thread.start()

        def result() -> dg.ExecuteInProcessResult:
            thread.join(PATIENCE)
            assert results, "the run did not end"
            return results[0]

        return result

    return start


def windows(instance: dg.DagsterInstance) -> list[dict[str, Any]]:
    """What the materialisations of capi_dispatches show, the oldest first, with their `partition`."""
    records = instance.fetch_materializations(ASSET, limit=100, ascending=True).records
    found = [record.asset_materialization for record in records]
    return [
        {"partition": one.partition, **{name: value.value for name, value in one.metadata.items()}}
        for one in found
        if one
    ]


def test_the_sensor_asks_for_the_dispatchers_that_are_missing(
    requests: Callable[[], list[dg.RunRequest]], box: Sandbox, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    (request,) = requests()
    assert request.run_config["ops"] == {"capi_dispatches": {"config": {"stay": True, "promised": request.run_key}}}
    assert request.partition_key == day_before(0).isoformat()
    assert request.tags[MAX_RUNTIME_TAG] == "7500"
    connection.execute("UPDATE trackai.leases SET taken_at = now()")
    assert requests() == []
    monkeypatch.setenv("TRACKAI_DISPATCHERS", "3")
    assert len(requests()) == 2
    monkeypatch.setenv("TRACKAI_DISPATCHERS", "0")
    connection.execute("DELETE FROM trackai.leases")
    assert requests() == []


def test_a_dispatcher_stays_is_relieved_and_shows_its_windows(
    requests: Callable[[], list[dg.RunRequest]],
    launch: Launch,
    box: Sandbox,
    connection: Connection,
    postgres_instance: dg.DagsterInstance,
    add_tenant: AddTenant,
    add_sale: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TRACKAI_RESIDENT_LIFE_SECONDS", "9")
    monkeypatch.setattr(resident, "WINDOW_SECONDS", 0.5)
    acme, other = add_tenant("acme", pixel_id="1001"), add_tenant("other", pixel_id="1002")
    add_tenant("poor", pixel_id="1003")
    insert_sales(connection, "t-poor", 3, ago=timedelta(hours=2))
    (request,) = requests()
    first = launch(request)
    (first_run,) = wait_for(lambda: holders(connection, JOB))

    # A sale arrives, is matched, and goes out.
    early = add_sale(acme, datetime.now(UTC) - timedelta(days=2), customer_email_hash="a" * 64)
    drain(connection, run_id="test")
    wait_for(lambda: box.pixel("1001").accepted == 1)
    window = wait_for(lambda: windows(postgres_instance))[0]
    assert window["partition"] == day_before(2).isoformat()
    assert (window["sent"], window["failed"], window["retried"], window["requests"]) == (1, 0, 0, 1)
    assert window["events per second"] > 0
    assert rows_of(window["by tenant"]) == [["acme", "1", "0", "0"]]
    assert window["waiting"] == 3
    ((tenant, events, _, why),) = rows_of(window["waiting by tenant"])
    assert (tenant, events) == ("poor", "3")
    assert "TRACKAI_CAPI_TOKEN_POOR" in why
    check = dg.AssetCheckKey(ASSET, "oldest_due_event")
    (age,) = postgres_instance.event_log_storage.get_asset_check_execution_history(check, limit=1)
    assert age.status == AssetCheckExecutionRecordStatus.FAILED
    assert age.evaluation is not None
    assert (age.evaluation.metadata["tenant"].value, age.evaluation.severity) == ("poor", dg.AssetCheckSeverity.WARN)
    latest = postgres_instance.get_latest_materialization_event(ASSET)
    assert latest is not None
    assert latest.run_id == first_run

    (relief,) = wait_for(requests)
    second = launch(relief)
    ended = first()
    assert ended.success
    (second_run,) = holders(connection, JOB)
    assert second_run != first_run
    assert shown(ended)[request.partition_key]["sent in this run"] == 1

    def told() -> int:
        """Sent, as all windows say, whoever was at work."""
        return sum(window["sent"] for window in windows(postgres_instance) if "sent in this run" not in window)

    def told_by_the_second() -> bool:
        # It reports when it has seen that it is the eldest now, and then of what it sent before, too.
        add_sale(other, datetime.now(UTC), customer_email_hash="b" * 64)
        drain(connection, run_id="test")
        return told() > 1

    wait_for(told_by_the_second)
    wait_for(lambda: not [sale for sale in queued(connection) if sale >= early])
    connection.execute("DELETE FROM trackai.leases")
    assert second().success
    sent = {sale: attempts for sale, attempts in outcomes(connection).items() if sale >= early}
    assert set(map(tuple, sent.values())) == {(SENT,)}
    assert told() == len(sent) == box.pixel("1001").accepted + box.pixel("1002").accepted


def test_a_window_that_cannot_be_noted_is_told_with_the_next_one(
    requests: Callable[[], list[dg.RunRequest]],
    launch: Launch,
    box: Sandbox,
    database: EventDatabase,
    connection: Connection,
    postgres_instance: dg.DagsterInstance,
    add_tenant: AddTenant,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    away = threading.Event()
    away.set()
    refused: list[str] = []

    class Away(EventDatabase):
        """A database that refuses to hear of windows for a while."""

        def connect(self, name: str) -> Any:
            if name == "dispatch windows" and away.is_set():
                refused.append(name)
                raise psycopg.OperationalError("the server is away")
            return super().connect(name)

    monkeypatch.setattr(resident, "WINDOW_SECONDS", 0.2)
    acme = add_tenant("acme", pixel_id="1001")
    insert_sales(connection, acme, 2, ago=since_noon(day_before(1)))
    (request,) = requests()
    run = launch(request, database=Away(url=database.url))
    wait_for(lambda: refused)
    assert windows(postgres_instance) == []
    away.clear()
    insert_sales(connection, acme, 3, ago=since_noon(day_before(1)))
    (window,) = wait_for(lambda: windows(postgres_instance))
    assert window["sent"] == 5
    connection.execute("DELETE FROM trackai.leases")
    assert run().success


def test_a_dispatcher_that_is_not_needed_ends_at_once(
    requests: Callable[[], list[dg.RunRequest]], launch: Launch, box: Sandbox, connection: Connection
) -> None:
    (late,) = requests()
    connection.execute("UPDATE trackai.leases SET expires_at = now() - interval '1 ms'")
    assert len(requests()) == 1
    result = launch(late)()
    assert result.success
    assert shown(result)[late.partition_key]["requests"] == 0
    # They would be shown as being executed for as long as a resident stays.
    assert list(result.get_asset_check_evaluations()) == []


def test_ending_a_run_lets_its_requests_end(
    environment: dict[str, str], box: Sandbox, connection: Connection, add_tenant: AddTenant
) -> None:
    acme = add_tenant("acme", pixel_id="1001")
    (sale,) = insert_sales(connection, acme, 1)
    box.misbehave(do="slow", ms=4000)
    day = day_before(0).isoformat()
    script = (
        "import dagster as dg\n"
        "from dagster._core.errors import DagsterExecutionInterruptedError\n"
        "from trackai_pipelines.definitions import defs\n"
        "with dg.DagsterInstance.get() as instance:\n"
        f"    job = defs.resolve_job_def({JOB!r})\n"
        "    try:\n"
        f"        job.execute_in_process(instance=instance, partition_key={day!r})\n"
        "    except (DagsterExecutionInterruptedError, KeyboardInterrupt):\n"
        "        print(instance.get_runs()[0].status.value)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], env={**environment, **os.environ, **environment}, stdout=subprocess.PIPE
    )
    wait_for(lambda: outcomes(connection) or process.poll() is not None)
    assert outcomes(connection) == {sale: [("pending", None)]}
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=PATIENCE)
    assert outcomes(connection) == {sale: [SENT]}
    assert box.pixel("1001").accepted == 1
    # Nobody told Dagster that the run was to be ended.
    assert said.decode().strip() == "FAILURE"


# Replays --------------------------------------------------------------------------------------------------------


def run_config(**config: object) -> dict[str, Any]:
    return {"ops": {"capi_dispatches": {"config": config}}}


def accepted(box: Sandbox) -> set[int]:
    """How often events were accepted."""
    return {event.accepted for event in box.events()}


def test_a_replayed_day_or_range_sends_nothing_twice_unless_told_to(
    run_job: RunJob, box: Sandbox, connection: Connection, add_tenant: AddTenant
) -> None:
    acme, other = add_tenant("acme", pixel_id="1001"), add_tenant("other", pixel_id="1002")
    days = [day_before(3), day_before(2), day_before(1)]
    for day in days:
        insert_sales(connection, acme, 2, ago=since_noon(day))
        insert_sales(connection, other, 1, ago=since_noon(day), fbp="fb.1.1790000000000.77")
    (bad,) = insert_sales(connection, acme, 1, ago=since_noon(days[0]), currency="XXQ")

    # A run delivers all that is due, whatever its day, and shows each day.
    first = shown(run_job(JOB, partition_key=days[0].isoformat()))
    assert {day: (told["sent"], told["failed"], told["retried"]) for day, told in first.items()} == {
        days[0].isoformat(): (3, 1, 0),
        days[1].isoformat(): (3, 0, 0),
        days[2].isoformat(): (3, 0, 0),
    }
    own = first[days[0].isoformat()]
    assert rows_of(own["by tenant"]) == [["acme", "2", "1", "0"], ["other", "1", "0", "0"]]
    assert (own["sent in this run"], own["failed in this run"], own["requests"], own["waiting"]) == (9, 1, 2, 0)
    assert own["queued again"] == 0
    coverage = rows_of(own["key coverage"])
    assert [row[:2] for row in coverage] == [["all", "3"], ["acme", "2"], ["other", "1"]]
    assert coverage[0][2:] == ["100%", "0%", "0%", "33%", "0%", "100%", "0%"]
    assert accepted(box) == {1}

    one = shown(run_job(JOB, partition_key=days[0].isoformat()))
    assert set(one) == {days[0].isoformat()}
    assert (one[days[0].isoformat()]["queued again"], one[days[0].isoformat()]["sent in this run"]) == (1, 0)
    assert outcomes(connection)[bad] == [("failed", "bad_currency")] * 2
    all_days = shown(run_job(JOB, days=days))
    assert set(all_days) == {day.isoformat() for day in days}
    assert accepted(box) == {1}

    again = shown(run_job(JOB, days=days[1:], run_config=run_config(**{RESEND: True})))
    assert [again[day.isoformat()]["sent"] for day in days[1:]] == [3, 3]
    assert sorted(event.accepted for event in box.events()) == [1, 1, 1, 2, 2, 2, 2, 2, 2]
    assert len(outcomes(connection)[bad]) == 3


def test_a_replay_sends_what_was_lost_and_leaves_out_what_is_too_old(
    run_job: RunJob, box: Sandbox, connection: Connection, add_tenant: AddTenant, instance: dg.DagsterInstance
) -> None:
    acme = add_tenant("acme", pixel_id="1001")
    insert_sales(connection, acme, 1, ago=timedelta(days=20))
    lost = insert_sales(connection, acme, 2, ago=since_noon(day_before(1)))
    connection.execute("TRUNCATE trackai.dispatch_queue")
    result = run_job(JOB, days=[day_before(20), day_before(1)])
    assert outcomes(connection) == {sale: [SENT] for sale in lost}
    assert shown(result)[day_before(1).isoformat()]["queued again"] == 2
    assert shown(result)[day_before(20).isoformat()]["sent"] == 0
    assert "Meta takes events for seven days" in "".join(
        entry.user_message for entry in instance.all_logs(result.run_id)
    )
    assert queued(connection) == []


def test_what_waits_is_shown_with_its_reason(
    run_job: RunJob, box: Sandbox, connection: Connection, add_tenant: AddTenant
) -> None:
    acme, other = add_tenant("acme", pixel_id="1001"), add_tenant("other", pixel_id="1002")
    insert_sales(connection, acme, 2, ago=timedelta(hours=3))
    insert_sales(connection, other, 1, ago=timedelta(hours=2))
    insert_sales(connection, add_tenant("new"), 1, ago=timedelta(hours=1))
    box.misbehave(do="error", code=190, pixel="1001")
    box.misbehave(do="error", code=17, wait_seconds=900, pixel="1002")
    day = day_before(0).isoformat()
    told = shown(run_job(JOB, partition_key=day))[day]
    assert (told["retried in this run"], told["failed requests"], told["waiting"]) == (3, 2, 4)
    waiting = {tenant: (events, why) for tenant, events, _, why in rows_of(told["waiting by tenant"])}
    assert list(waiting) == ["acme", "other", "new"]
    assert waiting["acme"][0] == "2"
    for tenant, reason in {"acme": "access token", "other": "rate limit", "new": "has no pixel"}.items():
        assert reason in waiting[tenant][1]


def test_tables_stay_small() -> None:
    tenants = metadata.ROWS_SHOWN + 30
    rows: list[list[metadata.Cell]] = [[f"shop-{n}", n, "a | b\nc"] for n in range(tenants)]
    lines = str(metadata.table(["tenant", "events", "why"], rows).value).splitlines()
    assert lines[:3] == ["| tenant | events | why |", "| --- | ---: | --- |", r"| shop-0 | 0 | a \| b c |"]
    assert len(lines) == 2 + metadata.ROWS_SHOWN + 1
    assert lines[-1] == f"| 30 more | {sum(range(metadata.ROWS_SHOWN, tenants)):,} |  |"


# Checks ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def check(home: Path, location: dg.Definitions, instance: dg.DagsterInstance) -> Callable[[str], Any]:
    """Evaluate one check of capi_dispatches, and nothing else."""

    def run(name: str) -> dg.AssetCheckEvaluation:
        key = dg.AssetCheckKey(ASSET, name)
        job = dg.Definitions(
            assets=list(location.assets or []),
            asset_checks=list(location.asset_checks or []),
            jobs=[dg.define_asset_job("one_check", selection=dg.AssetSelection.checks(key))],
            resources=location.resources,
        ).resolve_job_def("one_check")
        (evaluation,) = job.execute_in_process(instance=instance).get_asset_check_evaluations()
        assert evaluation.check_name == name
        return evaluation

    return run


def test_every_due_event_is_accounted_for(
    check: Callable[[str], dg.AssetCheckEvaluation],
    run_job: RunJob,
    box: Sandbox,
    connection: Connection,
    add_tenant: AddTenant,
) -> None:
    name = "every_due_event_is_accounted_for"
    assert check(name).passed
    acme = add_tenant("acme", pixel_id="1001")
    sales = insert_sales(connection, acme, 4, ago=since_noon(day_before(1)))
    insert_sales(connection, acme, 2, ago=timedelta(hours=1), currency="XXQ")
    insert_sales(connection, add_tenant("poor", pixel_id="1002"), 3)
    insert_sales(connection, add_tenant("asleep", status="suspended"), 1)
    run_job(JOB, partition_key=day_before(0).isoformat())
    evaluation = check(name)
    told = {key: value.value for key, value in evaluation.metadata.items()}
    assert evaluation.passed
    assert [told[key] for key in ("sent", "waiting", "failed", "not due", "unexplained")] == [4, 3, 2, 1, 0]
    assert rows_of(told["failed by tenant"]) == [["acme", "2", "bad_currency"]]
    assert "TRACKAI_CAPI_TOKEN_POOR" in told["waiting by tenant"]
    assert rows_of(told["by tenant"]) == [
        ["acme", "0", "2", "0", "4", "0"],
        ["poor", "0", "0", "3", "0", "0"],
        ["asleep", "0", "0", "0", "0", "1"],
    ]
    assert rows_of(told["key coverage"])[0][:3] == ["all", "4", "100%"]

    connection.execute("DELETE FROM trackai.dispatch_attempts WHERE conversion_id = %s", (sales[0],))
    evaluation = check(name)
    assert not evaluation.passed
    assert evaluation.severity == dg.AssetCheckSeverity.ERROR
    assert evaluation.metadata["unexplained"].value == 1
    assert f"1 events are neither sent, nor waiting, nor failed, the oldest of a sale of {day_before(1)}" in str(
        evaluation.description
    )
    # The mend it names.
    run_job(JOB, days=[day_before(1), day_before(0)])
    assert check(name).passed


@pytest.mark.parametrize(
    ("ago", "passes", "severity"),
    [
        (timedelta(minutes=59), True, None),
        (timedelta(minutes=61), False, dg.AssetCheckSeverity.WARN),
        (timedelta(hours=23, minutes=59), False, dg.AssetCheckSeverity.WARN),
        (timedelta(hours=24, minutes=1), False, dg.AssetCheckSeverity.ERROR),
    ],
)
def test_the_oldest_due_event_warns_then_fails(
    check: Callable[[str], dg.AssetCheckEvaluation],
    run_job: RunJob,
    box: Sandbox,
    connection: Connection,
    add_tenant: AddTenant,
    ago: timedelta,
    passes: bool,
    severity: dg.AssetCheckSeverity | None,
) -> None:
    assert check("oldest_due_event").passed
    insert_sales(connection, add_tenant("poor", pixel_id="1002"), 2, ago=ago)
    # Neither of these could go out.
    asleep = add_tenant("asleep", pixel_id="1003")
    insert_sales(connection, asleep, 1, ago=timedelta(days=5))
    connection.execute("UPDATE trackai.tenants SET status = 'suspended' WHERE id = %s", (asleep,))
    insert_sales(connection, "t-poor", 1, ago=timedelta(hours=-5))
    run_job(JOB, partition_key=day_before(0).isoformat())
    evaluation = check("oldest_due_event")
    assert evaluation.passed == passes
    assert evaluation.metadata["tenant"].value == "poor"
    assert "TRACKAI_CAPI_TOKEN_POOR" in str(evaluation.metadata["why"].value)
    assert evaluation.metadata["waiting"].value == 4
    if not passes:
        assert evaluation.severity == severity
        assert "An event of tenant poor waits" in str(evaluation.description)
        assert "TRACKAI_CAPI_TOKEN_POOR" in str(evaluation.description)


@pytest.mark.parametrize(
    ("minute", "evaluated"),
    [(0, {"oldest_due_event", "every_due_event_is_accounted_for"}), (15, {"oldest_due_event"})],
)
def test_what_waits_is_looked_at_by_schedule(
    location: dg.Definitions,
    instance: dg.DagsterInstance,
    box: Sandbox,
    connection: Connection,
    add_tenant: AddTenant,
    minute: int,
    evaluated: set[str],
) -> None:
    schedule = location.get_repository_def().get_schedule_def("quarter_hourly_delivery_check")
    assert schedule.cron_schedule == "*/15 * * * *"
    at = datetime(2026, 3, 10, 7, minute, tzinfo=UTC)
    with dg.build_schedule_context(instance=instance, scheduled_execution_time=at) as context:
        (request,) = schedule.evaluate_tick(context).run_requests or []
    insert_sales(connection, add_tenant("acme", pixel_id="1001"), 1, ago=timedelta(hours=2))
    job = location.resolve_job_def(schedule.job_name)
    if request.asset_check_keys:
        job = job.get_subset(asset_selection=set(), asset_check_selection=set(request.asset_check_keys))
    result = job.execute_in_process(instance=instance)
    passed = {evaluation.check_name: evaluation.passed for evaluation in result.get_asset_check_evaluations()}
    assert set(passed) == evaluated
    assert not passed["oldest_due_event"]
    assert len(queued(connection)) == 1, "it looks, and sends nothing"


# Tokens ---------------------------------------------------------------------------------------------------------


def test_another_secret_store_takes_the_place_of_the_environment(
    database: EventDatabase, instance: dg.DagsterInstance, box: Sandbox, connection: Connection, add_tenant: AddTenant
) -> None:
    class Vault:
        def token_of(self, slug: str) -> SecretStr | None:
            return SecretStr(TOKEN) if slug == "only-in-the-vault" else None

    tenant = add_tenant("only-in-the-vault", pixel_id="1001")
    (kept,) = insert_sales(connection, add_tenant("acme", pixel_id="1002"), 1)
    (sale,) = insert_sales(connection, tenant, 1)
    job = build_definitions(resources={"database": database, "capi_tokens": Vault()}).resolve_job_def(JOB)
    assert job.execute_in_process(instance=instance, partition_key=day_before(0).isoformat()).success
    assert outcomes(connection) == {sale: [SENT]}
    assert queued(connection) == [kept]


def test_a_mounted_token_comes_before_a_variable(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "acme").write_text("mounted")
    monkeypatch.setenv("TRACKAI_CAPI_TOKEN_ACME", "variable")
    monkeypatch.setenv("TRACKAI_CAPI_TOKEN_OTHER", "variable")

    def tokens(*slugs: str) -> list[str | None]:
        with dg.build_resources({"capi_tokens": capi_tokens}) as resources:
            found = [resources.capi_tokens.token_of(slug) for slug in slugs]
        return [token.get_secret_value() if token else None for token in found]

    assert tokens("acme", "other", "third") == ["variable", "variable", None]
    monkeypatch.setenv("TRACKAI_CAPI_TOKEN_DIR", str(home))
    assert tokens("acme", "other", "third") == ["mounted", "variable", None]


def everything_in(url: str) -> str:
    """The text of every row of every table of a database, what is packed in it unpacked."""
    found = []
    with closing(psycopg.connect(url)) as connection:
        tables = connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE'"
            " AND table_schema NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        for table in tables:
            for row in connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(*table))):
                found += [
                    zlib.decompress(cell).decode() if isinstance(cell, bytes) else str(cell)
                    for cell in row
                    if cell is not None
                ]
    return "\n".join(found)


def test_tokens_are_nowhere_after_a_run_with_faults(
    location: dg.Definitions,
    home: Path,
    box: Sandbox,
    database_url: str,
    connection: Connection,
    postgres_instance: dg.DagsterInstance,
    add_tenant: AddTenant,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """One tenant for each fault; a run that goes wrong as a whole, too."""
    caplog.set_level("DEBUG")
    faults: list[dict[str, Any]] = [
        {"do": "error", "status": 500, "code": 2},
        {"do": "error", "code": 190},
        {"do": "error", "code": 100, "subcode": 33},
        {"do": "error", "code": 100, "subcode": 2804001},
        {"do": "error", "code": 80004, "wait_seconds": 60},
        {"do": "timeout", "accept": True},
        {"do": "reset"},
        {"do": "html"},
        {"do": "truncated"},
        {"do": "empty"},
    ]
    monkeypatch.setenv("TRACKAI_CAPI_TIMEOUT_SECONDS", "1")
    for number, fault in enumerate(faults):
        monkeypatch.setenv(f"TRACKAI_CAPI_TOKEN_SHOP_{number}", TOKEN)
        insert_sales(connection, add_tenant(f"shop-{number}", pixel_id=f"100{number}"), 2)
        box.misbehave(**fault, pixel=f"100{number}")
    job, day = location.resolve_job_def(JOB), day_before(0).isoformat()
    assert job.execute_in_process(instance=postgres_instance, partition_key=day).success
    tried = {attempts[0] for attempts in outcomes(connection).values()}
    assert len(tried) >= 6, tried
    monkeypatch.setenv("TRACKAI_CAPI_URL", "no address")
    failed = job.execute_in_process(instance=postgres_instance, partition_key=day, raise_on_error=False)
    assert not failed.success

    places = {
        "Dagster's database": everything_in(os.environ["DAGSTER_POSTGRES_URL"]),
        "the event database": everything_in(database_url),
        "the log": caplog.text,
        "what was printed": "".join(capfd.readouterr()),
    }
    for path in home.rglob("*"):
        if path.is_file():
            places[str(path)] = path.read_text(errors="replace")
    for place in ("Dagster's database", "the event database"):
        assert "shop-9" in places[place], "the search finds what is there"
    assert [place for place, text in places.items() if TOKEN in text or TOKEN[3:] in text] == []
