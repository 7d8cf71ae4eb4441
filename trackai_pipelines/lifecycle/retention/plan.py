"""The plan of retention: what leaves the database or loses its personal fields as of a UTC day, and what keeps it.

What belongs here: the steps that policies ask for, and plans as they are stored. What does not: carrying them out
(apply.py), what blocks a day (the tables' declarations say it), and for how long rows stay, which the table
`retention_policies` says.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta

from psycopg import Connection, sql
from psycopg.rows import class_row

from trackai_pipelines.clock import Clock, utc_now
from trackai_pipelines.database.statements import statement
from trackai_pipelines.domain import Table
from trackai_pipelines.flag_values.client import Flags
from trackai_pipelines.lifecycle.archive.manifest import Archive, archives
from trackai_pipelines.lifecycle.leaving import leaving
from trackai_pipelines.lifecycle.personal_data.anonymise import anonymisable, due_to_anonymise
from trackai_pipelines.lifecycle.retention.earlier import Earlier, earlier_tenants

ACTIONS = ("anonymise", "archive", "drop", "delete")
"""In the order of execution."""

LONGEST = timedelta(hours=6)
"""A plan that has not ended by then was interrupted: Dagster considers a run dead after this long."""

_FIX_POLICY = "correct or delete the table's row of retention_policies"


@dataclass(frozen=True)
class Policy:
    """An enabled row of retention_policies as of a day: UTC days before `leave_before` leave, and so on."""

    table_name: str
    action: str
    grace: timedelta
    """How long archived rows stay in the database."""
    keep: str | None
    leave_before: date | None
    anonymise_after: str | None
    anonymise_before: date | None
    is_table: bool
    """Whether schema trackai has such a table."""


@dataclass(frozen=True)
class Step:
    """One action on the rows of a table and UTC day."""

    action: str
    """One of ACTIONS."""
    table_name: str
    day: date
    """The rows' UTC day; of `anonymise`, all rows before it."""
    rows: int
    bytes: int | None
    """What the rows take in the database: a partition's size, else an estimate; None where nothing is freed."""
    reason: str
    blocked_by: str | None = None
    """Why it cannot be done now."""
    place: int = 0
    """In the order of execution, from 1."""
    state: str = "planned"
    """planned, blocked, done or failed."""
    rows_done: int | None = None
    outcome: str | None = None
    """What was done or what went wrong, in a sentence."""
    tenant_ids: list[str] | None = None
    """The tenants whose rows it is about; None: all."""

    @property
    def title(self) -> str:
        """Return what it does, e.g. `archive match_log 2026-01-31`."""
        before = "before " if self.action == "anonymise" else ""
        count = len(self.tenant_ids or ())
        some = f" of {count:,} {'tenant' if count == 1 else 'tenants'}" if count else ""
        return f"{self.action} {self.table_name} {before}{self.day}{some}"


@dataclass(frozen=True)
class Plan:
    """What one run of retention sets out to do, and the outcome."""

    id: int
    day: date
    """The UTC day that ages are counted to."""
    dry_run: bool
    made_at: datetime
    finished_at: datetime | None
    steps: tuple[Step, ...]

    def of(self, *states: str) -> list[Step]:
        """Return the steps that are in one of these states."""
        return [step for step in self.steps if step.state in states]

    def troubles(self, now: datetime) -> list[str]:
        """Return a sentence for each step that failed or was blocked, failed ones first, and for an unfinished plan."""
        interrupted = self.finished_at is None and not self.dry_run and now - self.made_at > LONGEST
        return [
            *(f"{step.title} failed: {step.outcome}." for step in self.of("failed")),
            *(f"{step.title} is blocked: {step.blocked_by}." for step in self.of("blocked")),
            *([f"Retention as of {self.day} was interrupted: run apply_retention again."] if interrupted else []),
        ]


def plan_retention(
    connection: Connection,
    tables: Sequence[Table],
    *,
    today: date,
    dry_run: bool,
    flags: Flags | None = None,
    clock: Clock = utc_now,
) -> Plan:
    """Store and return the steps that the enabled policies ask for as of the UTC day `today`, in order of execution.

    `tables` are all tables in the order of the flow. With `flags`, the gate anonymise_after_days makes some tenants'
    anonymising earlier. Nothing but the plan is written. A policy that nothing can be done for becomes a blocked step,
    never an error.
    """
    made_at = clock()
    known = policies(connection, today)
    earlier = earlier_tenants(flags)
    steps = [
        *(step for policy in known.values() for step in _steps_of(connection, tables, policy, earlier, today, made_at)),
        *_steps_without_policy(connection, known, made_at),
    ]
    order = [*leaving(tables)]
    steps.sort(
        key=lambda step: (
            ACTIONS.index(step.action),
            order.index(step.table_name) if step.table_name in order else len(order),
            step.table_name,
            step.day,
        )
    )
    placed = tuple(
        replace(step, place=place, state="blocked" if step.blocked_by else "planned")
        for place, step in enumerate(steps, start=1)
    )
    with connection.transaction():
        row = connection.execute(
            statement("lifecycle/retention/insert"), {"day": today, "dry_run": dry_run, "made_at": made_at}
        ).fetchone()
        assert row is not None
        with connection.cursor() as cursor:
            cursor.executemany(
                statement("lifecycle/retention/insert_step"), [{**asdict(step), "plan_id": row[0]} for step in placed]
            )
    return Plan(row[0], today, dry_run, made_at, None, placed)


