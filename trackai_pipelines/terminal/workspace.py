"""The database as commands find it: reachable, and with the schema that this version works with.

What belongs here: when a command may change the schema by itself, and `trackai migrate`. What does not: how.
"""

import uuid
from typing import TYPE_CHECKING

from trackai_pipelines.terminal.output import fail, remark, results

if TYPE_CHECKING:
    from trackai_pipelines.settings import Settings


def ready_database(settings: "Settings") -> str:
    """The event database's URL, its schema current.

    The embedded server's schema is brought up to date without asking, and its partitions are kept ahead. A database
    of TRACKAI_DATABASE_URL is changed only by who says so: the command fails and names `trackai migrate`.
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
    """Migrate, then make partitions ahead; gives the revisions applied and the partitions made."""
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.database.migrate import is_current
    from trackai_pipelines.database.migrate import migrate as migrate_database
    from trackai_pipelines.database.partitions import create_partitions_ahead

    revisions = [] if is_current(url) else migrate_database(url)
    with connect(url, name="trackai migrate") as connection:
        partitions = create_partitions_ahead(connection, today=utc_now().date())
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
    """What rows written by a command name as their run."""
    return f"cli-{uuid.uuid4().hex[:12]}"
