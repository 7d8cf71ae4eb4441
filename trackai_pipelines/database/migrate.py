"""The schema of the event database: bring it to the newest revision, and report which one it has.

Alembic keeps the order; the SQL is in `sql/migrations`. What does not belong here: partitions, which follow the
calendar and not the code (lifecycle/), and Dagster's own tables.
"""

import logging
from functools import partial
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, create_engine, pool
from sqlalchemy.exc import DBAPIError

from trackai_pipelines.database import locks
from trackai_pipelines.database.connection import connect
from trackai_pipelines.database.errors import DatabaseSetupError
from trackai_pipelines.database.pooler import direct_url

# The table is in `public`, because the first migration creates the schema `trackai`. It does not have Alembic's default
# name, because Dagster's table has it, and both may share a database.
VERSION_TABLE = "trackai_schema_version"
VERSION_SCHEMA = "public"


def migrate(url: str) -> list[str]:
    """Bring the database to the newest revision; return the revisions applied, oldest first, none if it was there.

    It is one transaction, all or nothing. Of two at once, one waits and then finds nothing to do. psycopg reads `url`.
    Raises DatabaseSetupError, with nothing changed.
    """
    config = _config()
    scripts = ScriptDirectory.from_config(config)
    engine = create_engine("postgresql+psycopg://", creator=partial(_session, direct_url(url)), poolclass=pool.NullPool)
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (locks.MIGRATION,))
            before = _revision(connection)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            return [script.revision for script in reversed(list(scripts.iterate_revisions("head", before or "base")))]
    except CommandError as error:
        raise DatabaseSetupError(
            f"The database's schema cannot be brought up to date: {error}. It was probably migrated by a newer version "
            "of this program: install that one."
        ) from None
    except (DBAPIError, psycopg.Error) as error:
        # SQLAlchemy's errors quote the whole statement; the server's own message says enough.
        said = str(error.orig if isinstance(error, DBAPIError) else error).strip()
        raise DatabaseSetupError(
            f"The database's schema cannot be brought up to date: {said}. Nothing was changed."
        ) from None
    finally:
        engine.dispose()


def schema_revision(url: str) -> str | None:
    """Return the revision of the database's schema, or None before the first migration."""
    with connect(url) as connection:
        found = connection.execute("SELECT to_regclass('public.trackai_schema_version') IS NOT NULL").fetchone()
        if found is None or not found[0]:
            return None
        row = connection.execute("SELECT version_num FROM public.trackai_schema_version").fetchone()
    return row[0] if row else None


def newest_revision() -> str:
    """Return the revision that this version of the program works with."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


def is_current(url: str) -> bool:
    """Return whether the database has the schema that this version of the program works with."""
    return schema_revision(url) == newest_revision()


def _session(url: str) -> psycopg.Connection:
    """Return a connection for SQLAlchemy. psycopg reads the URL, so it means here what it means everywhere else."""
    connection = connect(url, name="trackai migrate")
    connection.autocommit = False
    return connection


def _revision(connection: Connection) -> str | None:
    options = {"version_table": VERSION_TABLE, "version_table_schema": VERSION_SCHEMA}
    return MigrationContext.configure(connection, opts=options).get_current_revision()


def _config() -> Config:
    # Alembic logs each step at INFO; the caller reports what was applied.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    # Per cent signs are special in Alembic's settings, and a path may hold one.
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
