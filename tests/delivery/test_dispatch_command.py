"""dispatch: what is sent, what is shown, and that bad input gets a clear message while nothing is lost."""

import json
import signal
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from delivery.scenes import TOKEN, insert_sales, outcomes, queued
from gates import set_gate
from processes import process
from psycopg import Connection
from typer.testing import CliRunner, Result

from trackai_pipelines.capi_sandbox.client import Sandbox
from trackai_pipelines.capi_sandbox.server import sandbox
from trackai_pipelines.cli import app

Run = Callable[..., Result]
AddTenant = Callable[..., str]
TODAY = datetime.now(UTC).date()


@pytest.fixture
def box(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A sandbox that knows two pixels and one token, and the environment that leads to it; waits are short."""
    with sandbox(tokens=[TOKEN], pixels=["1001", "1002"]) as running:
        monkeypatch.setenv("TRACKAI_CAPI_URL", running.base_url)
        monkeypatch.setenv("TRACKAI_RETRY_BASE_SECONDS", "0.01")
        monkeypatch.setenv("TRACKAI_CIRCUIT_COOLDOWN_SECONDS", "0.05")
        yield running


@pytest.fixture
def dispatch(trackai: Run, box: Sandbox) -> Run:
    """`dispatch("--json")` runs the command, whose output never shows the token."""

    def run(*arguments: str | Path, answer: str | None = None) -> Result:
        result = CliRunner().invoke(app, ["dispatch", *map(str, arguments)], input=answer)
        assert TOKEN not in result.output + repr(result.exception)
        return result

    return run


@pytest.fixture
def acme(add_tenant: AddTenant, monkeypatch: pytest.MonkeyPatch) -> str:
    """A tenant that has everything."""
    monkeypatch.setenv("TRACKAI_CAPI_TOKEN_ACME", TOKEN)
    return add_tenant("acme", pixel_id="1001")


def row_of(result: Result, slug: str) -> list[str]:
    """A tenant's row of the table on stdout: sent, failed, retried, waiting."""
    rows = [line.split() for line in result.stdout.splitlines() if line.split()[:1] == [slug]]
    return rows[0][1:5]


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


def test_a_value_of_nothing_is_sent_and_the_dry_run_warns_of_it(
    dispatch: Run, box: Sandbox, acme: str, connection: Connection, tmp_path: Path
) -> None:
    insert_sales(connection, acme, 1, value="0")
    dry = dispatch("--dry-run", "--out", tmp_path / "dry")
    assert "the value is 0" in dry.stdout
    assert row_of(dispatch(), "acme") == ["1", "0", "0", "0"]
    assert [event["custom_data"]["value"] for event in box.payloads()] == [0]


def test_a_sale_that_is_too_old_is_closed_with_the_reason(dispatch: Run, acme: str, connection: Connection) -> None:
    insert_sales(connection, acme, 1, ago=timedelta(days=7) - timedelta(seconds=30))
    result = dispatch()
    assert row_of(result, "acme") == ["0", "1", "0", "0"]
    assert "too_old" in result.stdout


def test_a_dry_run_writes_what_would_be_sent_and_sends_nothing(
    dispatch: Run, box: Sandbox, acme: str, add_tenant: AddTenant, connection: Connection, home: Path
) -> None:
    insert_sales(connection, acme, 3)
    insert_sales(connection, acme, 1, currency="XXQ")
    insert_sales(connection, add_tenant("other", pixel_id="1002"), 2)
    result = dispatch("--dry-run")
    assert result.exit_code == 0, result.output
    assert row_of(result, "acme") == ["3", "0", "0", "1"]
    assert "bad_currency (1)" in result.stdout
    assert row_of(result, "other") == ["2", "0", "0", "0"]
    assert "TRACKAI_CAPI_TOKEN_OTHER" in result.stdout
    (folder,) = (home / "dry-runs").iterdir()
    assert str(folder) in result.stderr.replace("\n", "")
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {path.relative_to(folder).as_posix() for path in files} == {
        "diff.jsonl", "acme/0001.json", "other/0001.json",
    }  # fmt: skip
    assert all(TOKEN not in path.read_text() for path in files)
    assert box.requests() == []
    totals = json.loads(dispatch("--dry-run", "--json").stdout)
    assert (totals["new"], totals["refused"], totals["requests"]) == (5, 1, 2)
    assert len(list((home / "dry-runs").iterdir())) == 2
    assert len(queued(connection)) == 6, "a dry run leaves the queue alone"


def test_a_dry_run_does_not_mix_with_what_is_there(dispatch: Run, acme: str, tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    result = dispatch("--dry-run", "--out", tmp_path)
    assert result.exit_code == 1
    assert "is not empty" in result.stderr


def test_a_replay_tries_again_what_failed_and_sends_nothing_twice(
    dispatch: Run, box: Sandbox, acme: str, connection: Connection
) -> None:
    box.misbehave(do="error", code=100, subcode=2804050, events=["bad"], probability=1)
    insert_sales(connection, acme, 1, order_id="bad")
    insert_sales(connection, acme, 3)
    sent, failed, _, waiting = row_of(dispatch(), "acme")
    assert (sent, failed, waiting) == ("3", "1", "0")
    box.behave()
    days = ("--from", str(TODAY - timedelta(days=1)), "--to", str(TODAY))
    result = dispatch(*days)
    assert result.exit_code == 0
    assert "1 sales of" in result.stderr
    assert row_of(result, "acme") == ["1", "0", "0", "0"]
    assert (box.pixel("1001").accepted, box.pixel("1001").counted) == (4, 4)


def test_sending_again_what_was_accepted_is_asked_for_twice(
    dispatch: Run, box: Sandbox, acme: str, connection: Connection
) -> None:
    insert_sales(connection, acme, 3)
    dispatch()
    resend = ("--from", str(TODAY - timedelta(days=1)), "--to", str(TODAY), "--resend-already-sent")
    for answer in (None, "n\n"):
        refused = dispatch(*resend, answer=answer)
        assert refused.exit_code == 1
        assert "may be counted twice" in refused.stderr
        assert "Nothing was queued or sent." in refused.stderr
    assert box.pixel("1001").accepted == 3
    assert dispatch(*resend, answer="y\n").exit_code == 0
    assert dispatch(*resend, "--yes").exit_code == 0
    assert (box.pixel("1001").accepted, box.pixel("1001").counted) == (9, 3)


def test_the_flag_that_sends_again_says_what_it_risks(dispatch: Run) -> None:
    shown = " ".join(dispatch("--help").stdout.replace("│", " ").split())
    assert "each of these sales may be counted twice" in shown


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
