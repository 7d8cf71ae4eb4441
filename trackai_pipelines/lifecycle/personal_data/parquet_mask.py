"""What is taken out of a table's rows when a person is erased: the same mask for PostgreSQL and for Parquet.

What belongs here: statements and masks composed from a table's declaration, for rows that are chosen by id or by the
person. What does not: finding a person's clicks by keys (`search`), the order of erasing (`erase`), and what an old row
loses (`anonymise`).

Statements take the parameters `tenant_id` and `now`, those of the rows' choice, and `quoted`: a regular expression.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from psycopg import Connection, sql

from trackai_pipelines.customer_information.hashing import contact_key
from trackai_pipelines.database.partitions import days_apart, partition_name
from trackai_pipelines.database.statements import statement
from trackai_pipelines.database.tables import columns_of
from trackai_pipelines.domain import Personal, Shrinks, Table

if TYPE_CHECKING:
    import pyarrow

STAMP = "anonymised_at"
_T = sql.SQL("t.{}")


@dataclass(frozen=True)
class Person:
    """By what the rows of a tenant's person are found."""

    tenant_id: str
    given: tuple[str, ...]
    """The hashes that were asked for."""
    hashes: tuple[str, ...]
    """These, and the hashes that stand next to them."""
    user_ids: tuple[str, ...] = ()
    conversion_ids: tuple[int, ...] = ()

    @property
    def contact_keys(self) -> tuple[str, ...]:
        """Return by what the tenant recognises the person once the hashes are gone."""
        return tuple(contact_key(self.tenant_id, digest) for digest in self.hashes)

    @property
    def parameters(self) -> dict[str, Any]:
        """Return the parameters of the statements of this module."""
        return {
            "tenant_id": self.tenant_id,
            "given": list(self.given),
            "hashes": list(self.hashes),
            "contact_keys": list(self.contact_keys),
            "user_ids": list(self.user_ids),
            "conversion_ids": list(self.conversion_ids),
        }


def personal_of(table: Table) -> Personal:
    """Return the table's declaration of personal data. Raises ValueError where it has none."""
    if table.personal is None:
        raise ValueError(f"{table.name} declares no personal data")
    return table.personal


def hash_columns(table: Table) -> list[str]:
    """Return the columns that hold a person's hashes."""
    personal = table.personal
    return [column for column in (personal.email_hash, personal.phone_hash) if column] if personal else []


def is_stamped(personal: Personal) -> bool:
    """Return whether rows say by `anonymised_at` that personal fields were removed."""
    return bool(personal.by_age) and personal.conversion is None


def of_table(name: str) -> sql.Identifier:
    """Return the identifier of a table of schema trackai."""
    return sql.Identifier("trackai", name)


def places_of(connection: Connection[Any], table: Table) -> list[tuple[sql.Identifier, Table]]:
    """Return where the table's rows are in the database: the table, and its days that are apart from it.

    Each comes with the declaration as far as its columns go: a day that was detached lacks columns that came later.
    """
    found = [(of_table(table.name), table)]
    for day in days_apart(connection, table.name) if table.partitioned else []:
        name = partition_name(table.name, day)
        found.append((of_table(name), within(table, {column.name for column in columns_of(connection, name)})))
    return found


def within(table: Table, columns: Collection[str]) -> Table:
    """Return the table with its declaration of personal data reduced to these columns."""
    personal = personal_of(table)

    def there(column: str | None) -> str | None:
        return column if column in columns else None

    return replace(
        table,
        personal=replace(
            personal,
            email_hash=there(personal.email_hash),
            phone_hash=there(personal.phone_hash),
            user_id=there(personal.user_id),
            contact_key=there(personal.contact_key),
            conversion=there(personal.conversion),
            texts=tuple(filter(there, personal.texts)),
            clear=tuple(filter(there, personal.clear)),
            quotes={column: instead for column, instead in personal.quotes.items() if column in columns},
            shrinks=_within(personal.shrinks, columns),
            by_age=personal.by_age if STAMP in columns else {},
        ),
    )


def _within(shrinks: Shrinks | None, columns: Collection[str]) -> Shrinks | None:
    becomes = shrinks and {name: value for name, value in shrinks.becomes.items() if name in columns}
    return replace(shrinks, becomes=becomes) if shrinks and becomes else None


# PostgreSQL -------------------------------------------------------------------------------------------------------


