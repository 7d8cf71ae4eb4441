"""Worlds of loyalty in the database: rules, creators and a ledger that grows by postings.

What belongs here: writing what a test's world holds, and reading back what became of it. What does not: chance
(test_worlds.py), and working it out (evaluator.py).
"""

from collections.abc import Iterable, Mapping
from dataclasses import astuple, fields
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from loyalty.evaluator import DAY, Entry, Event, Member, Program, State, Tier, World, evaluate
from psycopg import Connection, sql

from trackai_pipelines.loyalty.evaluating import EvaluatedDay, evaluate_due

_OVER = datetime(2100, 1, 1, tzinfo=UTC)
"""A moment at which every day of a world is due."""
FIRST = date(2025, 1, 31)
"""The first day of the small world."""


def found_program(connection: Connection[Any], tenant_id: str, world: World, time_zone: str = "UTC") -> None:
    """Insert the rules and creators of a world."""
    for program in world.programs:
        values = {name: getattr(program, name) for name in (field.name for field in fields(Program))}
        _insert(connection, "loyalty_programs", tenant_id, **values, time_zone=time_zone, status="active")
    for tier in world.tiers:
        values = {name: getattr(tier, name) for name in (field.name for field in fields(tier))}
        _insert(connection, "tiers", tenant_id, **values, tier_name=tier.tier_id.title())
    for member in world.members:
        _insert(connection, "users", tenant_id, id=member.user_id)
        _insert(
            connection,
            "loyalty_members",
            tenant_id,
            user_id=member.user_id,
            enrolled_on=member.enrolled_on,
            left_on=member.left_on,
        )
    for (user_id, day), tier_id in world.overrides.items():
        _insert(
            connection, "tier_overrides", tenant_id, user_id=user_id, effective_on=day, tier_id=tier_id, reason="a test"
        )


def post(connection: Connection[Any], tenant_id: str, entries: Iterable[Entry]) -> None:
    """Insert entries as postings, with the daily sales that go with them: those of sales stay when posting runs."""
    entries = list(entries)
    for posting_no in sorted({entry.posting_no for entry in entries}):
        _insert(
            connection,
            "ledger_postings",
            tenant_id,
            posting_no=posting_no,
            posted_at=_OVER,
            entries=1,
            amount_by_currency="{}",
            digest="0" * 64,
        )
    for number, entry in enumerate(entries):
        _insert(
            connection,
            "sales_ledger",
            tenant_id,
            posting_no=entry.posting_no,
            source="conversion",
            source_ref=f"shop:{entry.posting_no}-{number}",
            user_id=entry.user_id,
            revision=1,
            sale_day=entry.sale_day,
            amount=entry.amount,
            units=entry.units,
            currency=entry.currency,
            recorded_at=_OVER,
        )
        connection.execute(
            "INSERT INTO trackai.creator_sales_daily AS d"
            " (tenant_id, user_id, sale_day, currency, source, amount, units)"
            " VALUES (%s, %s, %s, %s, 'conversion', %s, %s)"
            " ON CONFLICT (tenant_id, user_id, sale_day, currency, source)"
            " DO UPDATE SET amount = d.amount + excluded.amount, units = d.units + excluded.units",
            (tenant_id, entry.user_id, entry.sale_day, entry.currency, entry.amount, entry.units),
        )


def play_out(connection: Connection[Any], tenant_id: str, world: World, known: Mapping[date, int]) -> None:
    """Post and evaluate day by day; days that know the same postings may be evaluated in one run."""
    ledger = sorted(world.ledger, key=lambda one: one.posting_no)
    posted = 0
    for day, upto in known.items():
        post(connection, tenant_id, [entry for entry in ledger if posted < entry.posting_no <= upto])
        posted = upto
        done = list(evaluate_due(connection, tenant_id, _OVER, until=day))
        assert [one.day for one in done if isinstance(one, EvaluatedDay)] == [day], done


def events_of(connection: Connection[Any], tenant_id: str) -> list[Event]:
    """Return the recorded events, by creator and day."""
    columns = sql.SQL(", ").join(sql.Identifier(field.name) for field in fields(Event))
    query = sql.SQL(
        "SELECT {} FROM trackai.tier_checkpoints WHERE tenant_id = %s ORDER BY user_id, checkpoint_date"
    ).format(columns)
    return [Event(*row) for row in connection.execute(query, (tenant_id,))]


def states_of(connection: Connection[Any], tenant_id: str) -> dict[str, tuple[object, ...]]:
    """Return where creators stand: what `standing` returns of the evaluator's."""
    query = """
        SELECT user_id, current_tier, anchor_day, checkpoint_no, window_start, window_end, climb_start, in_grace
        FROM trackai.loyalty_members WHERE tenant_id = %s AND current_tier IS NOT NULL
    """
    return {user_id: tuple(row) for user_id, *row in connection.execute(query, (tenant_id,))}


def standing(state: State) -> tuple[object, ...]:
    """Return a state without the months of its window, which no table has."""
    return astuple(state)[:-1]


def _insert(connection: Connection[Any], table: str, tenant_id: str, **values: object) -> None:
    row = {"tenant_id": tenant_id, **values}
    connection.execute(
        sql.SQL("INSERT INTO trackai.{} ({}) VALUES ({})").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(map(sql.Placeholder, row)),
        ),
        row,
    )


def moment(day: date, hour: int = 0) -> datetime:
    """Return a moment of a UTC day."""
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def small_world(**program: Any) -> World:
    """Return three creators, one of whom climbs, is kept and falls, with windows of a month."""
    needed = {1: Decimal(0), 2: Decimal(100), 3: Decimal(500)}
    tiers = [Tier(f"tier_{order}", FIRST, order, sales, None) for order, sales in needed.items()]
    members = [Member(user, FIRST) for user in ("c1", "c2")] + [Member("c3", FIRST + 9 * DAY)]
    sales = (
        *(("c1", 2, 99, 1), ("c1", 3, 1, 2), ("c2", 5, 700, 3)),
        *(("c1", 20, 130, 4), ("c3", 12, 500, 5), ("c2", 41, 120, 6)),
    )
    ledger = [Entry(no, user, FIRST + day * DAY, Decimal(amount), 1) for user, day, amount, no in sales]
    return World([Program(FIRST, checkpoint_months=1, **program)], tiers, members, ledger)


def expected(world: World, days: int) -> list[Any]:
    """Return the events of the first days, with everything known from the start."""
    known = {FIRST + count * DAY: max(entry.posting_no for entry in world.ledger) for count in range(days)}
    return evaluate(world, max(known), known)[0]
