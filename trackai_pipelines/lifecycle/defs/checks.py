"""Checks that tables have room for the rows to come, and that old rows leave them without being lost."""

from collections.abc import Sequence
from datetime import timedelta

import dagster as dg

from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.database.partitions import partition_days
from trackai_pipelines.domain import Domain, tables_of
from trackai_pipelines.lifecycle.archive.manifest import Archive, archives
from trackai_pipelines.lifecycle.archive.store import ArchiveError, open_store
from trackai_pipelines.lifecycle.retention.plan import latest_plan
from trackai_pipelines.settings import Settings

# Maintenance makes 28; with fewer than a week left, somebody has to look.
LEAST_DAYS_AHEAD = 7
# Sentences in a description; the numbers next to it count all.
_SHOWN = 5


@dg.asset_check(asset="match_log", description="The next 7 days of every partitioned table have their partitions.")
def partitions_ahead(database: EventDatabase, domains: dg.ResourceParam[tuple[Domain, ...]]) -> dg.AssetCheckResult:
    """No row will be without a partition in the coming week."""
    today = utc_now().date()
    wanted = [today + timedelta(days=ahead) for ahead in range(LEAST_DAYS_AHEAD + 1)]
    names = [table.name for table in tables_of(domains) if table.partitioned]
    with database.connect("checks") as connection:
        present = {name: partition_days(connection, name) for name in names}
    missing = [(name, day) for name, days in present.items() for day in wanted if day not in days]
    return dg.AssetCheckResult(
        passed=not missing,
        description="Run maintain_partitions: {1} has no partition in {0}.".format(*missing[0]) if missing else None,
        metadata={
            "partitions": sum(map(len, present.values())),
            "last day": min(map(max, present.values())).isoformat() if all(present.values()) and present else "none",
        },
    )


@dg.asset_check(
    asset="match_log",
    description="Fails when the file of an archive is missing. Warns when a step of the latest retention was "
    "blocked or failed, for any table.",
)
def retention_keeps_up(database: EventDatabase) -> dg.AssetCheckResult:
    """Old rows leave, and what has left is not lost."""
    with database.connect("checks") as connection:
        plan = latest_plan(connection)
        files = archives(connection, states=["verified", "dropped"])
        missing = _missing(files)
        if missing:
            # An archive that is being rewritten has another name by now.
            files = archives(connection, states=["verified", "dropped"])
            missing = _missing(files)
    troubles = plan.troubles(utc_now()) if plan else []
    return dg.AssetCheckResult(
        passed=not missing and not troubles,
        severity=dg.AssetCheckSeverity.ERROR if missing else dg.AssetCheckSeverity.WARN,
        description=" ".join([*missing[:_SHOWN], *troubles[:_SHOWN]]) or None,
        metadata={
            "archives": len(files),
            "archived rows": sum(file.rows for file in files),
            "archived bytes": sum(file.bytes for file in files),
            "missing files": len(missing),
            "steps blocked or failed": len(troubles),
            "latest retention": plan.day.isoformat() if plan else "none",
        },
    )


def _missing(files: Sequence[Archive]) -> list[str]:
    """Return a sentence for each archive whose file is missing. Folders are listed, files are not read."""
    if not files:
        return []
    try:
        store = open_store(Settings().archive_url)
        folders = {file.path.rpartition("/")[0] for file in files}
        present = {path for folder in folders for path in store.beginning_with(f"{folder}/")}
    except (ArchiveError, OSError) as error:
        return [f"The archive cannot be listed: {error}"]
    fix = {
        "verified": "the rows are still in the database, and their drop will find that out",
        "dropped": "put it back from a backup of the archive",
    }
    return [
        f"{store.shown(file.path)} is missing ({file.rows:,} rows of {file.table_name} of {file.day}): "
        f"{fix[file.state]}."
        for file in files
        if file.path not in present
    ]
