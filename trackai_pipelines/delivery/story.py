"""What became of the delivery of one conversion: its attempts, and a sentence.

What belongs here: delivery's part of `trackai explain`. What does not: printing it (cli), totals (`account`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection
from psycopg.rows import class_row, dict_row

from trackai_pipelines.clock import Clock, utc_now
from trackai_pipelines.database.statements import statement
from trackai_pipelines.delivery.account import TRANSIENT_FAILURES, in_sandbox, waiting_reason
from trackai_pipelines.delivery.circuit import Circuit
from trackai_pipelines.delivery.prepare import too_old_before
from trackai_pipelines.delivery.targets import holds_of
from trackai_pipelines.domain import StoryPart


@dataclass(frozen=True)
class DispatchAttempt:
    """One row of dispatch_attempts."""

    attempt: int
    status: str
    http_status: int | None
    error_code: int | None
    error_subcode: int | None
    fbtrace_id: str | None
    failure: str | None
    message: str | None
    payload_sha256: str | None
    event_id: str
    created_at: datetime
    completed_at: datetime | None
    target: str
    flag_version: int | None


@dataclass(frozen=True)
class DispatchStory:
    """All attempts of a conversion, oldest first, and what became of it."""

    attempts: Sequence[DispatchAttempt]
    verdict: str


def dispatch_story(
    connection: Connection, tenant_id: str, conversion_id: int, *, clock: Clock = utc_now
) -> DispatchStory | None:
    """Return the delivery of a conversion; None when there is no such conversion."""
    key = {"tenant_id": tenant_id, "conversion_id": conversion_id}
    holds = holds_of(connection, at=clock())
    with connection.transaction():
        with connection.cursor(row_factory=dict_row) as states:
            state = states.execute(statement("delivery/story_state"), key).fetchone()
        with connection.cursor(row_factory=class_row(DispatchAttempt)) as cursor:
            attempts = cursor.execute(statement("delivery/story_attempts"), key).fetchall()
    if state is None:
        return None
    now, occurred_at = clock(), state["occurred_at"]
    if state["queued"]:
        reason = waiting_reason(
            state["status"],
            Circuit.from_row(state),
            hold=holds.of(state["slug"]),
            held=state["held"],
            ahead=occurred_at > now,
            now=now,
        )
        verdict = f"Waiting: {reason}."
        if attempts:
            verdict += f" Attempts so far: {len(attempts)}."
    elif attempts:
        verdict = _ended(attempts)
    else:
        verdict = _never_queued(
            state["status"],
            state["dispatch_policy"],
            state["strategy"],
            too_old=occurred_at < too_old_before(now, state["action_source"]),
        )
    return DispatchStory(attempts, verdict)


def story(connection: Connection, tenant_id: str, conversion_id: int) -> Iterator[StoryPart]:
    """Yield the attempts and the event's id, if there were any, and what became of the event in a sentence."""
    found = dispatch_story(connection, tenant_id, conversion_id)
    if found is None:
        return
    if found.attempts:
        columns = ("dispatch attempt", "target", "status", "failure", "answer", "meaning", "at")
        rows = [
            (str(a.attempt), a.target, a.status, a.failure, _answer(a), a.message, a.created_at) for a in found.attempts
        ]
        yield StoryPart(columns=columns, rows=rows, sentence=f"event id {found.attempts[-1].event_id}")
    yield StoryPart(sentence=found.verdict)


def _answer(attempt: DispatchAttempt) -> str | None:
    """Return status, codes and trace id, as far as there was an answer; Meta's support asks for the trace id."""
    if attempt.http_status is None:
        return None
    codes = [str(code) for code in (attempt.error_code, attempt.error_subcode) if code is not None]
    parts = [f"HTTP {attempt.http_status}", "/".join(codes), attempt.fbtrace_id or ""]
    return ", ".join(part for part in parts if part)


def _ended(attempts: Sequence[DispatchAttempt]) -> str:
    accepted = [attempt for attempt in attempts if attempt.status == "success" and attempt.target == "meta"]
    if accepted:
        first = accepted[0]
        again = f"; sent again on request, {len(accepted)} times in all" if len(accepted) > 1 else ""
        return f"Sent: Meta accepted it at {first.completed_at:%Y-%m-%d %H:%M:%S} UTC, attempt {first.attempt}{again}."
    last = attempts[-1]
    if last.target == "sandbox" and last.status != "pending" and last.failure not in TRANSIENT_FAILURES:
        return f"Not sent: {in_sandbox(last.failure)}."
    if last.failure in (None, *TRANSIENT_FAILURES):
        return "Lost: its last attempt was to be made again, but it is not queued. Replay the day of the sale."
    return f"Failed for good ({last.failure}): {last.message}."


def _never_queued(status: str, policy: str, strategy: str | None, *, too_old: bool) -> str:
    if strategy is None:
        return "Not due yet: it has not been matched."
    if status != "active":
        return f"Not due: the tenant is {status}."
    if policy == "matched" and strategy == "unmatched":
        return "Not due: the tenant wants matched sales only, and no click was found."
    if too_old:
        return "Never due: the sale was older than the seven days (in a store 62) within which Meta takes events."
    return "Lost: it is due, but neither queued nor tried. Replay the day of the sale."
