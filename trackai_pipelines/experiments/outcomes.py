"""What the users of tests bought, and whether it counts.

What belongs here: classifying sales, storing outcomes, and handing over what adds to totals. What does not: sums
(totals.py), and which tests and days are computed (computing.py).

All tests of a tenant are read at once: their assignments lie mixed in the order they arrived in, and reading those of
one test by its key would take as long as reading all.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from typing import Any, LiteralString

from psycopg import Connection, sql

from trackai_pipelines.database.statements import statement
from trackai_pipelines.experiments.designs import Design
from trackai_pipelines.experiments.periods import midnight_after, outcomes_from
from trackai_pipelines.experiments.totals import UserCount
from trackai_pipelines.experiments.user_bits import read_user_bits

ALL_LINKS = sql.SQL("trackai.user_conversions")
ALL_MATCHES = sql.SQL("trackai.matched_attributions")
ALL_USERS = sql.SQL("trackai.ab_test_users_as_known(%(tenant_id)s, %(known_at)s)")
_EVERY = sql.SQL("true")
EVER = "infinity"
"""Known at this moment is what is known now."""

MANY: Mapping[str, str | None] = {
    "work_mem": None,
    "enable_nestloop": "off",
    "enable_mergejoin": "off",
    "enable_indexscan": "off",
    "enable_sort": "off",
    "default_statistics_target": "1",
}
"""Plans for reading everything: once, joined by hashes, whatever the server knows of the tables. The first night after
a large load it knows nothing, and looking up a million rows one by one takes longer than reading ten million. Memory
goes by the server's (set_plans). Of the tables that are made on the way it only needs to know how many rows they
have."""

Sales = Mapping[str, Sequence[bytes]]
"""Packed sales (totals.SALE) by variant."""


@contextmanager
def plans(connection: Connection[Any], settings: Mapping[str, str | None]) -> Iterator[None]:
    """Within the block, statements of the transaction are planned with these settings."""
    given = {"names": list(settings), "values": list(settings.values())}
    before = connection.execute(statement("experiments/set_plans"), given).fetchall()
    yield
    given = {"names": [name for name, _, _ in before], "values": [value for _, value, _ in before]}
    connection.execute(statement("experiments/set_plans"), given)


def write_outcomes(
    connection: Connection[Any], designs: Sequence[Design], until: Mapping[int, date], now: datetime
) -> Mapping[int, Sales]:
    """Write the outcomes of a tenant's tests from nothing, up to the end of a UTC day each; return what adds to totals.

    Outcomes of sales that have been anonymised meanwhile stay as they are, and add as they are.
    """
    given = {**parameters(designs, until), "now": now}
    connection.execute(statement("experiments/delete_outcomes"), given)
    query = composed("experiments/write_outcomes", classified(linked_sales()))
    return _with_stayed(connection, _packed(connection, query, given), given)


def read_outcomes(
    connection: Connection[Any], designs: Sequence[Design], until: Mapping[int, date], known_at: datetime | str = EVER
) -> Mapping[int, Sales]:
    """Return what adds to the totals of a tenant's tests as far as it had arrived by a moment; write nothing."""
    given = parameters(designs, until, known_at)
    links = within(sql.SQL(statement("experiments/links_as_known")))
    query = composed("experiments/pack_outcomes", classified(linked_sales(links=links)))
    return _with_stayed(connection, _packed(connection, query, given), given)


def stored_outcomes(
    connection: Connection[Any], designs: Sequence[Design], until: Mapping[int, date], from_day: date
) -> Mapping[int, Sales]:
    """Return what is stored of the users who arrived (scans.py), of sales of a UTC day or later, packed."""
    outcomes = sql.SQL(statement("experiments/stored_outcomes"))
    bits = read_user_bits(connection, "experiments/pack_arrived_users")
    given = {**parameters(designs, until), **bits, "from_day": from_day}
    return _packed(connection, composed("experiments/pack_outcomes", outcomes), given)


def explored_outcomes(
    connection: Connection[Any], design: Design, to_day: date, lookback_days: int | None = None
) -> Sales:
    """Return what adds to the totals of a test with any window or scope, matched within so many days; write nothing.

    None: as sales are matched. Sales that have been anonymised keep the user that they were linked with.
    """
    given = parameters([design], {design.id: to_day})
    given |= {"anonymised_by": "-infinity", "lookback_days": lookback_days}
    matches = within(sql.SQL(statement("experiments/matches_within")))
    sales = linked_sales(matches=ALL_MATCHES if lookback_days is None else matches)
    query = composed("experiments/pack_outcomes", classified(sales))
    return _packed(connection, query, given)[design.id]


