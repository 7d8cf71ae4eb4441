"""What doctor looks at: one function a subject, each giving its findings with the mend.

What belongs here: whether this installation can work. What does not: whether the data is right, which the asset
checks tell, and how findings are shown (doctor.py).
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

import psycopg
from psycopg import Connection

from trackai_pipelines.database.connection import connect
from trackai_pipelines.database.errors import DatabaseSetupError
from trackai_pipelines.database.migrate import newest_revision, schema_revision
from trackai_pipelines.database.server import dagster_database_url, event_database_url
from trackai_pipelines.database.statements import shipped, statement
from trackai_pipelines.ingest.arrivals import waiting_files
from trackai_pipelines.lifecycle.partitions import partition_days
from trackai_pipelines.settings import Settings
from trackai_pipelines.tenants.tenants import all_tenants

# Maintenance makes 28 days; with fewer than a week left somebody has to look.
LEAST_DAYS_AHEAD = 7
# The promise is seconds; minutes mean that nothing matches.
LONGEST_WAIT = timedelta(minutes=5)
# Dagster's daemon writes every 30 seconds and counts as dead after 300.
DAEMON_SILENCE = timedelta(minutes=5)
LEAST_FREE_BYTES = 10**9
LEAST_FREE_SHARE = 0.05
_RAISE_PARTITIONS = "Run `trackai migrate`, which makes partitions ahead."


class Verdict(StrEnum):
    """How bad it is: only `fail` makes doctor fail."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what was found, and what to do about it unless it is ok."""

    check: str
    verdict: Verdict
    said: str
    mend: str | None = None


def findings(settings: Settings, *, now: datetime) -> list[Finding]:
    """All checks. What depends on a failed one is left out: its mend comes first."""
    return [*_of_database(settings, now), *_of_dagster(settings, now), disk(settings.home)]


def _of_database(settings: Settings, now: datetime) -> Iterator[Finding]:
    try:
        url = event_database_url(settings)
        with connect(url, name="trackai doctor") as connection:
            yield Finding("database", Verdict.OK, _server(connection, settings))
            current = _schema(url)
            yield current
            if current.verdict is Verdict.OK:
                yield _partitions(connection, now)
                yield _queue(connection, now)
                yield _tenants(connection)
                yield _landing(connection, settings)
    except DatabaseSetupError as error:
        yield Finding("database", Verdict.FAIL, str(error), "Do what the message says.")
    except psycopg.OperationalError as error:
        yield Finding("database", Verdict.FAIL, str(error).strip(), "See that the server runs and can be reached.")


def _server(connection: Connection, settings: Settings) -> str:
    shown = {
        name: connection.execute("SELECT current_setting(%s)", [name]).fetchone()
        for name in ("server_version", "shared_buffers")
    }
    version, buffers = (row[0] if row else "?" for row in shown.values())
    where = f"embedded, {buffers} of shared buffers" if settings.database_url is None else "of TRACKAI_DATABASE_URL"
    return f"PostgreSQL {version.split()[0]}, {where}"


def _schema(url: str) -> Finding:
    found, newest = schema_revision(url), newest_revision()
    if found == newest:
        return Finding("schema", Verdict.OK, f"revision {found}")
    if found is None:
        return Finding("schema", Verdict.FAIL, "there is none yet", "Run `trackai migrate`.")
    return Finding("schema", Verdict.FAIL, f"revision {found}, not {newest}", "Run `trackai migrate`.")


def _partitions(connection: Connection, now: datetime) -> Finding:
    today = now.date()
    present = set(partition_days(connection))
    ahead = 0
    while today + timedelta(days=ahead + 1) in present:
        ahead += 1
    if today not in present:
        return Finding("partitions", Verdict.FAIL, "match_log has none for today: nothing matches", _RAISE_PARTITIONS)
    if ahead < LEAST_DAYS_AHEAD:
        return Finding("partitions", Verdict.FAIL, f"match_log has {ahead} days ahead of today", _RAISE_PARTITIONS)
    return Finding("partitions", Verdict.OK, f"match_log has today's and {ahead} days ahead")


def _queue(connection: Connection, now: datetime) -> Finding:
    row = connection.execute(statement("cli/oldest_waiting")).fetchone()
    waiting, since = row or (0, None)
    if since is None:
        return Finding("queue", Verdict.OK, "no conversion waits to be matched")
    said = f"{waiting:,} conversions wait, the oldest since {since:%Y-%m-%d %H:%M:%S} UTC"
    if now - since > LONGEST_WAIT:
        return Finding("queue", Verdict.WARN, said, "Run `trackai match`, or `trackai up` so that it runs by itself.")
    return Finding("queue", Verdict.OK, said)