def policies(connection: Connection, today: date) -> dict[str, Policy]:
    """Return the enabled policies as of the UTC day `today`, by table."""
    with connection.cursor(row_factory=class_row(Policy)) as cursor:
        found = cursor.execute(statement("lifecycle/retention/policies"), {"today": today}).fetchall()
    return {policy.table_name: policy for policy in found}


def is_due(archive: Archive, at: datetime) -> bool:
    """Return whether the rows of a verified archive have stayed for long enough."""
    return archive.keep_until <= at


def latest_plan(connection: Connection) -> Plan | None:
    """Return the newest plan that is no dry run, with the outcome of its steps; None before the first."""
    row = connection.execute(statement("lifecycle/retention/latest")).fetchone()
    if row is None:
        return None
    with connection.cursor(row_factory=class_row(Step)) as cursor:
        steps = cursor.execute(statement("lifecycle/retention/steps"), {"id": row[0]}).fetchall()
    identity, day, dry_run, made_at, finished_at = row
    return Plan(identity, day, dry_run, made_at, finished_at, tuple(steps))


def _steps_of(
    connection: Connection,
    tables: Sequence[Table],
    policy: Policy,
    earlier: Sequence[Earlier],
    today: date,
    made_at: datetime,
) -> Iterator[Step]:
    name, before = policy.table_name, policy.anonymise_before
    if before is not None:
        blocked_by = _not_to_be_anonymised(tables, policy)
        reason = f"older than {policy.anonymise_after}"
        if blocked_by:
            yield Step("anonymise", name, before, 0, None, reason, blocked_by)
        else:
            yield from _anonymising(connection, tables, name, before, reason)
            for some in earlier:
                ends = today - timedelta(days=some.days)
                # The smaller number of days counts, so the gate can only make it earlier.
                if ends > before:
                    yield from _anonymising(
                        connection, tables, name, ends, some.reason, after=before, tenant_ids=[*some.tenant_ids]
                    )
    if policy.leave_before is not None:
        blocked_by = _not_to_leave(tables, policy)
        if blocked_by:
            action = "delete" if policy.action == "drop" else "archive"
            yield Step(action, name, policy.leave_before, 0, None, f"older than {policy.keep}", blocked_by)
        else:
            yield from _leaving(connection, leaving(tables)[name], policy, today, made_at)


def _anonymising(
    connection: Connection,
    tables: Sequence[Table],
    name: str,
    before: date,
    reason: str,
    *,
    after: date | None = None,
    tenant_ids: list[str] | None = None,
) -> Iterator[Step]:
    """Yield the step that anonymises rows before a day, if there are any that no earlier step is about."""
    rows = due_to_anonymise(connection, tables, name, before, after=after, tenant_ids=tenant_ids)
    if rows:
        blocks = anonymisable(tables)[name].anonymise_blocks
        blocked_by = _together(*filter(None, (block(connection, before) for block in blocks)))
        yield Step("anonymise", name, before, rows, None, reason, blocked_by, tenant_ids=tenant_ids)


def _not_to_be_anonymised(tables: Sequence[Table], policy: Policy) -> str | None:
    known = anonymisable(tables)
    if policy.table_name in known:
        return None
    return f"no personal fields of {policy.table_name} are declared, only of {' and '.join(known)}: {_FIX_POLICY}"


def _not_to_leave(tables: Sequence[Table], policy: Policy) -> str | None:
    known = leaving(tables)
    if policy.table_name in known:
        return None
    if not policy.is_table:
        return f"there is no table trackai.{policy.table_name}: {_FIX_POLICY}"
    return f"rows of {policy.table_name} are kept forever, only those of {', '.join(known)} leave: {_FIX_POLICY}"


@dataclass(frozen=True)
class _Held:
    """Rows of a table and UTC day that are in the database, in their table or detached from it."""

    rows: int
    bytes: int | None
    place: str = "table"
    """table, or of a day that has a partition: attached or alone."""

    def bytes_of(self, rows: int) -> int | None:
        """Return the bytes that this many of them take; an empty partition has its own size."""
        return self.bytes if self.bytes is None or rows == self.rows else self.bytes * rows // self.rows


