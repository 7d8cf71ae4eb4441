"""`trackai restore`: bring an archived day back.

What belongs here: the command and what it says. What does not: restoring (restore.py).
"""

from datetime import datetime, timedelta
from typing import Annotated

import typer

from trackai_pipelines.terminal.failures import usage
from trackai_pipelines.terminal.output import remark
from trackai_pipelines.terminal.workspace import ready_database, workspace


def restore(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="The rows' table, e.g. match_log.")],
    day: Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], metavar="DAY", help="The UTC day, YYYY-MM-DD.")],
    keep_days: Annotated[int, typer.Option("--keep-days", min=1, help="How long it stays at least.")] = 30,
) -> None:
    """Bring an archived day of a table back into the database.

    Rows come back exactly as they left. After the days of --keep-days retention archives them again. Safe to repeat.
    """
    from trackai_pipelines.database.pooler import connect_directly
    from trackai_pipelines.lifecycle.archive.manifest import archives
    from trackai_pipelines.lifecycle.archive.restore import restore_day
    from trackai_pipelines.lifecycle.archive.store import open_store
    from trackai_pipelines.lifecycle.leaving import leaving
    from trackai_pipelines.settings import Settings

    tables = leaving(workspace().tables)
    if table not in tables:
        raise usage(f"rows of {table} are not archived; tables: {', '.join(tables)}")
    settings = Settings()
    url = ready_database(settings)
    keep = timedelta(days=keep_days)
    with connect_directly(url, name="trackai restore") as connection:
        store = open_store(settings.archive_url)
        rows = restore_day(connection, url, store, tables[table], day.date(), keep=keep)
        kept = archives(connection, table, day.date(), states=["restored"])
    back = f"{rows:,} rows of {table} of {day:%Y-%m-%d} were put back" if rows else "All rows were there"
    remark(f"{back}. Retention leaves them alone until {kept[0].keep_until:%Y-%m-%d %H:%M} UTC.")
