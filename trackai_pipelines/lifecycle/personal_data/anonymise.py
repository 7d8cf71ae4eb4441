"""Anonymising: old rows stay and count, without what they say about a person, or with less of it.

What belongs here: rows of a certain age, by the tables' declarations. What does not: when that age is reached
(retention_policies), the family of a user agent (`user_agents`), and the data of one person (`erase`).
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime

from psycopg import Connection, sql

from trackai_pipelines.clock import Clock, utc_now
from trackai_pipelines.database.statements import statement
from trackai_pipelines.database.tables import columns_of
from trackai_pipelines.domain import Remains, Table
from trackai_pipelines.lifecycle.personal_data.parquet_mask import STAMP, of_table, personal_of
from trackai_pipelines.lifecycle.personal_data.user_agents import family_of

_BATCH = 2_000
"""Rows a transaction: it takes a fraction of a second and holds nobody up for longer."""

# `t` is the row, `taken` the families of its user agents.
_REMAINS = {
    Remains.NOTHING: sql.SQL("{0} = NULL"),
    Remains.NETWORK: sql.SQL("{0} = trackai.network_of(t.{0})"),
    Remains.FAMILY: sql.SQL("{0} = taken.{0}"),
    Remains.PAGE: sql.SQL("{0} = nullif(substring(t.{0} from '^[^?#]*'), '')"),
}


def anonymisable(tables: Sequence[Table]) -> dict[str, Table]:
    """Return the tables whose rows lose personal fields by their age, by name."""
    return {table.name: table for table in tables if table.time and table.personal and table.personal.by_age}


def due_to_anonymise(
    connection: Connection,
    tables: Sequence[Table],
    table_name: str,
    before: date,
    *,
    after: date | None = None,
    tenant_ids: Sequence[str] | None = None,
) -> int:
    """Return how many rows of a table from before a UTC day still have their personal fields.

    `after` is the first day that is counted, `tenant_ids` restricts them to these tenants. Raises ValueError for a
    table that declares no personal fields.
    """
    table = _known(tables, table_name)
    due = sql.SQL(statement("lifecycle/personal_data/anonymise_due")).format(
        table=of_table(table.name), time=sql.Identifier(table.time_column)
    )
    given = {"before": before, "after": after, "tenant_ids": None if tenant_ids is None else list(tenant_ids)}
    row = connection.execute(due, given).fetchone()
    assert row is not None
    return int(row[0])


def anonymise(
    connection: Connection,
    tables: Sequence[Table],
    table_name: str,
    before: date,
    *,
    tenant_ids: Sequence[str] | None = None,
    clock: Clock = utc_now,
) -> int:
    """Anonymise the rows of a table from before a UTC day, and with sales the rows that are declared to belong to them.

    `tenant_ids` restricts it to the rows of these tenants.

    Returns how many rows of the table it changed, oldest first, each batch committed. It can be killed at any moment,
    and the next run goes on; two runs at once share the work. A locked row is passed over and tried again; one that
    stays locked is left to the next run. Raises ValueError for a table that declares no personal fields.
    """
    table = _known(tables, table_name)
    changed = 0
    while sweep := sum(_sweep(connection, tables, table, before, tenant_ids, clock)):
        changed += sweep
    return changed


def _known(tables: Sequence[Table], table_name: str) -> Table:
    known = anonymisable(tables)
    if table_name not in known:
        raise ValueError(f"{table_name} has no personal fields that are anonymised: {' and '.join(known)} have")
    return known[table_name]


def _sweep(
    connection: Connection,
    tables: Sequence[Table],
    table: Table,
    before: date,
    tenant_ids: Sequence[str] | None,
    clock: Clock,
) -> Iterator[int]:
    """Go once from the oldest row to the last; yield the size of each batch."""
    agents = [column for column, remains in personal_of(table).by_age.items() if remains is Remains.FAMILY]
    names = [*table.key, *agents]
    take = sql.SQL(statement("lifecycle/personal_data/anonymise_take")).format(
        table=of_table(table.name),
        time=sql.Identifier(table.time_column),
        columns=sql.SQL(", ").join(map(sql.Identifier, [*names, table.time_column])),
    )
    change = _change(connection, table, names)
    with_sales = [
        _change_with_sales(other) for other in tables if table.name == "conversions" and _goes_with_sales(other)
    ]
    # From the end of the batch before: index entries of rows that have just been changed are not read again.
    after = datetime.min.replace(tzinfo=UTC)
    given = {"before": before, "rows": _BATCH, "tenant_ids": None if tenant_ids is None else list(tenant_ids)}
    while True:
        with connection.transaction():
            rows = connection.execute(take, {"after": after, **given}).fetchall()
            if not rows:
                return
            *columns, moments = (list(column) for column in zip(*rows, strict=True))
            taken = dict(zip(names, columns, strict=True))
            taken |= {column: [family_of(agent) for agent in taken[column]] for column in agents}
            connection.execute(change, {**taken, "now": clock()})
            for also in with_sales:
                connection.execute(also, {"tenant_ids": taken["tenant_id"], "ids": taken["id"]})
        after = moments[-1]
        yield len(rows)


def _change(connection: Connection, table: Table, names: Sequence[str]) -> sql.Composed:
    """Return the statement that anonymises rows by the arrays `names`: their keys, and families of user agents."""
    types = {column.name: column.type for column in columns_of(connection, table.name)}
    arrays = (
        # Types are the catalogue's own words.
        sql.SQL("{}::" + types[name] + "[]").format(sql.Placeholder(name))
        for name in names
    )
    changes = [
        _REMAINS[remains].format(sql.Identifier(column)) for column, remains in personal_of(table).by_age.items()
    ]
    changes.append(sql.SQL("{} = {}").format(sql.Identifier(STAMP), sql.Placeholder("now")))
    return sql.SQL(statement("lifecycle/personal_data/anonymise_rows")).format(
        table=of_table(table.name),
        changes=sql.SQL(", ").join(changes),
        arrays=sql.SQL(", ").join(arrays),
        names=sql.SQL(", ").join(map(sql.Identifier, names)),
        same=sql.SQL(" AND ").join(sql.SQL("t.{0} = taken.{0}").format(sql.Identifier(name)) for name in table.key),
    )


def _goes_with_sales(table: Table) -> bool:
    return table.personal is not None and table.personal.conversion is not None and bool(table.personal.by_age)


def _change_with_sales(table: Table) -> sql.Composed:
    """Return the statement that anonymises the rows of a table that belong to sales."""
    personal = personal_of(table)
    assert personal.conversion is not None
    return sql.SQL(statement("lifecycle/personal_data/anonymise_with_sales")).format(
        table=of_table(table.name),
        changes=sql.SQL(", ").join(
            _REMAINS[remains].format(sql.Identifier(column)) for column, remains in personal.by_age.items()
        ),
        conversion=sql.Identifier(personal.conversion),
        columns=sql.SQL(", ").join(sql.SQL("t.{}").format(sql.Identifier(column)) for column in personal.by_age),
    )