def _leaving(connection: Connection, table: Table, policy: Policy, today: date, made_at: datetime) -> Iterator[Step]:
    """Yield the steps that archive, drop or delete days of a table."""
    before = policy.leave_before
    assert before is not None
    held = (_partitions_before if table.partitioned else _days_before)(connection, table, before)
    files = _files_by_day(connection, table)
    days = sorted(held.keys() | files.keys())
    if table.stays is not None:
        staying = {*table.stays(connection, days, before)}
        days = [day for day in days if day not in staying]
    blocks = _blocks(connection, table, days, today)
    old = f"older than {policy.keep}"
    for day in days:
        of_day = files.get(day, [])
        verified = [file for file in of_day if file.state == "verified"]
        due = [file for file in verified if is_due(file, made_at)]
        # Rows of days from `before` on were not counted.
        here = held.get(day, _Held(sum(file.rows for file in verified) if day >= before else 0, None))
        deleting = policy.action == "drop"
        # A partition that is attached again is archived again: its restoration was interrupted, and rows may have come.
        if due and (deleting or here.place != "attached"):
            rows = _still_there(here.rows, verified, due)
            reason = f"archived, and was to stay until {_time(max(file.keep_until for file in due))}"
            younger = [f"not {old} on {today}"] if day >= before else []
            yield Step("drop", table.name, day, rows, here.bytes_of(rows), reason, _together(*younger, *blocks[day]))
        rest = _rest(here, verified, deleting=deleting)
        if day in held and rest is not None:
            action = "delete" if deleting else "archive"
            reason = f"{old}; not all of it is in the archive" if verified else old
            restored = [
                f"restored, and kept until {_time(file.keep_until)}"
                for file in of_day
                if file.state == "restored" and file.keep_until > made_at
            ]
            yield Step(
                action, table.name, day, rest, here.bytes_of(rest), reason, _together(*blocks[day], *restored[-1:])
            )


def _together(*sentences: str) -> str | None:
    return "; ".join(sentences) or None


def _rest(here: _Held, verified: Sequence[Archive], *, deleting: bool) -> int | None:
    """Return how many rows of a day to archive or delete; None where there is nothing to do for them now."""
    if not verified:
        return here.rows
    # Archived rows leave with their archive; the rest of the day is deleted after that.
    if deleting or here.place == "alone":
        return None
    if here.place == "attached":
        return here.rows
    late = here.rows - sum(file.rows for file in verified)
    return late if late > 0 else None


def _still_there(rows: int, verified: Sequence[Archive], due: Sequence[Archive]) -> int:
    """Return how many rows of the files that are due are in the database, where the day has `rows` rows.

    They are fewer than the files hold where a drop was interrupted: files go in order of their parts, so the last ones
    are whole.
    """
    found = 0
    for file in sorted(verified, key=lambda file: -file.part):
        of_file = min(file.rows, rows)
        rows -= of_file
        found += of_file if file in due else 0
    return found


def _steps_without_policy(connection: Connection, known: Mapping[str, Policy], made_at: datetime) -> Iterator[Step]:
    """Yield archived days that would be dropped if a policy still let the rows of their table leave."""
    names = [name for name, policy in known.items() if policy.leave_before is not None]
    for file in archives(connection, states=["verified"]):
        if file.table_name not in names and is_due(file, made_at):
            yield Step(
                "drop",
                file.table_name,
                file.day,
                file.rows,
                None,
                f"archived, and was to stay until {_time(file.keep_until)}",
                f"no enabled policy lets rows of {file.table_name} leave any more: switch one on, or take the day back "
                f"with `trackai restore {file.table_name} {file.day}`",
            )


def _partitions_before(connection: Connection, table: Table, before: date) -> dict[date, _Held]:
    found = connection.execute(
        statement("lifecycle/retention/partitions"), {"table": table.name, "before": before}
    ).fetchall()
    held = {}
    for day, name, size, alone in found:
        row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("trackai", name))).fetchone()
        assert row is not None
        held[day] = _Held(row[0], size, "alone" if alone else "attached")
    return held


def _days_before(connection: Connection, table: Table, before: date) -> dict[date, _Held]:
    size = connection.execute(statement("lifecycle/retention/row_size"), {"table": table.name}).fetchone()
    a_row = size[0] if size else None
    count = sql.SQL(statement("lifecycle/retention/rows_by_day")).format(
        table=sql.Identifier("trackai", table.name), time=sql.Identifier(table.time_column)
    )
    return {
        day: _Held(rows, None if a_row is None else round(rows * a_row))
        for day, rows in connection.execute(count, {"before": before})
    }


def _files_by_day(connection: Connection, table: Table) -> dict[date, list[Archive]]:
    """Return the files whose rows are in the database, verified or restored, by day."""
    found: dict[date, list[Archive]] = {}
    for file in archives(connection, table.name, states=["verified", "restored"]):
        found.setdefault(file.day, []).append(file)
    return found


def _blocks(connection: Connection, table: Table, days: Sequence[date], today: date) -> dict[date, list[str]]:
    """Return what keeps the rows of each of these days in the database, sentence by sentence."""
    found: dict[date, list[str]] = {day: [] for day in days}
    for blocks in table.blocks:
        for day, sentence in blocks(connection, days, today):
            found[day].append(sentence)
    return found


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