def _tenants(connection: Connection) -> Finding:
    active = [tenant for tenant in all_tenants(connection) if tenant.status in ("active", "provisioning")]
    if not active:
        mend = "Add one with `trackai tenant add SLUG`."
        return Finding("tenants", Verdict.WARN, "there is no active tenant: every row is refused", mend)
    without = [tenant.slug for tenant in active if not tenant.pixel_id]
    if without:
        said = f"{len(without)} of {len(active)} have no pixel: {', '.join(without[:5])}"
        return Finding("tenants", Verdict.WARN, said, "Set trackai.tenants.pixel_id; nothing is delivered without it.")
    return Finding("tenants", Verdict.OK, f"{len(active)} active, each with a pixel")


def _landing(connection: Connection, settings: Settings) -> Finding:
    folder = settings.landing_dir
    if not folder.is_dir():
        return Finding(
            "landing folder", Verdict.WARN, f"{folder} does not exist", "Make it, or set TRACKAI_LANDING_DIR."
        )
    waiting = waiting_files(connection, folder)
    if waiting:
        mend = f"Run `trackai ingest '{folder}'`, or `trackai up` so that it is loaded by itself."
        return Finding("landing folder", Verdict.WARN, f"{len(waiting)} files wait to be loaded", mend)
    return Finding("landing folder", Verdict.OK, f"no file waits in {folder}")


def _of_dagster(settings: Settings, now: datetime) -> Iterator[Finding]:
    instance = settings.dagster_home / "dagster.yaml"
    if not instance.exists():
        yield Finding(
            "dagster.yaml", Verdict.WARN, f"{instance} is missing", "`trackai up` or `trackai env` writes it."
        )
    elif instance.read_bytes() != shipped("dagster.yaml").read_bytes():
        mend = "`trackai up` or `trackai env` writes it anew."
        yield Finding("dagster.yaml", Verdict.WARN, f"{instance} is not this version's", mend)
    else:
        yield Finding("dagster.yaml", Verdict.OK, str(instance))
    try:
        with connect(dagster_database_url(settings), name="trackai doctor") as connection:
            yield from _of_storage(connection, now)
    except DatabaseSetupError as error:
        yield Finding("Dagster's storage", Verdict.FAIL, str(error), "Do what the message says.")
    except psycopg.OperationalError as error:
        mend = "See that the server of DAGSTER_POSTGRES_URL runs and can be reached."
        yield Finding("Dagster's storage", Verdict.FAIL, str(error).strip(), mend)


def _of_storage(connection: Connection, now: datetime) -> Iterator[Finding]:
    row = connection.execute(statement("cli/dagster_tables")).fetchone()
    if row is None or not row[0]:
        yield Finding("Dagster's storage", Verdict.WARN, "answers, and is empty", "`trackai up` makes its tables.")
        return
    yield Finding("Dagster's storage", Verdict.OK, "answers")
    beat = connection.execute(statement("cli/daemon_heartbeat")).fetchone()
    last = beat[0] if beat else None
    if last is None or now - last > DAEMON_SILENCE:
        said = "has not run yet" if last is None else f"last heard of at {last:%Y-%m-%d %H:%M:%S} UTC"
        mend = "Run `trackai up`: sensors and schedules need it."
        yield Finding("Dagster's daemon", Verdict.WARN, said, mend)
    else:
        yield Finding("Dagster's daemon", Verdict.OK, f"lives ({last:%H:%M:%S} UTC)")


def disk(home: Path, *, usage: Callable[[Path], tuple[int, int, int]] = shutil.disk_usage) -> Finding:
    """Whether there is room where `home` is or will be; `usage` gives (total, used, free) bytes of a folder's disk."""
    place = next(folder for folder in (home, *home.parents) if folder.exists())
    total, _, free = usage(place)
    said = f"{free / 10**9:,.1f} GB free ({free / total:.0%}) at {place}"
    mend = "Free some space: PostgreSQL stops when the disk is full."
    if free < LEAST_FREE_BYTES:
        return Finding("disk", Verdict.FAIL, said, mend)
    if free < total * LEAST_FREE_SHARE:
        return Finding("disk", Verdict.WARN, said, mend)
    return Finding("disk", Verdict.OK, said)
