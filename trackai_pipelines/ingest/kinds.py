"""Landing kinds: what a domain declares to have its files found, read, checked and written.

What belongs here: the shape of a declaration. What does not: any kind (domains declare theirs in `landing.py` and
return them from `Domain.kinds`), and how kinds are loaded (`files`, `rows`, `writing`, `load`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, LiteralString, NamedTuple, get_args, get_type_hints

import msgspec
from psycopg import Connection

from trackai_pipelines.domain import Domain
from trackai_pipelines.ingest.context import Context, Text
from trackai_pipelines.ingest.outcomes import NotTaken

WebhookReader = Callable[[Mapping[str, object]], Iterator[msgspec.Struct | NotTaken]]
"""Takes one payload as the gateway sends it (numbers as int, Decimal or str) and yields records of the kinds that
declare it.

Raises MalformedPayload where the payload is of the kind and lacks what a row needs.
"""


class Joined(NamedTuple):
    """Rows in the order in which they are to be written, and what the last of `SameThing.columns` has become."""

    rows: list[str]
    renamed: Mapping[tuple[str, str, str], str]
    """By tenant, gateway and former value."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SameThing:
    """Rows of webhooks that are left out because another row stands for the same thing, e.g. the same sale."""

    statement: LiteralString
    """Given arrays named after `columns`, it returns the place (from 1) and the reason of each row left out."""
    columns: tuple[str, ...]
    """A row without one of these values cannot be left out. The last is what the thing is known by."""
    names: Callable[[Any], tuple[str, ...]] = lambda _: ()
    """All names of the thing that a record stands for, where things have several."""
    join: Callable[[Connection[Any], Sequence[str], Mapping[str, tuple[str, ...]]], Joined] | None = None
    """Called in the transaction that writes rows of things with names: takes the rows, and the names by row."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Carried:
    """Texts in a webhook that may name a row of another table, which completes the row."""

    statement: LiteralString
    """It takes arrays named after `columns`, and `name`, and completes rows of `pg_temp.staged_<name of the kind>`."""
    columns: tuple[str, ...]
    """What identifies a staged row."""
    names: Callable[[Any], tuple[str, ...]]
    """The texts that a record carries, the first to be preferred."""


# Identity, not equality: a kind holds mappings, and there is one of each name.
@dataclass(frozen=True, kw_only=True, eq=False)
class Kind:
    """A kind of landing file. Its name is the prefix of its files."""

    name: str
    into: str | None = None
    """The asset, and the table in schema `trackai`, where they have another name."""
    says: str
    """What the asset's rows are, for people; Markdown."""
    record: type[msgspec.Struct]
    """What a record may hold. A field's type says how a value of another format is read: text (`Text`, `str | None`),
    a time (`datetime | None`), a day (`date | None`), an amount (`Decimal | None`), or anything (`object`). Other
    fields are left out."""
    columns: tuple[str, ...]
    """The columns that are written, `tenant_id` first. Rows are written in the order of these values, so the first
    columns should be a unique key: two loaders lock rows in one order, and the first row of a key wins."""
    row: Callable[[Any, Context], tuple[Text, ...]]
    """Returns the values of `columns` for a record, "" for none. Raises Refused."""
    optional: frozenset[str] = frozenset()
    """Fields and columns that cost no row: what of them cannot be used is left out and noted. Every other field makes
    the row what it is, and refuses it."""
    optional_where: Callable[[Mapping[str, object]], frozenset[str]] = lambda _: frozenset()
    """Given the values of a record as they came, returns the fields that are optional in this record besides."""
    spellings: Mapping[str, str] = field(default_factory=dict)
    """Other names of fields, as the programs that write such files have them; a dot leads into an object. Of several
    values for a field the first counts. The record forbids unknown fields, which is how others are noticed."""
    also_in_files: frozenset[str] = frozenset()
    """Columns that files may have, and that are left out without a note."""
    long_texts: frozenset[str] = frozenset()
    """Columns that may hold longer texts than a key."""
    row_id: str | None = None
    """A column that identifies the row; where it is empty, it is made of all the values."""
    now: str | None = None
    """A time that is the load's where it is empty."""
    stated: str | None = None
    """A time that is the file's where it is empty, later by a microsecond with every record."""
    numbered: str | None = None
    """A column that is the number of the record in its file, from 1."""
    whole_days: frozenset[str] = frozenset()
    """Times that may be a date alone, which stands for its midnight in UTC. Elsewhere a date alone is refused: a sale
    of that day could not be put in order with the day's clicks."""
    references: Mapping[str, LiteralString] = field(default_factory=dict)
    """Columns that name rows of other tables, each with the statement that returns which of them do not exist: it
    takes `tenant_ids` and `ids`, and returns pairs of them. A row goes without one that does not exist where the column
    is optional, and is refused where not."""
    known: LiteralString | None = None
    """The statement that returns what rows look up in `Context.known`: keys, then the value. Read once a file."""
    beforehand: tuple[LiteralString, ...] = ()
    """Statements to execute before `insert` in the same transaction, e.g. to take a lock, so that `insert` sees what
    others have loaded. They take `now` and may read `pg_temp.staged_<name>`."""
    insert: LiteralString | None = None
    """The statement that moves rows from `pg_temp.staged_<name>` to the table and returns how many are new or changed.
    It takes `now`. None: INSERT ... SELECT ... ON CONFLICT DO NOTHING."""
    afterwards: tuple[LiteralString, ...] = ()
    """Statements to execute in the same transaction; they take `now` and may read `pg_temp.staged_<name>`."""
    looks_into: tuple[str, ...] = ()
    """Tables, besides its own, whose rows these statements look up."""
    same_thing: SameThing | None = None
    carried: Carried | None = None
    webhooks: Mapping[str, WebhookReader] = field(default_factory=dict)
    """What reads the payloads of a gateway. Several kinds may read the payloads of one; those that declare the same
    reader have each payload read once."""

    @property
    def table(self) -> str:
        """The asset, and the table in schema `trackai`."""
        return self.into or self.name


