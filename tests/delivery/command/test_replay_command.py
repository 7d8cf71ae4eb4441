"""dispatch --from --to: days are replayed, and what was accepted is sent again only when that is confirmed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from delivery.scenes import insert_sales, row_of
from psycopg import Connection
from typer.testing import Result

from trackai_pipelines.capi_sandbox.client import Sandbox

Run = Callable[..., Result]
TODAY = datetime.now(UTC).date()


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
