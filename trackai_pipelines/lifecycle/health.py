"""What doctor finds of lifecycle: how the last retention went, and whether the archive can be written to."""

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from psycopg import Connection

from trackai_pipelines.domain import Checkup, Finding, Level
from trackai_pipelines.lifecycle.archive.store import ArchiveError, open_store
from trackai_pipelines.lifecycle.retention.plan import latest_plan
from trackai_pipelines.settings import Settings


def health(checkup: Checkup) -> Iterator[Finding]:
    """Yield a finding of retention and one of the archive."""
    yield _retention(checkup.connection, checkup.now)
    yield _archive(Settings().archive_url)


def _retention(connection: Connection, now: datetime) -> Finding:
    plan = latest_plan(connection)
    if plan is None:
        return Finding("retention", Level.OK, "has not run yet")
    troubles = plan.troubles(now)
    if not troubles:
        return Finding("retention", Level.OK, f"did all of its {len(plan.steps):,} steps as of {plan.day}")
    more = f" {len(troubles) - 3:,} more: `trackai retention --dry-run`." if len(troubles) > 3 else ""
    fix = "Fix what the sentences say; `trackai retention`, or the next daily run, then goes on."
    return Finding("retention", Level.WARN, f"as of {plan.day}: {' '.join(troubles[:3])}{more}", fix)


def _archive(url: str) -> Finding:
    """Return whether the archive can be written to. A local folder is only looked at: made here, it might be root's."""
    fix = "Give this account the right to write there, or let TRACKAI_ARCHIVE_DIR name another place."
    try:
        store = open_store(url)
        if store.local:
            root = Path(store.root)
            place = next(folder for folder in (root, *root.parents) if folder.exists())
            if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
                return Finding("archive", Level.FAIL, f"{url} cannot be written to, because of {place}", fix)
        else:
            with store.write("doctor") as file:
                file.write(b"trackai doctor was here\n")
            store.remove("doctor")
    except (ArchiveError, OSError) as error:
        return Finding("archive", Level.FAIL, f"{url} cannot be written to: {error}", fix)
    return Finding("archive", Level.OK, f"{url} can be written to")
