"""One PostgreSQL server for the whole test session, and a database of its own for each test that asks.

What belongs here: fixtures that several folders use. What does not: fixtures of one folder, helpers with logic.

The server is the embedded one, in a temporary home that all workers share; TRACKAI_TEST_DATABASE_URL names another
(a superuser's URL) to run the suite against.
"""

import os
import re
import shutil
import signal
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from declared import TABLES
from folders import server_folder
from psycopg import Connection, sql

from trackai_pipelines.database import embedded
from trackai_pipelines.database.cluster import existing_cluster
from trackai_pipelines.database.connection import connect
from trackai_pipelines.database.migrate import migrate
from trackai_pipelines.database.partitions import create_partitions_ahead

pytest_plugins = ["commands", "code_location"]

_SERVER = "TRACKAI_TEST_DATABASE_URL"
# Nothing in these databases outlives the session; what is tested of durability starts servers of its own.
_FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "512MB",
    "autovacuum_naptime": "5s",
}
_HOME = pytest.StashKey[Path]()
# Fixtures that start a server.
_SERVERS = {"server_url", "make_home", "server_home"}


def pytest_configure(config: pytest.Config) -> None:
    """The controller makes the server's home, short and open to the account that runs PostgreSQL for root."""
    # A job in the background is started with Ctrl-C ignored, and would hand that down to the processes of the tests.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(config, "workerinput"):
        config.stash[_HOME] = Path(config.workerinput["server_home"])
        return
    config.stash[_HOME] = server_folder("trackai-test-")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need a PostgreSQL server, which `make test-fast` leaves out."""
    for item in items:
        if _SERVERS.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("database")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """pytest-xdist: let a worker know where the server's home is."""
    node.workerinput["server_home"] = str(node.config.stash[_HOME])  # type: ignore[attr-defined]


def pytest_unconfigure(config: pytest.Config) -> None:
    """The controller, the last to leave, stops the server."""
    home = config.stash.get(_HOME, None)
    if home is not None and not hasattr(config, "workerinput"):
        embedded.stop(home, though_used=True)
        shutil.rmtree(home)


@pytest.fixture(scope="session")
def server_url(request: pytest.FixtureRequest) -> str:
    """A URL of the session's server for its superuser; the database in it is `postgres`."""
    given = os.environ.get(_SERVER)
    return given or embedded.start(request.config.stash[_HOME], settings=_FAST).url("postgres")


def _with_database(server_url: str, database: str) -> str:
    return re.sub(r"^(\w+://[^/]*/)[^?]*", rf"\g<1>{database}", server_url)


def _create(server_url: str, database: str, template: str = "template0") -> str:
    with psycopg.connect(server_url, autocommit=True) as connection:
        # Without fsync, copying files takes a quarter of what writing them to the log does.
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
        connection.execute(create.format(sql.Identifier(database), sql.Identifier(template)))
    return _with_database(server_url, database)


def _drop(server_url: str, database: str) -> None:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))


@pytest.fixture(scope="session")
def template_database(server_url: str) -> Iterator[str]:
    """The name of this worker's migrated, empty database, which tests get copies of."""
    name = f"template_{uuid.uuid4().hex}"
    url = _create(server_url, name)
    migrate(url)
    with connect(url) as connection:
        # Fewer than a month's: each test copies them, and a week is what checks ask for, midnight or not.
        create_partitions_ahead(connection, TABLES, today=datetime.now(UTC).date(), days=9)
    yield name
    _drop(server_url, name)


@pytest.fixture
def empty_database_url(server_url: str) -> Iterator[str]:
    """A database of this test's own without a schema."""
    name = f"test_{uuid.uuid4().hex}"
    yield _create(server_url, name)
    _drop(server_url, name)


@pytest.fixture
def database_url(server_url: str, template_database: str) -> Iterator[str]:
    """A migrated, empty event database of this test's own, with partitions ahead of today."""
    name = f"test_{uuid.uuid4().hex}"
    yield _create(server_url, name, template_database)
    _drop(server_url, name)


@pytest.fixture(scope="module")
def shared_database_url(server_url: str, template_database: str) -> Iterator[str]:
    """Such a database for all tests of a module: each leaves it as it was."""
    name = f"test_{uuid.uuid4().hex}"
    yield _create(server_url, name, template_database)
    _drop(server_url, name)


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    """An open connection to `database_url`, autocommit, UTC."""
    with connect(database_url, name="test") as opened:
        yield opened


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A TRACKAI_HOME of this test's own, in an environment without any other variable of ours."""
    for name in list(os.environ):
        if name.startswith(("TRACKAI_", "DAGSTER_")) and name != _SERVER:
            monkeypatch.delenv(name)
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("TRACKAI_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def make_home() -> Iterator[Callable[..., Path]]:
    """`make_home("with space")` names a home that every account may enter; its server ends with the session.

    For tests that run embedded servers of their own: in a private folder root's would be kept elsewhere.
    """
    roots: list[tuple[Path, Path]] = []

    def make(*below: str, mode: int = 0o755) -> Path:
        root = server_folder("trackai-homes-")
        root.chmod(mode)
        home = root.joinpath(*below)
        roots.append((root, home))
        return home

    yield make
    for root, home in roots:
        embedded.stop(home, though_used=True)
        cluster = existing_cluster(home)
        if cluster is not None:
            shutil.rmtree(cluster.folder)
        shutil.rmtree(root)


@pytest.fixture
def add_tenant(connection: Connection) -> Callable[..., str]:
    """Insert a tenant: `add_tenant("acme", lookback_days=30)` returns its id, which is `t-acme`."""

    def add(slug: str, **columns: object) -> str:
        row = {"id": f"t-{slug}", "slug": slug, "name": slug, **columns}
        insert = sql.SQL("INSERT INTO trackai.tenants ({}) VALUES ({})").format(
            sql.SQL(", ").join(map(sql.Identifier, row)), sql.SQL(", ").join(map(sql.Placeholder, row))
        )
        connection.execute(insert, row)
        return str(row["id"])

    return add


@pytest.fixture
def landing(tmp_path: Path, add_tenant: Callable[..., str]) -> Path:
    """A landing folder, with the tenants acme and globex there; globex is suspended."""
    add_tenant("acme", default_country="BR")
    add_tenant("globex", status="suspended")
    folder = tmp_path / "landing"
    folder.mkdir()
    return folder
