"""What a command works with: the domains' declarations, and a database with the schema of this version.

What belongs here: handing commands what the domains declare, when a command may change the schema by itself, and
`trackai migrate`. What does not: how the schema is changed, and any domain.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trackai_pipelines.domain import Domain, Table, tables_of
from trackai_pipelines.terminal.output import fail, remark, results

if TYPE_CHECKING:
    from trackai_pipelines.settings import Settings


@dataclass(frozen=True, slots=True)
class Workspace:
    """The domains that a command works for; commands of mechanisms read here what the domains declare."""

    domains: tuple[Domain, ...]

    @property
    def tables(self) -> tuple[Table, ...]:
        """All tables, in the order of the flow."""
        return tables_of(self.domains)

    @property
    def kinds(self) -> tuple[Any, ...]:
        """All landing kinds, in the order of the flow; reading them imports their modules."""
        return tuple(kind for domain in self.domains for kind in domain.kinds())


_current: ContextVar[Workspace] = ContextVar("workspace")


@contextmanager
def working_with(domains: tuple[Domain, ...]) -> Iterator[None]:
    """Within the block, `workspace()` returns these domains' declarations; the command line runs commands in it."""
    before = _current.set(Workspace(domains))
    try:
        yield
    finally:
        _current.reset(before)


def workspace() -> Workspace:
    """Return what the command that is running works with. Raises LookupError outside of a command."""
    return _current.get()


def ready_database(settings: "Settings") -> str:
    """Return the event database's URL, its schema current.

    The embedded server's schema is brought up to date without asking, and its partitions are kept ahead. A database
    of TRACKAI_DATABASE_URL is changed only on request: the command fails and names `trackai migrate`.
    """
    from trackai_pipelines.database.migrate import is_current
    from trackai_pipelines.database.server import event_database_url

    url = event_database_url(settings)
    if settings.database_url is None:
        bring_up_to_date(url)
    elif not is_current(url):
        fail(
            "The schema of the database of TRACKAI_DATABASE_URL is not the one that this version works with. Run "
            "`trackai migrate`."
        )
    return url


def bring_up_to_date(url: str) -> tuple[list[str], list[str]]:
    """Migrate, then make partitions ahead; return the revisions applied and the partitions made."""
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.database.migrate import is_current
    from trackai_pipelines.database.migrate import migrate as migrate_database
    from trackai_pipelines.database.partitions import create_partitions_ahead

    revisions = [] if is_current(url) else migrate_database(url)
    with connect(url, name="trackai migrate") as connection:
        partitions = create_partitions_ahead(connection, workspace().tables, today=utc_now().date())
    return revisions, partitions


def migrate() -> None:
    """Bring the database to the newest schema and make partitions ahead.

    Safe to repeat, and safe to run twice at once: the second waits and finds nothing to do.
    """
    from trackai_pipelines.database.server import event_database_url
    from trackai_pipelines.settings import Settings

    revisions, partitions = bring_up_to_date(event_database_url(Settings()))
    for revision in revisions:
        results().print(f"applied {revision}")
    if partitions:
        results().print(f"made {len(partitions)} partitions, {partitions[0]} to {partitions[-1]}")
    if not revisions and not partitions:
        remark("Nothing to do: the schema is current and its partitions are there.")


def new_run_id() -> str:
    """Return an id by which rows that a command writes name their run."""
    return f"cli-{uuid.uuid4().hex[:12]}"
