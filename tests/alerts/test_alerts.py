"""A run that really fails, the sensor that hears of it, and a real server as the chat's webhook."""

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread, Timer
from typing import Any

import dagster as dg
import pytest
from delivery.scenes import Moment, insert_sales, send_due
from psycopg import Connection

from trackai_pipelines.alerts.alert import FailedRun, deliver
from trackai_pipelines.alerts.defs.sensors import open_circuit_alert_sensor, run_failure_alert_sensor
from trackai_pipelines.capi_sandbox.server import sandbox
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.definitions import build_definitions
from trackai_pipelines.utc_days import RANGE_END_TAG, RANGE_START_TAG

SECRET = "T000-B000-hook-s3cret"


@dataclass
class Chat:
    """A webhook that keeps what it received and answers with `status`."""

    port: int = 0
    status: int = 200
    heard: list[tuple[str, Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/services/{SECRET}"


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch) -> Iterator[Chat]:
    """The webhook on a free port of this machine."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    hook = Chat()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.heard.append((self.path, json.loads(body)))
            self.send_response(hook.status)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Nothing: the path is the secret."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hook.port = server.server_port
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield hook
        server.shutdown()
        thread.join()


@pytest.fixture
def failed(home: Any, instance: dg.DagsterInstance) -> dg.RunFailureSensorContext:
    """The sensor's context after a run whose database did not answer."""
    broken = build_definitions(resources={"database": EventDatabase(url="postgresql://me:pw@127.0.0.1:9/none")})
    result = broken.resolve_job_def("rematch_unmatched").execute_in_process(
        instance=instance,
        tags={RANGE_START_TAG: "2026-03-01", RANGE_END_TAG: "2026-03-05"},
        raise_on_error=False,
    )
    assert not result.success
    (failure,) = [event for event in result.all_events if event.event_type == dg.DagsterEventType.PIPELINE_FAILURE]
    return dg.build_run_status_sensor_context(
        sensor_name="run_failure_alert_sensor",
        dagster_event=failure,
        dagster_instance=instance,
        dagster_run=result.dagster_run,
    ).for_run_failure()


def test_a_failed_run_is_told_with_its_cause(
    failed: dg.RunFailureSensorContext, chat: Chat, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TRACKAI_ALERT_WEBHOOK_URL", chat.url)
    with caplog.at_level(logging.INFO):
        run_failure_alert_sensor(failed)
    ((path, body),) = chat.heard
    assert path == f"/services/{SECRET}"
    assert set(body) == {"text"}
    run_id = failed.dagster_run.run_id
    first, second = body["text"].split("\n")
    assert first.startswith(
        f"Run {run_id[:8]} of rematch_unmatched for 2026-03-01 to 2026-03-05 failed: matched_attributions: "
        "psycopg.OperationalError: "
    )
    assert "refused" in first
    assert f"/runs/{run_id}" in second
    assert SECRET not in caplog.text


def test_without_a_webhook_the_log_is_told(failed: dg.RunFailureSensorContext, chat: Chat) -> None:
    run_failure_alert_sensor(failed)
    assert chat.heard == []


@pytest.mark.parametrize(("status", "tries"), [(403, 1), (500, 3)])
def test_a_webhook_that_refuses_fails_the_tick_without_showing_its_url(
    status: int,
    tries: int,
    failed: dg.RunFailureSensorContext,
    chat: Chat,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    chat.status = status
    monkeypatch.setenv("TRACKAI_ALERT_WEBHOOK_URL", chat.url)
    with caplog.at_level(logging.INFO), pytest.raises(RuntimeError) as caught:
        run_failure_alert_sensor(failed)
    assert len(chat.heard) == tries
    text = "\n".join(_texts(caught.value))
    assert "TRACKAI_ALERT_WEBHOOK_URL" in text
    assert SECRET not in text + caplog.text


def test_a_webhook_that_is_away_for_a_moment_is_told_again(chat: Chat) -> None:
    chat.status = 503
    recovery = Timer(0.2, lambda: setattr(chat, "status", 200))
    recovery.start()
    deliver("text", chat.url)
    recovery.join()
    assert len(chat.heard) == 2


def test_a_webhook_that_is_not_there_or_no_url_is_told_without_the_url() -> None:
    for url in (f"http://127.0.0.1:9/{SECRET}", f"not a url {SECRET}", f"http://{SECRET}:port/"):
        with pytest.raises(RuntimeError, match="TRACKAI_ALERT_WEBHOOK_URL") as caught:
            deliver("text", url)
        assert SECRET not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__


def test_an_open_circuit_is_told_once_with_metas_message(
    home: Any,
    database_url: str,
    connection: Connection,
    add_tenant: Callable[..., str],
    chat: Chat,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TRACKAI_ALERT_WEBHOOK_URL", chat.url)
    tenant = add_tenant("acme", pixel_id="1001")
    insert_sales(connection, tenant, 6)
    clock = Moment()
    with sandbox() as box:
        box.misbehave(do="error", code=100, subcode=2804030, message="The domain is not verified", probability=1)
        send_due(database_url, box.base_url, clock=clock)
    cursor = None
    for told in (1, 1):
        context = dg.build_sensor_context(cursor=cursor, resources={"database": EventDatabase(url=database_url)})
        open_circuit_alert_sensor(context)
        cursor = context.cursor
        assert len(chat.heard) == told
    text = chat.heard[0][1]["text"]
    assert text.startswith("Nothing is sent to Meta for acme since ")
    assert "6 events wait" in text
    assert 'Meta says: "The domain is not verified"' in text
    connection.execute("UPDATE trackai.dispatch_circuits SET opened_at = opened_at - interval '1 s'")
    context = dg.build_sensor_context(cursor=cursor, resources={"database": EventDatabase(url=database_url)})
    open_circuit_alert_sensor(context)
    assert len(chat.heard) == 2


def test_a_long_error_is_cut() -> None:
    message = FailedRun(job="j", run_id="r" * 36, partition="2026-03-01", error="x" * 5_000).message
    assert message.startswith(f"Run rrrrrrrr of j for 2026-03-01 failed: {'x' * 1000}\n")


def _texts(error: BaseException | None) -> Iterator[str]:
    """What a tick's page would show: the error and what it was raised from."""
    while error is not None:
        yield str(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
