"""Where the two databases are: the environment's, else the embedded server's.

What belongs here: which URL to use, and whether the server behind it is suitable. What does not: how the embedded
server is run (embedded.py), and the schema (migrate.py).
"""

import contextlib
import fcntl
import os
import re
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from trackai_pipelines.database import embedded
from trackai_pipelines.database.binaries import OLDEST_MAJOR
from trackai_pipelines.database.errors import DatabaseSetupError
from trackai_pipelines.database.statements import statement
from trackai_pipelines.settings import Settings

EVENT_DATABASE = "trackai"
DAGSTER_DATABASE = "dagster"
_SCHEME = re.compile(r"^postgres(?:ql)?(?:\+\w+)?://")
_TEMPLATE = sql.SQL("CREATE DATABASE {} TEMPLATE template0")

# Homes whose embedded server this process uses. The open file holds a shared lock until the process ends, so no process
# stops the server while we are between two connections.
_in_use: dict[Path, int] = {}


def event_database_url(settings: Settings) -> str:
    """Return the event database's URL, checked; start the embedded server if TRACKAI_DATABASE_URL is unset.

    Raises DatabaseSetupError.
    """
    if settings.database_url is None:
        return _embedded_url(settings.home, EVENT_DATABASE)
    return checked_url("TRACKAI_DATABASE_URL", settings.database_url)


def dagster_database_url(settings: Settings) -> str:
    """Return the URL of Dagster's database; start the embedded server if DAGSTER_POSTGRES_URL is unset.

    Raises DatabaseSetupError.
    """
    if settings.dagster_postgres_url is None:
        return _embedded_url(settings.home, DAGSTER_DATABASE)
    checked_url("DAGSTER_POSTGRES_URL", settings.dagster_postgres_url)
    # SQLAlchemy reads it, which accepts a driver in the scheme but does not know the short scheme.
    return re.sub(r"^postgres://", "postgresql://", settings.dagster_postgres_url)


def stop_embedded(settings: Settings) -> bool:
    """Stop the embedded server unless other processes use it; return True if it ran and has ended."""
    used = _in_use.pop(settings.home, None)
    if used is not None:
        os.close(used)
    users = _users_file(settings.home)
    if not users.exists():
        return embedded.stop(settings.home)
    with users.open("a", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return embedded.stop(settings.home)


def masked(url: str) -> str:
    """Return the URL for messages, with stars for everything that could be part of a password."""
    url = re.sub(r"(://[^:/?#@]*):.*@", r"\1:****@", url, flags=re.DOTALL)
    return re.sub(r"((?:ssl)?password\s*=\s*)('[^']*'|[^&\s]*)", r"\1****", url, flags=re.IGNORECASE)


def libpq_url(variable: str, url: str) -> str:
    """Return the URL in the form that libpq reads, without asking its server. Raises DatabaseSetupError."""
    plain = _SCHEME.sub("postgresql://", url)
    problem = _malformed(url, plain)
    if problem:
        raise DatabaseSetupError(
            f"{variable} is not a usable URL: {problem}. It must look like postgresql://user:password@host:5432/name, "
            "with special characters in the password percent-encoded (@ is %40, / is %2F)."
        )
    return plain


def checked_url(variable: str, url: str) -> str:
    """Return the URL in libpq's form, after its server answered and proved suitable.

    `variable` is the environment variable that it came from, for messages. Raises DatabaseSetupError, whose text never
    holds the password.
    """
    plain = libpq_url(variable, url)
    shown = masked(url)
    try:
        with psycopg.connect(plain, connect_timeout=10) as connection:
            row = connection.execute(statement("database/server_facts")).fetchone()
    except psycopg.Error as error:
        said = _without_password(str(error).strip(), plain)
        fix = (
            "Create it (createdb), or name another."
            if "does not exist" in said and "database" in said
            else f"Check that the server runs and can be reached from here, and that {variable} is right."
        )
        raise DatabaseSetupError(f"The database of {variable} ({shown}) does not answer: {said}. {fix}") from None
    version, encoding, read_only = row or (0, "", "")
    if version < OLDEST_MAJOR * 10000:
        raise DatabaseSetupError(
            f"The server of {variable} ({shown}) is PostgreSQL {version // 10000}; {OLDEST_MAJOR} or newer is needed. "
            f"Upgrade it, or unset {variable} to use the embedded server."
        )
    if encoding != "UTF8":
        raise DatabaseSetupError(
            f"The database of {variable} ({shown}) has the encoding {encoding}; UTF8 is needed. Create one with "
            "CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0."
        )
    if read_only == "on":
        raise DatabaseSetupError(
            f"The database of {variable} ({shown}) is read-only, perhaps a replica. Name the primary server."
        )
    return plain


def _malformed(url: str, plain: str) -> str:
    """Return what is wrong with a URL, without quoting it: libpq's own message may quote a part of the password."""
    if not _SCHEME.match(url):
        return "it does not begin with postgresql://"
    try:
        parts = conninfo_to_dict(plain)
    except psycopg.ProgrammingError:
        return "it cannot be read"
    host = str(parts.get("host") or "")
    if "@" in host.lstrip("@") and not host.startswith("/"):
        return "it has more than one @"
    ports = str(parts.get("port") or "")
    if not all(port == "" or port.isdigit() for port in ports.split(",")):
        return "its port is not a number"
    return ""


def _without_password(text: str, url: str) -> str:
    secrets = (conninfo_to_dict(url).get(name) for name in ("password", "sslpassword"))
    for secret in secrets:
        if secret:
            text = text.replace(str(secret), "****")
    return masked(text)


def _embedded_url(home: Path, database: str) -> str:
    _use(home)
    server = embedded.start(home)
    with psycopg.connect(server.url("postgres"), autocommit=True, connect_timeout=10) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone()
        if found is None:
            # Another process may be creating it at the same moment.
            with contextlib.suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                connection.execute(_TEMPLATE.format(sql.Identifier(database)))
    return server.url(database)


def _use(home: Path) -> None:
    """Note that this process uses the home's server until it ends."""
    if home in _in_use:
        return
    try:
        home.mkdir(parents=True, exist_ok=True)
        # A bare descriptor stays open, without a warning, until the process ends.
        file = os.open(_users_file(home), os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise DatabaseSetupError(
            f"The folder {home} cannot be used ({error.strerror}). Run as its owner, or set TRACKAI_HOME to one of "
            "your own."
        ) from None
    fcntl.flock(file, fcntl.LOCK_SH)
    _in_use[home] = file


def _users_file(home: Path) -> Path:
    return home / "postgres.users"
