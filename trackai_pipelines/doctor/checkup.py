"""What doctor checks: the installation itself, and whatever each domain has to say.

What belongs here: database, schema, partitions, Dagster and disk. What does not: a domain's own findings (its
`health.py`), whether the data is right, which the asset checks say, and how findings are shown (cli.py).
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
from psycopg import Connection

from trackai_pipelines.database.connection import connect, connect_elsewhere
from trackai_pipelines.database.errors import DatabaseSetupError
from trackai_pipelines.database.migrate import newest_revision, schema_revision
from trackai_pipelines.database.partitions import partition_days
from trackai_pipelines.database.server import dagster_database_url, event_database_url
from trackai_pipelines.database.statements import shipped, statement
from trackai_pipelines.doctor.pooler import pooler
from trackai_pipelines.doctor.server_settings import server_settings, tuning
from trackai_pipelines.domain import Checkup, Domain, Finding, Level
from trackai_pipelines.settings import Settings, UndeployableError

# Maintenance makes 28 days; with fewer than a week left somebody has to look.
LEAST_DAYS_AHEAD = 7
# Dagster's daemon writes every 30 seconds and counts as dead after 300.
DAEMON_SILENCE = timedelta(minutes=5)
LEAST_FREE_BYTES = 10**9
LEAST_FREE_SHARE = 0.05


def checked(domains: Sequence[Domain], *, now: datetime) -> list[Finding]:
    """Return all findings for the environment's settings; only what is wrong with these, where they are refused."""
    try:
        settings = Settings()
    except UndeployableError as error:
        return [
            Finding("deployment", Level.FAIL, fault, "Set the variable for every process.") for fault in error.faults
        ]
    return findings(domains, settings, now=now)


def findings(domains: Sequence[Domain], settings: Settings, *, now: datetime) -> list[Finding]:
    """Return all findings, the domains' in the order of the flow. What depends on a failed check is left out."""
    return [
        *_deployment(settings),
        *_database(domains, settings, now),
        *_instance(settings),
        *_dagster(settings, now),
        disk(settings.home),
    ]


def _deployment(settings: Settings) -> Iterator[Finding]:
    if settings.deployed:
        yield Finding("deployment", Level.OK, "TRACKAI_DEPLOYED is set; databases and folders are given")


def _database(domains: Sequence[Domain], settings: Settings, now: datetime) -> Iterator[Finding]:
    try:
        url = event_database_url(settings)
        with connect(url, name="trackai doctor") as connection:
            yield Finding("database", Level.OK, _server(connection, settings))
            yield from pooler(connection, url)
            current = _schema(url)
            yield current
            if current.level is Level.OK:
                yield _partitions(connection, domains, now)
                yield tuning(server_settings(connection))
                checkup = Checkup(connection, now, tuple(domains))
                for domain in domains:
                    if domain.health:
                        yield from domain.health(checkup)
    except DatabaseSetupError as error:
        yield Finding("database", Level.FAIL, str(error), "Do what the message says.")
    except psycopg.OperationalError as error:
        yield Finding("database", Level.FAIL, str(error).strip(), "See that the server runs and can be reached.")


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
        return Finding("schema", Level.OK, f"revision {found}")
    if found is None:
        return Finding("schema", Level.FAIL, "there is none yet", "Run `trackai migrate`.")
    return Finding("schema", Level.FAIL, f"revision {found}, not {newest}", "Run `trackai migrate`.")


def _partitions(connection: Connection, domains: Sequence[Domain], now: datetime) -> Finding:
    """Whether every table that is partitioned by day has room for the next week."""
    said, missing = [], []
    for table in (table for domain in domains for table in domain.tables if table.leaves == "partition"):
        present = set(partition_days(connection, table.name))
        ahead = 0
        while now.date() + timedelta(days=ahead + 1) in present:
            ahead += 1
        if now.date() not in present:
            missing.append(f"{table.name} has none for today: it takes no row")
        elif ahead < LEAST_DAYS_AHEAD:
            missing.append(f"{table.name} has {ahead} days ahead of today")
        else:
            said.append(f"{table.name} has today's and {ahead} days ahead")
    if missing:
        fix = "Run `trackai migrate`, which makes partitions ahead."
        return Finding("partitions", Level.FAIL, "; ".join(missing), fix)
    return Finding("partitions", Level.OK, "; ".join(said))


