"""Tiers of a day: who enrols, who moves, and whose window is over, for all creators of a tenant at once.

What belongs here: the order of statements on a day, and courses: the days of some creators played again, in temporary
tables. What does not: the rules of tiers (sql/loyalty/evaluate_creators.sql), which days are due (evaluating.py), and
comparing (replaying.py).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from psycopg import Connection, sql

from trackai_pipelines.database.statements import statement
from trackai_pipelines.loyalty.rules import Rules

DAY = timedelta(days=1)
_MAKE_COURSE = (
    "loyalty/make_course_creators",
    "loyalty/fill_course_creators",
    "loyalty/make_course_events",
    "loyalty/make_course_entries",
    "loyalty/index_course_creators",
    "loyalty/index_course_days",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """Where creators, their events, their sales by day and their entries are."""

    creators: sql.Composable
    events: sql.Composable
    sales: sql.Composable
    entries: sql.Composable

    def composed(self, name: str) -> sql.Composed:
        """Return the statement of a name with these tables."""
        return sql.SQL(statement(name)).format(
            creators=self.creators, events=self.events, sales=self.sales, entries=self.entries
        )

    def sums_of_each(self) -> sql.Composed:
        """Return the sums of a creator, to be joined with each."""
        return sql.SQL("LATERAL ({})").format(self.composed("loyalty/sums_of_chosen"))

    def sums_of_all(self) -> sql.Composed:
        """Return the sums of all creators, to be joined with them."""
        return sql.SQL("({})").format(self.composed("loyalty/sums_of_all"))


RECORDED = Tables(
    creators=sql.SQL("trackai.loyalty_members"),
    events=sql.SQL("trackai.tier_checkpoints"),
    sales=sql.SQL("trackai.creator_sales_daily"),
    entries=sql.SQL("trackai.sales_ledger"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a day knows of the ledger."""

    ledger_upto: int
    """The last posting."""
    seen_upto: int
    """The last posting of the evaluation before."""


def evaluate_tiers(
    connection: Connection[Any],
    rules: Rules,
    day: date,
    known: Known,
    now: datetime,
    *,
    tables: Tables = RECORDED,
    corrects: bool = True,
) -> dict[str, int]:
    """Evaluate a day that follows the last one; return the number of events by status. Needs a transaction."""
    given = {**rules.parameters(day), "ledger_upto": known.ledger_upto, "seen_upto": known.seen_upto, "now": now}
    program = rules.program(day)
    enrolled = connection.execute(tables.composed("loyalty/enrol_creators"), given).fetchone()
    corrected: dict[str, str] = {}
    if corrects and program is not None and program.corrections != "none" and known.ledger_upto > known.seen_upto:
        late = [user for (user,) in connection.execute(tables.composed("loyalty/late_creators"), given)]
        corrected = corrected_tiers(connection, rules, late, day - DAY, known.ledger_upto, now) if late else {}
    given |= {"corrected_users": list(corrected), "corrected_tiers": list(corrected.values())}
    everybody = day in rules.first_days
    some = sql.SQL("c.user_id IN ({})").format(tables.composed("loyalty/creators_to_evaluate"))
    evaluate = sql.SQL(statement("loyalty/evaluate_creators")).format(
        creators=tables.creators,
        events=tables.events,
        chosen=sql.SQL("true") if everybody else some,
        sums=tables.sums_of_all() if everybody else tables.sums_of_each(),
    )
    # With what is known of a new tenant's rows, a plan that takes hours can look cheap. Each creator's own sums are
    # looked up all the same.
    connection.execute("SET LOCAL enable_nestloop = off")
    moves = connection.execute(evaluate, given).fetchall()
    connection.execute("SET LOCAL enable_nestloop TO DEFAULT")
    return {"enrolled": enrolled[0] if enrolled else 0, **dict(moves)}


def corrected_tiers(
    connection: Connection[Any], rules: Rules, users: Sequence[str], day: date, ledger_upto: int, now: datetime
) -> dict[str, str]:
    """Return the tiers of creators on a day, had all postings up to one been known from their enrolment on."""
    known = Known(ledger_upto=ledger_upto, seen_upto=ledger_upto)
    with course(connection, rules.tenant_id, users, ledger_upto, "corrected") as tables:
        play(connection, rules, tables, day, [(date.min, known)], now, corrects=False)
        return dict(connection.execute(tables.composed("loyalty/course_tiers")).fetchall())


@contextmanager
def course(
    connection: Connection[Any], tenant_id: str, users: Sequence[str], ledger_upto: int, name: str
) -> Iterator[Tables]:
    """Within the block, the tables of a course: the creators as before their enrolment, and their entries."""
    creators, events, entries = (sql.Identifier("pg_temp", f"{name}_{of}") for of in ("creators", "events", "entries"))
    known = sql.SQL("(SELECT * FROM {} WHERE posting_no <= %(ledger_upto)s)").format(entries)
    tables = Tables(creators=creators, events=events, sales=known, entries=entries)
    given = {"tenant_id": tenant_id, "users": list(users), "ledger_upto": ledger_upto}
    for step in _MAKE_COURSE:
        connection.execute(tables.composed(step), given)
    yield tables
    connection.execute(tables.composed("loyalty/drop_course"))


def play(
    connection: Connection[Any],
    rules: Rules,
    tables: Tables,
    until: date,
    known: Sequence[tuple[date, Known]],
    now: datetime,
    *,
    corrects: bool = True,
    after: date = date.min,
) -> None:
    """Play the days of a course after one, until one, which is included.

    `known` is what days know of the ledger, each from a day on, in the order of days. Only days on which something can
    happen are evaluated: the others change nothing.
    """
    days = sorted(day for day in _days(connection, rules, tables, known) if day > after)
    day = _next_day(connection, rules, tables, days, after)
    while day is not None and day <= until:
        of_day = known[bisect_right(known, day, key=lambda one: one[0]) - 1][1]
        evaluate_tiers(connection, rules, day, of_day, now, tables=tables, corrects=corrects)
        day = _next_day(connection, rules, tables, days, day)


def _next_day(
    connection: Connection[Any], rules: Rules, tables: Tables, days: Sequence[date], day: date
) -> date | None:
    """Return the next day after one on which something can happen; None where nothing can."""
    program = rules.program(day)
    given = {"day": day, "grace_days": program.grace_days if program else 0}
    (ends,) = connection.execute(tables.composed("loyalty/next_window_end"), given).fetchone() or (None,)
    later = bisect_right(days, day)
    return min((*days[later : later + 1], *((ends,) if ends else ())), default=None)


def _days(connection: Connection[Any], rules: Rules, tables: Tables, known: Sequence[tuple[date, Known]]) -> set[date]:
    """Return the days on which something can happen to creators of a course, but for the ends of their windows."""
    months = [one.checkpoint_months for one in rules.programs if one.checkpoint_months is not None]
    days = {day for (day,) in connection.execute(tables.composed("loyalty/course_days"), {"months": months})}
    first = min(days, default=date.max)
    postings = [no for (no,) in connection.execute(tables.composed("loyalty/course_postings"))]
    firsts = (bisect_left(known, no, key=lambda one: one[1].ledger_upto) for no in postings)
    days |= {known[at][0] for at in firsts if at < len(known)}
    days |= rules.first_days | set(rules.overrides)
    return {day for day in days if day >= first}