def erasing(table: Table, rows: sql.Identifier, which: sql.Composable) -> sql.Composed:
    """Return the statement that takes a person out of the rows of `rows` that `which` chooses, as table `t`.

    A table with declared `texts` takes, for each column of `quotes`, the parameter `quoting_<column>`: the keys of the
    rows whose column quotes the person.
    """
    personal = personal_of(table)
    if personal.delete:
        return sql.SQL(statement("lifecycle/personal_data/delete_rows")).format(rows=rows, which=which)
    if personal.shrinks:
        return sql.SQL(statement("lifecycle/personal_data/shrink_rows")).format(
            rows=rows,
            which=which,
            stays=_has(personal.shrinks.stays),
            changes=sql.SQL(", ").join(
                sql.SQL("{} = {}").format(sql.Identifier(column), sql.Literal(value))
                for column, value in personal.shrinks.becomes.items()
            ),
        )
    changes: list[sql.Composable] = [sql.SQL("{} = NULL").format(sql.Identifier(column)) for column in personal.clear]
    for column, instead in personal.quotes.items():
        if personal.texts:
            quotes = sql.SQL("t.{} = ANY ({})").format(
                sql.Identifier(table.key[-1]), sql.Placeholder(f"quoting_{column}")
            )
        else:
            quotes = sql.SQL("t.{} ~* {}").format(sql.Identifier(column), sql.Placeholder("quoted"))
        changes.append(
            sql.SQL("{0} = CASE WHEN {1} THEN {2} ELSE t.{0} END").format(
                sql.Identifier(column), quotes, sql.Literal(instead)
            )
        )
    if is_stamped(personal):
        changes.append(sql.SQL("{} = {}").format(sql.Identifier(STAMP), sql.Placeholder("now")))
    return sql.SQL(statement("lifecycle/personal_data/erase_rows")).format(
        rows=rows, changes=sql.SQL(", ").join(changes), which=which
    )


def with_ids(table: Table) -> sql.Composed:
    """Return the choice of rows by the parameter `ids`, the last column of the key, and the tenant where it leads."""
    chosen = _among(table.key[-1], "ids")
    if len(table.key) == 1:
        return chosen
    return sql.SQL("t.tenant_id = {} AND {}").format(sql.Placeholder("tenant_id"), chosen)


def with_sales(table: Table) -> sql.Composed:
    """Return the choice of rows that belong to the sales `conversion_ids` and still have something to erase."""
    personal = personal_of(table)
    assert personal.conversion is not None
    return sql.SQL("t.tenant_id = {} AND t.{} = ANY ({}) AND {}").format(
        sql.Placeholder("tenant_id"),
        sql.Identifier(personal.conversion),
        sql.Placeholder("conversion_ids"),
        _something_left(table),
    )


def of_person(table: Table, *, named: bool | None = None) -> sql.Composed:
    """Return the choice of a person's rows that still have something to erase, by the parameters of a `Person`.

    `named`: only rows with one of the given hashes, or only the others.
    """
    personal = personal_of(table)
    hashes = hash_columns(table)
    found = [_among(column, "hashes") for column in hashes]
    found += [_among(personal.user_id, "user_ids")] if personal.user_id else []
    found += [_among(personal.contact_key, "contact_keys")] if personal.contact_key else []
    found += [_among(personal.conversion, "conversion_ids")] if personal.conversion else []
    which = sql.SQL("t.tenant_id = {} AND {} AND {}").format(
        sql.Placeholder("tenant_id"), _any(found), _something_left(table)
    )
    if named is None:
        return which
    given = sql.SQL("coalesce({}, false)").format(_any(_among(column, "given") for column in hashes))
    return sql.SQL("{} AND {}").format(which, given if named else sql.SQL("NOT {}").format(given))


def at_most(table: Table, rows: sql.Identifier, which: sql.Composed) -> sql.Composed:
    """Return a choice of rows cut down to the parameter `size` of them; a sale's rows shrink together."""
    if personal_of(table).shrinks:
        return which
    key = sql.SQL(", ").join(_T.format(sql.Identifier(column)) for column in table.key)
    return sql.SQL("{which} AND ({key}) IN (SELECT {key} FROM {rows} t WHERE {which} LIMIT {size})").format(
        which=which, key=key, rows=rows, size=sql.Placeholder("size")
    )


def hashed(table: Table) -> sql.Composed:
    """Return the choice of rows with one of the parameter `hashes`."""
    return _any(_among(column, "hashes") for column in hash_columns(table))