def count_users(
    connection: Connection[Any], designs: Sequence[Design], known_at: datetime | str = EVER
) -> Mapping[int, Sequence[UserCount]]:
    """Return how many users each of a tenant's tests has, by variant, day of assignment and exclusion."""
    return _counted(connection, "experiments/count_users", designs, {"known_at": known_at})


def count_arrived_users(
    connection: Connection[Any], designs: Sequence[Design], from_days: Mapping[int, date], since: datetime
) -> Mapping[int, Sequence[UserCount]]:
    """Return the same of the users who arrived since a time (scans.py), assigned on some UTC day or later."""
    assigned_from = [datetime.combine(from_days[design.id], time(tzinfo=UTC)) for design in designs]
    given = {"assigned_from": assigned_from, "since": since}
    return _counted(connection, "experiments/count_arrived_users", designs, given)


def _counted(
    connection: Connection[Any], name: LiteralString, designs: Sequence[Design], given: Mapping[str, Any]
) -> Mapping[int, Sequence[UserCount]]:
    of_tests = {"tenant_id": designs[0].tenant_id, "test_ids": [design.id for design in designs]}
    counts: dict[int, list[UserCount]] = {design.id: [] for design in designs}
    for test_id, *count in connection.execute(statement(name), {**given, **of_tests}):
        counts[test_id].append(UserCount(*count))
    return counts


def parameters(designs: Sequence[Design], until: Mapping[int, date], known_at: datetime | str = EVER) -> dict[str, Any]:
    """Return the parameters of statements over tests of one tenant, each up to the end of a UTC day."""
    ends = [midnight_after(until[design.id]) for design in designs]
    return {
        "tenant_id": designs[0].tenant_id,
        "test_ids": [design.id for design in designs],
        "outcomes_from": [outcomes_from(design) for design in designs],
        "outcomes_until": ends,
        "window_days": [design.window_days for design in designs],
        "outcome_events": [design.outcome_event for design in designs],
        "outcome_scopes": [design.outcome_scope for design in designs],
        "currencies": [design.currency for design in designs],
        "sales_from": min(outcomes_from(design) for design in designs),
        "sales_until": max(ends),
        "known_at": known_at,
        "anonymised_by": known_at,
    }


def linked_sales(links: sql.Composable = ALL_LINKS, matches: sql.Composable = ALL_MATCHES) -> sql.Composed:
    """Return the statement of sales and their users, over tables or statements of links and of matches."""
    return sql.SQL(statement("experiments/linked_sales")).format(links=links, matches=matches)


def classified(
    sales: sql.Composable, users: sql.Composable = ALL_USERS, chosen: sql.Composable = _EVERY
) -> sql.Composed:
    """Return the statement that classifies sales, of a statement of sales `s` and a table of users of tests `u`.

    `chosen` is a condition on both.
    """
    return sql.SQL(statement("experiments/outcomes")).format(sales=within(sales), users=users, chosen=chosen)


def composed(name: LiteralString, outcomes: sql.Composable) -> sql.Composed:
    """Return a statement with another one in the place of `{outcomes}`."""
    return sql.SQL(statement(name)).format(outcomes=within(outcomes))


def within(inner: sql.Composable) -> sql.Composed:
    """Return a statement as a table of another one."""
    return sql.SQL("(\n{}\n)").format(inner)


def _packed(
    connection: Connection[Any], query: sql.Composed, given: Mapping[str, Any]
) -> dict[int, dict[str, list[bytes]]]:
    found: dict[int, dict[str, list[bytes]]] = {test_id: {} for test_id in given["test_ids"]}
    with connection.cursor(binary=True) as cursor:
        for test_id, variant, sales in cursor.execute(query, given):
            found[test_id].setdefault(variant, []).append(sales)
    return found


def _with_stayed(
    connection: Connection[Any], sales: dict[int, dict[str, list[bytes]]], given: Mapping[str, Any]
) -> Mapping[int, Sales]:
    row = connection.execute(statement("experiments/has_anonymised_sales"), given).fetchone()
    if row is not None and row[0]:
        stayed = _packed(
            connection, composed("experiments/pack_outcomes", sql.SQL(statement("experiments/stayed_outcomes"))), given
        )
        for test_id, variants in stayed.items():
            for variant, pieces in variants.items():
                sales[test_id].setdefault(variant, []).extend(pieces)
    return sales
