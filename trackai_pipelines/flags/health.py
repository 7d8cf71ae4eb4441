"""What doctor finds of flags: what is kept for times without a database, gates without a value, and what is overdue.

What belongs here: the findings. What does not: whether history, usage and gates agree, which the asset checks say.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from psycopg import Connection

from trackai_pipelines.database.statements import statement
from trackai_pipelines.domain import Checkup, Finding, Level
from trackai_pipelines.flag_values.client import kept_flags
from trackai_pipelines.flag_values.evaluation import evaluate
from trackai_pipelines.flag_values.feed import STALE_AFTER
from trackai_pipelines.flag_values.gates import GATES
from trackai_pipelines.flag_values.source import Snapshot, read_snapshot
from trackai_pipelines.flags.steps import GuardedStep, held_steps
from trackai_pipelines.flags.wording import moment_in_words
from trackai_pipelines.settings import Settings

OVERDUE = timedelta(minutes=15)
"""Planned changes are written to the rows every five minutes."""
GAPS = timedelta(days=7)
_SHOWN = 5


def health(checkup: Checkup) -> Iterator[Finding]:
    """Yield a finding of what is kept, of gates, of ramps, of overrides and of usage."""
    connection, now = checkup.connection, checkup.now
    snapshot = read_snapshot(connection)
    yield _kept(snapshot, kept_flags(Settings()), now)
    yield _gates(snapshot, now)
    yield _of(
        "flag ramps",
        [_held(step) for step in held_steps(connection)],
        "no step is held",
        "Look at what was measured with `trackai flags plans`; cancel the ramp, or kill the flag.",
    )
    expired = connection.execute(statement("flags/expired_overrides"), {"before": now - OVERDUE})
    yield _of(
        "flag overrides",
        [f"{key} of {slug} ended at {moment_in_words(end)}, and its row stands" for key, slug, end in expired],
        "none stands after its end",
        "Let the daemon run, which writes planned changes every five minutes (apply_flag_plans).",
    )
    yield _usage(connection, now)


def _kept(snapshot: Snapshot, kept: Snapshot | None, now: datetime) -> Finding:
    """Whether the flags that processes of this home keep in a file are those of the database."""
    if kept is None:
        return Finding("flags kept", Level.OK, "no process of this home has read flags yet")
    unseen = [one for one in snapshot.versions if one.id > kept.mark.version and one.recorded_at < now - STALE_AFTER]
    if not unseen:
        return Finding("flags kept", Level.OK, f"up to version {kept.mark.version}, for times without a database")
    first = unseen[0]
    said = (
        f"flags-ruleset.json ends with version {kept.mark.version}, and version {first.id} of {first.flag_key} was "
        f"recorded at {moment_in_words(first.recorded_at)}: a process that starts while the database is away would "
        "serve old flags"
    )
    fix = "Start a process that reads flags, e.g. `trackai up`. Where one runs, its log says why it sees no changes."
    return Finding("flags kept", Level.WARN, said, fix)


def _gates(snapshot: Snapshot, now: datetime) -> Finding:
    """Whether every gate has a value for every tenant; one that has none is at its fallback."""
    said = []
    for slug in sorted({tenant.slug for tenant in snapshot.tenants.values()}):
        # A run is any text.
        context = {"tenant": slug, "run": "doctor"}
        for key in GATES:
            found = evaluate(snapshot.ruleset, key, tenant=slug, context=context, at=now)
            if found.error_code:
                said.append(f"{key} of {slug} has no value ({found.error_code}) and is at its fallback")
    fix = "Correct it with `trackai flags set` or `override`; `trackai flags eval` shows the way to a value."
    return _of("gates", said, "each has a value for every tenant", fix, Level.FAIL)


def _held(step: GuardedStep) -> str:
    of = f" of {step.slug}" if step.slug else ""
    since = moment_in_words(step.decided_at)
    return f"step {step.step} of {step.key}{of} is held since {since} by {step.waits_for}: {step.found}"


def _usage(connection: Connection, now: datetime) -> Finding:
    gaps = connection.execute(statement("flags/lost_checks"), {"since": now - GAPS}).fetchall()
    return _of(
        "flag usage",
        [f"{lost:,} checks were lost, the last at {moment_in_words(last)}: {reason}" for reason, lost, last in gaps],
        f"no check was lost in {GAPS.days} days",
        "See that the database can be written to; TRACKAI_FLAGS_BUFFER_KEYS lets more wait in memory.",
    )


def _of(check: str, said: Sequence[str], fine: str, fix: str, level: Level = Level.WARN) -> Finding:
    if not said:
        return Finding(check, Level.OK, fine)
    more = f"; and {len(said) - _SHOWN:,} more" if len(said) > _SHOWN else ""
    return Finding(check, level, "; ".join(said[:_SHOWN]) + more, fix)