def _any(conditions: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL("({})").format(sql.SQL(" OR ").join([sql.SQL("false"), *conditions]))


def _among(column: str, parameter: str) -> sql.Composed:
    return sql.SQL("t.{} = ANY ({})").format(sql.Identifier(column), sql.Placeholder(parameter))


def _something_left(table: Table) -> sql.Composable:
    personal = personal_of(table)
    if personal.delete:
        return sql.SQL("true")
    if personal.shrinks:
        return sql.SQL("NOT ({} AND {})").format(_has(personal.shrinks.stays), _has(personal.shrinks.becomes))
    if not personal.clear:
        raise ValueError(f"{table.name} declares by what a person is found, but no column to clear")
    columns = sql.SQL(", ").join(_T.format(sql.Identifier(column)) for column in personal.clear)
    return sql.SQL("num_nonnulls({}) > 0").format(columns)


def _has(values: Mapping[str, object]) -> sql.Composed:
    same = (
        sql.SQL("t.{} IS NOT DISTINCT FROM {}").format(sql.Identifier(column), sql.Literal(value))
        for column, value in values.items()
    )
    return sql.SQL("({})").format(sql.SQL(" AND ").join([sql.SQL("true"), *same]))


# Parquet ----------------------------------------------------------------------------------------------------------


def rows_of_person(table: Table, person: Person, rows: "pyarrow.Table") -> "pyarrow.ChunkedArray":
    """Return which rows are the person's and still have something to erase: `of_person` for Arrow."""
    from pyarrow import compute

    personal = personal_of(within(table, rows.column_names))
    by = [(column, person.hashes) for column in (personal.email_hash, personal.phone_hash)]
    by += [(personal.user_id, person.user_ids), (personal.contact_key, person.contact_keys)]
    by += [(personal.conversion, tuple(map(str, person.conversion_ids)))]
    theirs = _none(rows)
    for column, values in by:
        if column is not None:
            theirs = compute.or_(theirs, _is_in(rows[column], values))
    if personal.shrinks:
        has_all = compute.and_(_having(rows, personal.shrinks.stays), _having(rows, personal.shrinks.becomes))
        theirs = compute.and_(theirs, compute.invert(has_all))
    elif not personal.delete:
        left = _none(rows)
        for column in personal.clear:
            left = compute.or_(left, compute.is_valid(rows[column]))
        theirs = compute.and_(theirs, left)
    return compute.and_(theirs, _is_in(rows["tenant_id"], (person.tenant_id,)))


def rows_with_ids(table: Table, tenant_id: str, ids: Collection[int], rows: "pyarrow.Table") -> "pyarrow.ChunkedArray":
    """Return which rows of a tenant have one of these ids: `with_ids` for Arrow."""
    from pyarrow import compute

    return compute.and_(_is_in(rows["tenant_id"], (tenant_id,)), _is_in(rows[table.key[-1]], tuple(map(str, ids))))


def going(table: Table, rows: "pyarrow.Table", theirs: "pyarrow.ChunkedArray") -> "pyarrow.ChunkedArray":
    """Return which of the rows that are `theirs` are deleted."""
    from pyarrow import compute

    personal = personal_of(table)
    if personal.delete:
        return theirs
    if personal.shrinks:
        return compute.and_(theirs, compute.invert(_having(rows, personal.shrinks.stays)))
    return _none(rows)


def erased(
    table: Table,
    rows: "pyarrow.Table",
    theirs: "pyarrow.ChunkedArray",
    quoting: "Mapping[str, pyarrow.ChunkedArray | pyarrow.Array]",
    now: datetime,
) -> "pyarrow.Table":
    """Return the rows with `theirs` erased: `erasing` for Arrow. `quoting`: which rows' columns quote the person."""
    from pyarrow import compute

    personal = personal_of(within(table, rows.column_names))
    gone = going(table, rows, theirs)
    for column, value in (personal.shrinks.becomes if personal.shrinks else {}).items():
        rows = _replaced(rows, column, theirs, value)
    if personal.delete or personal.shrinks:
        return rows.filter(compute.invert(gone))
    for column in personal.clear:
        rows = _replaced(rows, column, theirs, None)
    for column, instead in personal.quotes.items():
        rows = _replaced(rows, column, compute.and_(theirs, quoting[column]), instead)
    return _replaced(rows, STAMP, theirs, now) if is_stamped(personal) else rows


def matching(table: Table, rows: "pyarrow.Table", expression: str) -> "dict[str, pyarrow.ChunkedArray]":
    """Return which rows' columns of `quotes` match a regular expression, in whatever case."""
    from pyarrow import compute

    return {
        column: compute.fill_null(
            compute.match_substring_regex(rows[column], expression, ignore_case=True), fill_value=False
        )
        for column in personal_of(table).quotes
        if column in rows.column_names
    }


def _having(rows: "pyarrow.Table", values: Mapping[str, object]) -> Any:
    import pyarrow
    from pyarrow import compute

    found = compute.invert(_none(rows))
    for column, value in values.items():
        same = (
            compute.is_null(rows[column])
            if value is None
            else compute.equal(rows[column], pyarrow.scalar(value, rows.schema.field(column).type))
        )
        found = compute.and_(found, compute.fill_null(same, fill_value=False))
    return found


def _none(rows: "pyarrow.Table") -> Any:
    import pyarrow

    return pyarrow.chunked_array([pyarrow.array([False] * rows.num_rows, pyarrow.bool_())])


def _is_in(column: "pyarrow.ChunkedArray", values: Collection[str]) -> Any:
    import pyarrow
    from pyarrow import compute

    return compute.is_in(column, value_set=pyarrow.array(list(values), pyarrow.string()).cast(column.type))


def _replaced(rows: "pyarrow.Table", name: str, where: Any, value: object) -> "pyarrow.Table":
    import pyarrow
    from pyarrow import compute

    field = rows.schema.field(name)
    column = compute.if_else(where, pyarrow.scalar(value, field.type), rows[name])
    return rows.set_column(rows.schema.get_field_index(name), field, column)
