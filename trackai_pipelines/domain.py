"""What a room of the project declares about itself: one `Domain`, in its `domain.py`.

`domains.py` lists the declarations in the order of the flow. Entry points (cli, web, demo, definitions.py) read that
list; mechanisms (ingest, lifecycle, report, doctor, ...) are handed what they need of it and import no domain. Domains
do not import each other: they meet in tables.

What belongs here: the shape of a declaration. What does not: any declaration, and any import of ours. Everything but
names and tables is a function with local imports: reading all declarations costs dataclasses only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    import dagster as dg
    from psycopg import Connection
    from starlette.routing import BaseRoute


class Remains(StrEnum):
    """What remains of a personal value once its row is old."""

    NOTHING = "nothing"
    """The column becomes NULL."""
    NETWORK = "network"
    """The network of an IP address (inet), /24 or /48."""
    FAMILY = "family"
    """The browser's family, of a user agent (text)."""
    PAGE = "page"
    """A URL (text) without its query and fragment."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shrinks:
    """What remains of rows that together say what a person did: some of them, with values that say nothing."""

    stays: Mapping[str, object] = field(default_factory=dict)
    """Rows with these values stay, and the others are deleted."""
    becomes: Mapping[str, object]
    """What the columns of rows that stay become."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Personal:
    """What the rows of a table say about a person, how the person is found, and what remains without it."""

    email_hash: str | None = None
    """The column with the SHA-256 of a person's e-mail address."""
    phone_hash: str | None = None
    """The column with the SHA-256 of a person's phone number."""
    user_id: str | None = None
    """The column with the app's own id of a user (`users.id`)."""
    contact_key: str | None = None
    """The column with a contact's key at a tenant (`customer_information.hashing.contact_key`)."""
    conversion: str | None = None
    """The column with a conversion's id: the row is erased in the transaction that erases the sale, and anonymised with
    it."""
    texts: tuple[str, ...] = ()
    """Columns in which a person may be quoted by a hash, a key or an IP address; the row is found by such a quote."""
    clear: tuple[str, ...] = ()
    """Columns that become NULL when a person is erased; a column by which the person is found is usually among them."""
    quotes: Mapping[str, str | None] = field(default_factory=dict)
    """Columns that are replaced only where they quote the person who is erased, each with what replaces the text."""
    delete: bool = False
    """Erasing deletes the row instead."""
    shrinks: Shrinks | None = None
    """Erasing leaves this of the rows instead."""
    by_age: Mapping[str, Remains] = field(default_factory=dict)
    """What remains of columns once the row is old. The table then has a column `anonymised_at timestamptz`, which is
    set with them (and by erasing), unless `conversion` is given; the age is counted from `Table.time`."""


Blocks = Callable[["Connection[Any]", Sequence[date], date], Iterator[tuple[date, str]]]
"""Given UTC days and today: which of these days' rows are still needed in the database, and why, in a sentence."""


