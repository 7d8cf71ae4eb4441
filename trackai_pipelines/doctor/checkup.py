"""What doctor looks at: one function a subject, each giving its findings with the mend.

What belongs here: whether this installation can work. What does not: whether the data is right, which the asset
checks tell, and how findings are shown (doctor.py).
"""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import Connection

from trackai_pipelines.database.connection import connect
from trackai_pipelines.database.errors import DatabaseSetupError
from trackai_pipelines.database.migrate import newest_revision, schema_revision
from trackai_pipelines.database.partitions import partition_days
from trackai_pipelines.database.server import dagster_database_url, event_database_url
from trackai_pipelines.database.statements import shipped, statement
from trackai_pipelines.ingest.arrivals import waiting_files
from trackai_pipelines.settings import CapiSettings, Settings
from trackai_pipelines.tenants.tenants import all_tenants

if TYPE_CHECKING:
    from trackai_pipelines.delivery.backlog import Backlog

# Maintenance makes 28 days; with fewer than a week left somebody has to look.
LEAST_DAYS_AHEAD = 7
# The promise is seconds; minutes mean that nothing matches.
LONGEST_WAIT = timedelta(minutes=5)
# Meta advises to deliver within an hour, and takes nothing after seven days.
LONG_DUE = timedelta(hours=1)
LONGEST_DUE = timedelta(hours=24)
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
    return [*_of_database(settings, now), *_of_dagster(settings, now), _archive(settings), disk(settings.home)]


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
                yield from _delivery(connection, now)
                yield _landing(connection, settings)
                yield _retention(connection, now)
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
    row = connection.execute(statement("matching/oldest_waiting")).fetchone()
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
        mend = "Run `trackai tenant set SLUG --pixel-id ID`; nothing is delivered without it."
        return Finding("tenants", Verdict.WARN, said, mend)
    return Finding("tenants", Verdict.OK, f"{len(active)} active, each with a pixel")


def _delivery(connection: Connection, now: datetime) -> Iterator[Finding]:
    """Whether what is due can go out. Meta is not asked: a token that is there may still be wrong."""
    from trackai_pipelines.delivery.backlog import backlog_of
    from trackai_pipelines.delivery.tokens import tokens_of_environment

    # A tenant without a pixel delivers nothing yet, which the check of tenants tells.
    slugs = [tenant.slug for tenant in all_tenants(connection) if tenant.status == "active" and tenant.pixel_id]
    due = [one for one in backlog_of(connection, now=now) if one.due and one.slug in slugs]
    store = tokens_of_environment(CapiSettings())
    without = [slug for slug in slugs if store.token_of(slug) is None]
    yield _tokens(slugs, without, {one.slug: one.events for one in due})
    shared = _shared_variables(slugs)
    if shared:
        mend = "Rename one of each, or use files by slug in TRACKAI_CAPI_TOKEN_DIR."
        yield Finding("token variables", Verdict.WARN, f"several tenants share one: {'; '.join(shared)}", mend)
    yield _circuits(connection, without, now)
    yield _oldest_due(due, now)


def _tokens(slugs: Sequence[str], without: Sequence[str], due: Mapping[str, int]) -> Finding:
    from trackai_pipelines.delivery.tokens import token_variable

    if not slugs:
        return Finding("tokens", Verdict.OK, "no active tenant has a pixel, so that none needs one")
    if not without:
        return Finding("tokens", Verdict.OK, f"one for each of the {len(slugs)} active tenants with a pixel")
    exports = " ".join(f"{token_variable(slug)}=..." for slug in without[:5])
    said = f"{len(without)} of {len(slugs)} active tenants with a pixel have none: {', '.join(without[:5])}"
    held_back = sum(due.get(slug, 0) for slug in without)
    if held_back:
        said += f"; {held_back:,} events wait for that"
    mend = f"`export {exports}`, or put files named by slug into TRACKAI_CAPI_TOKEN_DIR."
    return Finding("tokens", Verdict.FAIL if held_back else Verdict.WARN, said, mend)