def _instance(settings: Settings) -> Iterator[Finding]:
    """What Dagster's instance folder holds: ours, or a deployment's own."""
    if settings.deployed:
        yield _own_instance(settings.own_dagster_home)
        return
    instance = settings.dagster_home / "dagster.yaml"
    if not instance.exists():
        yield Finding("dagster.yaml", Level.WARN, f"{instance} is missing", "`trackai up` or `trackai env` writes it.")
    elif instance.read_bytes() != shipped("dagster.yaml").read_bytes():
        fix = "`trackai up` or `trackai env` replaces it."
        yield Finding("dagster.yaml", Level.WARN, f"{instance} is not this version's", fix)
    else:
        yield Finding("dagster.yaml", Level.OK, str(instance))


def _own_instance(home: Path | None) -> Finding:
    import yaml  # type: ignore[import-untyped]

    if home is None or not (home / "dagster.yaml").exists():
        said = "DAGSTER_HOME is not set" if home is None else f"there is none in {home} (DAGSTER_HOME)"
        fix = "Set DAGSTER_HOME to a folder with the deployment's dagster.yaml."
        return Finding("dagster.yaml", Level.WARN, said, fix)
    found = yaml.safe_load((home / "dagster.yaml").read_text(encoding="utf-8")) or {}
    launcher = found.get("run_launcher", {}).get("class", "DefaultRunLauncher")
    return Finding("dagster.yaml", Level.OK, f"{home / 'dagster.yaml'}, runs by {launcher}")


def _dagster(settings: Settings, now: datetime) -> Iterator[Finding]:
    try:
        with connect_elsewhere(dagster_database_url(settings), name="trackai doctor") as connection:
            yield from _storage(connection, now)
    except DatabaseSetupError as error:
        yield Finding("Dagster's storage", Level.FAIL, str(error), "Do what the message says.")
    except psycopg.OperationalError as error:
        fix = "See that the server of DAGSTER_POSTGRES_URL runs and can be reached."
        yield Finding("Dagster's storage", Level.FAIL, str(error).strip(), fix)


def _storage(connection: Connection, now: datetime) -> Iterator[Finding]:
    row = connection.execute(statement("doctor/dagster_tables")).fetchone()
    if row is None or not row[0]:
        yield Finding("Dagster's storage", Level.WARN, "answers, and is empty", "`trackai up` makes its tables.")
        return
    yield Finding("Dagster's storage", Level.OK, "answers")
    beat = connection.execute(statement("doctor/daemon_heartbeat")).fetchone()
    last = beat[0] if beat else None
    if last is None or now - last > DAEMON_SILENCE:
        said = "has not run yet" if last is None else f"last heard of at {last:%Y-%m-%d %H:%M:%S} UTC"
        fix = "Run `trackai up`: sensors and schedules need it."
        yield Finding("Dagster's daemon", Level.WARN, said, fix)
    else:
        yield Finding("Dagster's daemon", Level.OK, f"is alive ({last:%H:%M:%S} UTC)")


def disk(home: Path, *, usage: Callable[[Path], tuple[int, int, int]] = shutil.disk_usage) -> Finding:
    """Return whether there is room where `home` is or will be.

    `usage` returns the (total, used, free) bytes of a folder's disk.
    """
    place = next(folder for folder in (home, *home.parents) if folder.exists())
    total, _, free = usage(place)
    said = f"{free / 10**9:,.1f} GB free ({free / total:.0%}) at {place}"
    fix = "Free some space: PostgreSQL stops when the disk is full."
    if free < LEAST_FREE_BYTES:
        return Finding("disk", Level.FAIL, said, fix)
    if free < total * LEAST_FREE_SHARE:
        return Finding("disk", Level.WARN, said, fix)
    return Finding("disk", Level.OK, said)