Stays = Callable[["Connection[Any]", Sequence[date], date], Iterable[date]]
"""Given UTC days, and the day before which rows leave: those of the days whose rows stay all the same, because what
they belong to is not as old as they are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A table of schema `trackai`: its owner declares what the rest must know of it."""

    name: str
    key: tuple[str, ...]
    """The columns that identify a row."""
    time: str | None = None
    """The column (timestamptz, or a date) whose UTC day a row belongs to; None where nothing depends on a row's age."""
    leaves: Literal["partition", "delete", "never"] = "never"
    """How old rows go: as a partition a UTC day, by DELETE, or not at all."""
    span: Literal["month", "quarter"] | None = None
    """How long a partition is, of a table whose partitions are longer than a day: its old rows go by DELETE."""
    blocks: tuple[Blocks, ...] = ()
    """What keeps the rows of a day in the database though they are due: somebody has to see to it."""
    stays: Stays | None = None
    """The days that are not due yet, whatever their age."""
    restored: tuple[Callable[[Connection[Any]], None], ...] = ()
    """Called in each transaction that puts archived rows back by INSERT; the rows are in `pg_temp.restoring`."""
    personal: Personal | None = None
    anonymise_blocks: tuple[Callable[[Connection[Any], date], str | None], ...] = ()
    """Given a UTC day: what keeps the personal fields of rows before it, in a sentence, or None."""

    @property
    def partitioned(self) -> bool:
        """Return whether each UTC day is a partition."""
        return self.leaves == "partition"

    @property
    def time_column(self) -> str:
        """Return `time`. Raises ValueError for a table that declares none."""
        if self.time is None:
            raise ValueError(f"{self.name} declares no time column: its rows belong to no day")
        return self.time


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """What a room needs of another room's table; its fields mean what they mean in `Table`."""

    table: str
    blocks: tuple[Blocks, ...] = ()
    restored: tuple[Callable[[Connection[Any]], None], ...] = ()
    anonymise_blocks: tuple[Callable[[Connection[Any], date], str | None], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """A command, or a group of them, of the command line; `trackai --help` reads its name and `says` only."""

    name: str
    says: str
    load: Callable[[], Any]
    """Imports it: the function of a command, or the typer app of a group."""


class Level(StrEnum):
    """How bad a finding is: only `fail` makes doctor fail."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """What doctor found in one check, and how to fix it unless it is ok."""

    check: str
    level: Level
    said: str
    fix: str | None = None


@dataclass(frozen=True, slots=True)
class Checkup:
    """What doctor hands to a domain that it asks for findings, and the web application when it asks for metrics."""

    connection: Connection[Any]
    """The event database, its schema current."""
    now: datetime
    domains: tuple[Domain, ...]
    """All declarations, for what a mechanism has to check of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """A figure of now for `/metrics`: a gauge, in base units (seconds, a share of 1)."""

    name: str
    """In the form of Prometheus, without `trackai_`, e.g. `oldest_wait_seconds`."""
    says: str
    labels: tuple[str, ...] = ()
    samples: Sequence[tuple[tuple[str, ...], float]] = ()
    """The labels' values, and the number."""


@dataclass(frozen=True, slots=True)
class Period:
    """The UTC days that a report covers, both included, and the slug of one tenant or None for all."""

    first: date
    last: date
    tenant: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """A part of the report."""

    title: str
    template: Path
    """A Jinja template of this domain; it is rendered with what `data` returns, and escapes everything."""
    data: Callable[[Connection[Any], Period], Mapping[str, Any]]
    figures: Callable[[Mapping[str, Any]], Mapping[str, int | float | None]] | None = None
    """Its main figures by label, made from what `data` returned: an int is a count, a float a share of 1."""
    rank: int = 0
    """Sections of a lower rank come first; within a rank, the order of the flow."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoryPart:
    """What one domain made of a conversion: a table, a sentence, or both."""

    columns: tuple[str, ...] = ()
    rows: Sequence[tuple[object, ...]] = ()
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """The sample of a demo's home. It is made once: running the demo again finds it there."""

    seed: int
    days: int
    conversions: int
    end: datetime
    """The UTC midnight that it ends at."""
    home: Path
    landing_dir: Path
    truth: Mapping[str, Any]
    """What the domains' parts know of their files, by name; empty until the files are there."""

    @property
    def last_day(self) -> date:
        """The last UTC day with sales."""
        return self.end.date() - timedelta(days=1)

    @property
    def first_day(self) -> date:
        """The first UTC day with sales."""
        return self.last_day - timedelta(days=self.days - 1)


@dataclass(frozen=True, slots=True)
class DemoJob:
    """A Dagster job that the demo runs, and the partitions that it runs for."""

    name: str
    title: str
    """What the demo shows while it runs."""
    days: Literal["none", "today", "all"] = "none"
    """No partition, today's, or those from the sample's first day until today."""
    config: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What its ops are configured with, by their names."""


@dataclass(frozen=True, slots=True)
class Proof:
    """How what was found compares with the sample's truth."""

    differences: Sequence[str]
    """A line each; none when everything is as it should be."""
    agreement: str
    """What was proved if there is none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Companion:
    """Something that runs next to the demo, until its end."""

    variables: Mapping[str, str]
    """Set for every process of the demo."""
    prove: Callable[[Connection[Any]], Proof]
    """Called once all jobs have run."""
    shows: tuple[tuple[str, str], ...] = ()
    """What else can be looked at: addresses, each with what is there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoPart:
    """What a domain adds to `trackai demo`; the steps are taken in the order of these fields."""

    write: Callable[[Sample], Mapping[str, Any]] | None = None
    """Writes sample files into the landing folder and returns their truth: plain data, which the home remembers."""
    insert: Callable[[Connection[Any], Sample], None] | None = None
    """Puts rows into the database that no file brings; repeating it changes nothing."""
    accompany: Callable[[Connection[Any], Sample], AbstractContextManager[Companion]] | None = None
    """Starts what runs next to the demo."""
    jobs: tuple[DemoJob, ...] = ()
    checks: tuple[DemoJob, ...] = ()
    """Jobs that run after those of all domains."""
    figures: Callable[[Connection[Any], Sample], Mapping[str, Mapping[str, object]]] | None = None
    """Its columns of the table at the end: values by column, for each tenant's slug."""
    prove: Callable[[Connection[Any], Sample], Proof] | None = None
    shows: tuple[tuple[str, str], ...] = ()
    """Pages of Dagster's UI that are worth a look: paths, each with what is there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Domain:
    """A room's declaration; a field that a room has no use for keeps its default."""

    name: str
    """The name of its package, of its folders in sql/ and tests/, its page in docs/, its Dagster and command group."""
    says: str
    """What it is for, in a line."""
    tables: tuple[Table, ...] = ()
    needs: tuple[Need, ...] = ()
    """What it needs of tables that other rooms own."""
    kinds: Callable[[], Sequence[Any]] = tuple
    """The landing kinds (`ingest.kinds.Kind`)."""
    definitions: Callable[[], dg.Definitions] | None = None
    """Its Dagster definitions, from `<domain>/defs/__init__.py`."""
    definitions_for: Callable[[Sequence[Domain]], dg.Definitions] | None = None
    """Instead of `definitions`, where they depend on what all domains declare: a mechanism's."""
    commands: tuple[Command, ...] = ()
    health: Callable[[Checkup], Iterable[Finding]] | None = None
    """What it finds wrong with itself, or right, for `trackai doctor`."""
    demo: Callable[[], DemoPart] | None = None
    """Its part of the demo."""
    section: Callable[[], Section] | None = None
    """Its part of the report."""
    story: Callable[[Connection[Any], str, int], Iterable[StoryPart]] | None = None
    """What became of a conversion (tenant id, conversion id) here, for `trackai explain`."""
    metrics: Callable[[Checkup], Iterable[Metric]] | None = None
    """Its figures for `/metrics`: read every few seconds, so by an index and without long lists of labels."""
    routes: Callable[[], Sequence[BaseRoute]] | None = None
    """Its HTTP routes, their paths complete; `request.app.state.pool.connection()` is a connection."""
    erased_with_sales: Callable[[Connection[Any], str, Sequence[int], datetime], int] | None = None
    """Called in the transaction that erases conversions, with the tenant's id, the conversions' ids and the present;
    returns how many rows of its own it closed. Raises NotNowError where the sales cannot be erased yet."""


class NotNowError(Exception):
    """Something that passes is in the way; the text says what. The caller rolls back and retries."""


def tables_of(domains: Iterable[Domain]) -> tuple[Table, ...]:
    """Return all tables in the order of the flow, each with what its owner and the other rooms need of it."""
    domains = tuple(domains)
    needs = [need for domain in domains for need in domain.needs]

    def needed(table: Table) -> Table:
        of_others = [need for need in needs if need.table == table.name]
        return replace(
            table,
            blocks=(*table.blocks, *(block for need in of_others for block in need.blocks)),
            restored=(*table.restored, *(call for need in of_others for call in need.restored)),
            anonymise_blocks=(
                *table.anonymise_blocks,
                *(block for need in of_others for block in need.anonymise_blocks),
            ),
        )

    return tuple(needed(table) for domain in domains for table in domain.tables)