def _shared_variables(slugs: Sequence[str]) -> list[str]:
    from trackai_pipelines.delivery.tokens import token_variable

    by_variable: dict[str, list[str]] = {}
    for slug in slugs:
        by_variable.setdefault(token_variable(slug), []).append(slug)
    return [f"{variable} ({', '.join(of)})" for variable, of in by_variable.items() if len(of) > 1]


def _circuits(connection: Connection, without_token: Sequence[str], now: datetime) -> Finding:
    opened = connection.execute(statement("delivery/open_circuits")).fetchall()
    if not opened:
        return Finding("circuits", Verdict.OK, "all closed")
    said = "; ".join(
        f"{slug} since {since or now:%Y-%m-%d %H:%M:%S} UTC: {reason or 'no reason was written down'}"
        for slug, since, _, reason in opened[:5]
    )
    # The missing token has its own finding, and its mend.
    waiting = any(waits for slug, _, waits, _ in opened if slug not in without_token)
    more = f", and {len(opened) - 5} more" if len(opened) > 5 else ""
    mend = "Mend what the reason says; the next try is made by itself, and nothing is lost meanwhile."
    verdict = Verdict.FAIL if waiting else Verdict.WARN
    return Finding("circuits", verdict, f"{len(opened)} open: {said}{more}", mend)


def _oldest_due(due: "Sequence[Backlog]", now: datetime) -> Finding:
    oldest = min(due, key=lambda one: one.oldest, default=None)
    if oldest is None:
        return Finding("delivery", Verdict.OK, "no event waits to be delivered")
    age = now - oldest.oldest
    said = (
        f"{sum(one.events for one in due):,} events wait; the oldest sale was at {oldest.oldest:%Y-%m-%d %H:%M:%S} UTC "
        f"({oldest.slug}): {oldest.reason}"
    )
    mend = "Run `trackai dispatch`, or `trackai up` so that it runs by itself. Meta takes no event older than 7 days."
    if age >= LONGEST_DUE:
        return Finding("delivery", Verdict.FAIL, said, mend)
    if age >= LONG_DUE:
        return Finding("delivery", Verdict.WARN, said, mend)
    return Finding("delivery", Verdict.OK, said)


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


def _retention(connection: Connection, now: datetime) -> Finding:
    from trackai_pipelines.lifecycle.retention.plan import latest_plan

    plan = latest_plan(connection)
    if plan is None:
        return Finding("retention", Verdict.OK, "has not run yet")
    troubles = plan.troubles(now)
    if not troubles:
        return Finding("retention", Verdict.OK, f"did all of its {len(plan.steps):,} steps as of {plan.day}")
    more = f" {len(troubles) - 3:,} more: `trackai retention --dry-run`." if len(troubles) > 3 else ""
    mend = "Mend what the sentences say; `trackai retention`, or the next daily run, then goes on."
    return Finding("retention", Verdict.WARN, f"as of {plan.day}: {' '.join(troubles[:3])}{more}", mend)


def _archive(settings: Settings) -> Finding:
    """Whether the archive can be written to. A local folder is only looked at: made here, it might be root's."""
    from trackai_pipelines.lifecycle.archive.store import ArchiveError, open_store

    url = settings.archive_url
    mend = "Give this account the right to write there, or let TRACKAI_ARCHIVE_DIR name another place."
    try:
        store = open_store(url)
        if store.local:
            root = Path(store.root)
            place = next(folder for folder in (root, *root.parents) if folder.exists())
            if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
                return Finding("archive", Verdict.FAIL, f"{url} cannot be written to, because of {place}", mend)
        else:
            with store.write("doctor") as file:
                file.write(b"trackai doctor was here\n")
            store.remove("doctor")
    except (ArchiveError, OSError) as error:
        return Finding("archive", Verdict.FAIL, f"{url} cannot be written to: {error}", mend)
    return Finding("archive", Verdict.OK, f"{url} can be written to")


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
    row = connection.execute(statement("doctor/dagster_tables")).fetchone()
    if row is None or not row[0]:
        yield Finding("Dagster's storage", Verdict.WARN, "answers, and is empty", "`trackai up` makes its tables.")
        return
    yield Finding("Dagster's storage", Verdict.OK, "answers")
    beat = connection.execute(statement("doctor/daemon_heartbeat")).fetchone()
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
