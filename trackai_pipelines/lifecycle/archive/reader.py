"""DuckDB over archives: for questions that go through many files at once.

What belongs here: an engine that reaches the store, and files' names as it takes them. What does not: the questions.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING

from psycopg import sql

from trackai_pipelines.customer_information import placeholders
from trackai_pipelines.database.statements import statement
from trackai_pipelines.lifecycle.archive.manifest import Archive
from trackai_pipelines.lifecycle.archive.store import Store

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MEMORY = "1GB"


@contextmanager
def archive_reader(store: Store, folder: Path | None = None) -> "Iterator[DuckDBPyConnection]":
    """Yield an engine in UTC with bounded memory, and the macros that compute the keys of clicks.

    What does not fit goes to `folder`; without one, nothing that passes through is laid down anywhere else.
    """
    import duckdb

    facts = ":memory:" if folder is None else str(folder / "facts.duckdb")
    spill = "" if folder is None else str(folder)
    with duckdb.connect(facts, config={"memory_limit": _MEMORY, "temp_directory": spill}) as duck:
        duck.execute("SET TimeZone = 'UTC'")
        create_keys(duck)
        if not store.local:
            duck.register_filesystem(store.fs)
        yield duck


def create_keys(duck: "DuckDBPyConnection") -> None:
    """Create the macros that compute the keys of clicks as the database does."""
    for name, pattern in {
        "encoded_percent": placeholders.ENCODED_PERCENT,
        "entity": placeholders.ENTITY,
        "in_per_cent": placeholders.IN_PER_CENT,
        "placeholder": placeholders.PATTERN,
    }.items():
        duck.execute(sql.SQL("SET VARIABLE {} = ?").format(sql.Identifier(name)).as_string(), [pattern])
    duck.execute(statement("lifecycle/duckdb/keys"))


def readable(store: Store, archives: Sequence[Archive]) -> list[str]:
    """Return the files as `read_parquet` takes them: characters of patterns in a folder's name are escaped."""
    return [escape(store.shown(file.path)) if store.local else store.shown(file.path) for file in archives]
