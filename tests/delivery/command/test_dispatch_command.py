"""dispatch: what is sent, what is shown, and that bad input gets a clear message while nothing is lost."""

import json
import signal
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from delivery.scenes import TOKEN, insert_sales, outcomes, queued, row_of
from gates import set_gate
from processes import process
from psycopg import Connection
from typer.testing import Result

from trackai_pipelines.capi_sandbox.client import Sandbox
from trackai_pipelines.capi_sandbox.server import sandbox

Run = Callable[..., Result]
AddTenant = Callable[..., str]


def test_delivers_what_is_due_once_and_shows_it_by_tenant(
    dispatch: Run, box: Sandbox, acme: str, connection: Connection
) -> None:
    insert_sales(connection, acme, 12)
    result = dispatch()
    assert result.exit_code == 0, result.output
    assert row_of(result, "acme") == ["12", "0", "0", "0"]
    assert (box.pixel("1001").accepted, box.pixel("1001").counted) == (12, 12)
    again = dispatch()
    assert (again.exit_code, again.stdout) == (0, "")
    assert "Nothing was due." in again.stderr
    assert box.pixel("1001").accepted == 12


def test_a_hold_by_the_flag_ends_with_exit_code_1_at_once(
    dispatch: Run, box: Sandbox, acme: str, connection: Connection
) -> None:
    insert_sales(connection, acme, 2)
    version = set_gate(connection, "dispatch_target", acme, "hold", by="ana", reason="contract ended")
    result = dispatch()
    said = f'held by flag dispatch_target (version {version}, ana: "contract ended")'
    assert (result.exit_code, f"acme: 2 events are held back; {said}." in result.stderr) == (1, True), result.output
    assert box.pixel("1001").accepted == 0