class Columns(NamedTuple):
    """The columns that a kind's files may have; those of them that hold amounts, and times."""

    known: frozenset[str]
    amounts: frozenset[str] = frozenset()
    times: frozenset[str] = frozenset()


@cache
def types_of(record: type[msgspec.Struct]) -> Mapping[str, tuple[Any, ...]]:
    """Return the types that each field of a record takes."""
    # Kept, because evaluating annotations takes longer than reading a small file.
    return {name: get_args(hint) or (hint,) for name, hint in get_type_hints(record).items()}


def columns_of(kind: Kind) -> Columns:
    """Return the columns that the files of a kind may have."""
    types = {name: types_of(kind.record)[name] for name in kind.record.__struct_fields__}
    types |= {spelling: types[name] for spelling, name in kind.spellings.items()}
    amounts = frozenset(name for name, among in types.items() if Decimal in among)
    times = frozenset(name for name, among in types.items() if datetime in among or date in among)
    # An object is one column of a Parquet file.
    objects = {spelling.partition(".")[0] for spelling in kind.spellings}
    return Columns(frozenset(types) | objects | kind.also_in_files, amounts, times)


def kinds_of(domains: Iterable[Domain]) -> tuple[Kind, ...]:
    """Return the landing kinds of the domains, in the order in which they are loaded."""
    return tuple(kind for domain in domains for kind in domain.kinds())


def gateways_of(kinds: Iterable[Kind]) -> dict[str, list[Kind]]:
    """Return the gateways whose payloads are read, each with the kinds that read them."""
    gateways: dict[str, list[Kind]] = {}
    for kind in kinds:
        for gateway in kind.webhooks:
            gateways.setdefault(gateway, []).append(kind)
    return gateways