def test_events_for_the_sandbox_are_shown_apart(
    dispatch: Run, acme: str, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert_sales(connection, acme, 2)
    set_gate(connection, "dispatch_target", acme, "sandbox")
    with sandbox() as other:
        monkeypatch.setenv("TRACKAI_CAPI_SANDBOX_URL", other.base_url)
        result = dispatch()
    assert result.exit_code == 0, result.output
    assert row_of(result, "acme") == ["0", "0", "0", "2"]
    assert "0 events sent, 0 failed, 0 to be retried, 2 to the sandbox" in result.stderr


def test_json_is_one_object_on_stdout(dispatch: Run, acme: str, connection: Connection) -> None:
    insert_sales(connection, acme, 2)
    insert_sales(connection, acme, 1, currency="XXQ")
    result = dispatch("--json")
    totals = json.loads(result.stdout)
    assert result.stdout.count("\n") == 1
    assert (totals["sent"], totals["failed"], totals["waiting"], totals["requests"]) == (2, 1, 0, 1)
    assert totals["tenants"]["acme"] == {
        "sent": 2, "failed": 1, "retried": 0, "sandbox": 0, "waiting": 0, "why": [], "failures": {"bad_currency": 1},
    }  # fmt: skip
    assert json.loads(dispatch("--json").stdout)["tenants"] == {}


def test_failed_requests_are_made_again_by_the_same_command(
    dispatch: Run, box: Sandbox, acme: str, connection: Connection
) -> None:
    insert_sales(connection, acme, 3)
    box.misbehave(do="error", status=503, times=2)
    box.misbehave(do="reset", accept=True)
    result = dispatch()
    assert result.exit_code == 0
    assert row_of(result, "acme") == ["3", "0", "9", "0"]
    assert (box.pixel("1001").accepted, box.pixel("1001").counted) == (6, 3)


def test_ten_failed_requests_open_the_circuit_and_the_command_fails(
    dispatch: Run, box: Sandbox, acme: str, connection: Connection
) -> None:
    (sale,) = insert_sales(connection, acme, 1)
    box.misbehave(do="error", status=500, probability=1)
    result = dispatch()
    assert result.exit_code == 1
    assert len(box.requests()) == 10
    assert "acme: 1 events are held back; the circuit is open" in result.stderr
    box.behave()
    time.sleep(0.1)
    assert dispatch().exit_code == 0
    assert outcomes(connection)[sale][-1] == ("success", None)


def test_a_throttled_tenant_waits_as_told_which_is_no_failure(
    dispatch: Run, box: Sandbox, acme: str, connection: Connection
) -> None:
    insert_sales(connection, acme, 1)
    box.misbehave(do="error", code=80004, wait_seconds=3600)
    result = dispatch()
    assert result.exit_code == 0
    assert "the tenant waits until" in result.stdout
    assert "rate limit" in result.stdout
    assert row_of(result, "acme") == ["0", "0", "1", "1"]


def test_without_a_token_nothing_is_sent_or_lost_and_the_variable_is_named(
    dispatch: Run, box: Sandbox, acme: str, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert_sales(connection, acme, 4)
    monkeypatch.delenv("TRACKAI_CAPI_TOKEN_ACME")
    result = dispatch()
    assert result.exit_code == 1
    assert "TRACKAI_CAPI_TOKEN_ACME" in result.stderr
    assert "4 events are held back" in result.stderr
    assert box.requests() == []
    monkeypatch.setenv("TRACKAI_CAPI_TOKEN_ACME", TOKEN)
    time.sleep(0.1)
    assert row_of(dispatch(), "acme") == ["4", "0", "0", "0"]


def test_a_wrong_token_holds_the_events_back_and_does_not_stop_others(
    dispatch: Run, box: Sandbox, acme: str, add_tenant: AddTenant, connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    insert_sales(connection, acme, 2)
    insert_sales(connection, add_tenant("other", pixel_id="1002"), 3)
    monkeypatch.setenv("TRACKAI_CAPI_TOKEN_OTHER", "EAArevoked")
    # However long the other tenant takes, no probe goes out meanwhile.
    monkeypatch.setenv("TRACKAI_CIRCUIT_COOLDOWN_SECONDS", "60")
    result = dispatch()
    assert result.exit_code == 1
    assert "replace it" in result.stderr
    assert "EAArevoked" not in result.output
    assert (row_of(result, "acme"), row_of(result, "other")) == (["2", "0", "0", "0"], ["0", "0", "3", "3"])
    assert len(box.requests("1002")) == 1


def test_an_unknown_pixel_holds_the_events_back(dispatch: Run, trackai: Run, acme: str, connection: Connection) -> None:
    trackai("tenant", "set", "acme", "--pixel-id", "9999")
    insert_sales(connection, acme, 2)
    result = dispatch()
    assert result.exit_code == 1
    assert "check the tenant's pixel_id" in result.stderr
    trackai("tenant", "set", "acme", "--pixel-id", "1001")
    assert row_of(dispatch(), "acme") == ["2", "0", "0", "0"]


def test_a_tenant_without_a_pixel_is_told_what_it_lacks(
    dispatch: Run, trackai: Run, acme: str, connection: Connection
) -> None:
    trackai("tenant", "set", "acme", "--pixel-id", "")
    insert_sales(connection, acme, 1)
    result = dispatch()
    assert result.exit_code == 1
    assert "tenant acme has no pixel" in result.stderr
    trackai("tenant", "set", "acme", "--pixel-id", "1001")
    assert row_of(dispatch(), "acme") == ["1", "0", "0", "0"]


def test_events_of_a_suspended_tenant_wait_until_it_is_active(
    dispatch: Run, trackai: Run, box: Sandbox, acme: str, connection: Connection
) -> None:
    insert_sales(connection, acme, 2)
    trackai("tenant", "set", "acme", "--status", "suspended")
    result = dispatch()
    assert result.exit_code == 0
    assert row_of(result, "acme") == ["0", "0", "0", "2"]
    assert "the tenant is suspended" in result.stdout
    assert box.requests() == []
    trackai("tenant", "set", "acme", "--status", "active")
    assert row_of(dispatch(), "acme") == ["2", "0", "0", "0"]


@pytest.mark.parametrize("ahead", [timedelta(hours=3), timedelta(minutes=2)], ids=["future", "clock skew"])
def test_a_sale_ahead_of_the_clock_waits_and_holds_up_no_other(
    dispatch: Run, box: Sandbox, acme: str, connection: Connection, ahead: timedelta
) -> None:
    insert_sales(connection, acme, 3)
    (early,) = insert_sales(connection, acme, 1, ago=-ahead)
    result = dispatch()
    assert result.exit_code == 0, result.output
    assert row_of(result, "acme") == ["3", "0", "0", "1"]
    assert "the sale's time lies in the future" in result.stdout
    assert queued(connection) == [early]
    assert box.pixel("1001").refused == 0


def test_an_unknown_currency_fails_alone_with_its_reason(
    dispatch: Run, trackai: Run, box: Sandbox, acme: str, connection: Connection
) -> None:
    insert_sales(connection, acme, 2)
    (bad,) = insert_sales(connection, acme, 1, currency="XXQ")
    result = dispatch()
    assert result.exit_code == 0
    assert row_of(result, "acme") == ["2", "1", "0", "0"]
    assert "bad_currency" in result.stdout
    assert "no currency code of ISO 4217" in result.stdout
    assert box.pixel("1001").refused == 0
    row = connection.execute("SELECT gateway, gateway_event_id FROM trackai.conversions WHERE id = %s", [bad])
    shown = trackai("explain", "acme", *(row.fetchone() or ()))
    assert "Failed for good (bad_currency)" in shown.stdout


def test_a_sale_that_is_too_old_is_closed_with_the_reason(dispatch: Run, acme: str, connection: Connection) -> None:
    insert_sales(connection, acme, 1, ago=timedelta(days=7) - timedelta(seconds=30))
    result = dispatch()
    assert row_of(result, "acme") == ["0", "1", "0", "0"]
    assert "too_old" in result.stdout


@pytest.mark.parametrize(
    "options",
    [
        ["--from", "2026-01-10"],
        ["--from", "2026-01-11", "--to", "2026-01-10"],
        ["--from", "2026-02-30", "--to", "2026-03-01"],
        ["--resend-already-sent"],
        ["--dry-run", "--follow"],
        ["--dry-run", "--from", "2026-01-10", "--to", "2026-01-10"],
        ["--follow", "--from", "2026-01-10", "--to", "2026-01-10"],
        ["--out", "somewhere"],
    ],
)
def test_what_makes_no_sense_is_bad_usage(dispatch: Run, options: list[str]) -> None:
    result = dispatch(*options)
    assert result.exit_code == 2
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("TRACKAI_CAPI_URL", "graph.example.com", "TRACKAI_CAPI_URL"),
        ("TRACKAI_CAPI_TIMEOUT_SECONDS", "0", "TRACKAI_CAPI_TIMEOUT_SECONDS"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(
    dispatch: Run, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)
    result = dispatch()
    assert result.exit_code == 1
    assert said.lower().removeprefix("trackai_") in result.stderr.lower()


def test_without_a_database_it_fails_and_shows_no_password(dispatch: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKAI_DATABASE_URL", "postgresql://someone:hunter2@127.0.0.1:1/nowhere")
    result = dispatch()
    assert result.exit_code == 1
    assert "hunter2" not in result.output
    assert result.stdout == ""


@pytest.mark.processes
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_follow_delivers_what_becomes_due_and_ends_when_told(
    dispatch: Run, box: Sandbox, acme: str, add_tenant: AddTenant, connection: Connection, number: signal.Signals
) -> None:
    insert_sales(connection, acme, 2)
    insert_sales(connection, add_tenant("tokenless", pixel_id="1002"), 1)
    following = process("dispatch", "--follow", "--json")
    try:
        _wait_until(lambda: box.pixel("1001").accepted == 2)
        insert_sales(connection, acme, 3)
        _wait_until(lambda: box.pixel("1001").accepted == 5)
        following.send_signal(number)
        out, err = following.communicate(timeout=20)
    finally:
        following.kill()
    assert following.returncode == 0, err
    totals = json.loads(out)
    assert (totals["sent"], totals["waiting"]) == (5, 1)
    assert "TRACKAI_CAPI_TOKEN_TOKENLESS" in err
    assert "Traceback" not in err
    assert TOKEN not in out + err


def _wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_explain_shows_a_dispatch(dispatch: Run, trackai: Run, box: Sandbox, acme: str, connection: Connection) -> None:
    insert_sales(connection, acme, 1)
    row = connection.execute("SELECT gateway, gateway_event_id FROM trackai.conversions").fetchone() or ()
    assert "Waiting: queued for the next dispatch." in trackai("explain", "acme", *row).stdout
    box.misbehave(do="error", status=503)
    dispatch()
    shown = trackai("explain", "acme", *row).stdout
    assert "server_error" in shown
    assert "Sent: Meta accepted it at" in shown
    assert "attempt 2." in shown
    (event,) = box.events()
    assert f"event id {event.event_id}" in shown
