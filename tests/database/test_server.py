"""Which URL is used, and what is said when a database will not do."""

import re
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

import trackai_pipelines
from trackai_pipelines.database import embedded, server
from trackai_pipelines.database.connection import connect
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.database.errors import DatabaseSetupError
from trackai_pipelines.settings import Settings

pytestmark = pytest.mark.processes

_USER = """
import sys
from trackai_pipelines.database.server import event_database_url
from trackai_pipelines.settings import Settings
print(event_database_url(Settings()), flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def own_home(home: Path, make_home: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = make_home("home")
    monkeypatch.setenv("TRACKAI_HOME", str(folder))
    return folder


def test_without_variables_both_databases_are_embedded(own_home: Path) -> None:
    settings = Settings()
    event, dagster = server.event_database_url(settings), server.dagster_database_url(settings)
    for url, name in ((event, "trackai"), (dagster, "dagster")):
        with connect(url) as connection:
            assert connection.execute("SELECT current_database()").fetchone() == (name,)
    assert server.event_database_url(settings) == event
    with EventDatabase().connect("check") as connection:
        assert connection.execute("SHOW application_name").fetchone() == ("check",)
    with EventDatabase(url=dagster).connect("check") as connection:
        assert connection.info.dbname == "dagster"
    assert server.stop_embedded(settings)
    assert not server.stop_embedded(settings)


def test_a_process_that_uses_the_server_keeps_it_even_between_connections(own_home: Path) -> None:
    user = subprocess.Popen(
        [sys.executable, "-c", _USER],
        cwd=Path(trackai_pipelines.__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert user.stdout is not None
    url = user.stdout.readline().strip()
    settings = Settings()
    assert server.event_database_url(settings) == url
    assert not server.stop_embedded(settings)
    user.communicate("\n", timeout=20)
    assert server.stop_embedded(settings)


def test_one_given_url_leaves_the_other_database_embedded(
    own_home: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACKAI_DATABASE_URL", database_url)
    assert server.event_database_url(Settings()) == database_url
    assert not (own_home / "postgres.users").exists()
    assert str(own_home.name) in server.dagster_database_url(Settings())
    assert embedded.stop(own_home)
    server.stop_embedded(Settings())


def test_dagsters_url_keeps_its_driver_and_loses_the_short_scheme(
    home: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for given, used in (("postgresql+psycopg2", "postgresql+psycopg2"), ("postgres", "postgresql")):
        monkeypatch.setenv("DAGSTER_POSTGRES_URL", database_url.replace("postgresql", given, 1))
        assert server.dagster_database_url(Settings()) == database_url.replace("postgresql", used, 1)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://ann:hun@ter2@127.0.0.1:1/x", "more than one @"),
        ("postgresql://ann:hunter2@127.0.0.1:1/x", "Check that the server runs"),
        ("postgresql://ann:hunter2/x@127.0.0.1:5432/x", "not a usable URL"),
        ("postgresql://ann:hunter2%zz@127.0.0.1/x", "not a usable URL"),
        ("postgresql://127.0.0.1:1/x?user=ann&password=hunter2", "does not answer"),
        ("mysql://ann:hunter2@127.0.0.1/x", "does not begin with postgresql://"),
        ("host=127.0.0.1 port=1 password=hunter2", "does not begin with postgresql://"),
    ],
)
def test_errors_name_the_variable_and_never_the_password(url: str, said: str) -> None:
    with pytest.raises(DatabaseSetupError, match=said) as caught:
        server.checked_url("TRACKAI_DATABASE_URL", url)
    assert "TRACKAI_DATABASE_URL" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "ter2" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ann:p%40ss@host:5432/db?sslmode=require", "postgresql://ann:****@host:5432/db?sslmode=require"),
        ("postgresql://ann:a@b:c/d@host/db", "postgresql://ann:****@host/db"),
        ("postgresql://host/db?password=x&user=ann", "postgresql://host/db?password=****&user=ann"),
        ("postgresql://ann@/db?host=%2Ftmp", "postgresql://ann@/db?host=%2Ftmp"),
        ("host=h password='a b' user=u", "host=h password=**** user=u"),
    ],
)
def test_a_masked_url_shows_everything_but_the_password(url: str, shown: str) -> None:
    assert server.masked(url) == shown


def test_a_database_that_does_not_exist_is_told_apart(server_url: str) -> None:
    url = re.sub(r"/postgres\b", "/no_such_database", server_url)
    with pytest.raises(DatabaseSetupError, match="Create it"):
        server.checked_url("TRACKAI_DATABASE_URL", url)


@pytest.fixture
def latin_url(server_url: str) -> Iterator[str]:
    name = f"latin_{uuid.uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        create = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
        connection.execute(create.format(sql.Identifier(name)))
    yield re.sub(r"/postgres\b", f"/{name}", server_url)
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))


def test_another_encoding_is_refused(latin_url: str) -> None:
    with pytest.raises(DatabaseSetupError, match="encoding LATIN1; UTF8 is needed"):
        server.checked_url("TRACKAI_DATABASE_URL", latin_url)


def test_a_read_only_database_is_refused(database_url: str) -> None:
    separator = "&" if "?" in database_url else "?"
    with pytest.raises(DatabaseSetupError, match="read-only"):
        server.checked_url(
            "TRACKAI_DATABASE_URL", f"{database_url}{separator}options=-c%20default_transaction_read_only%3Don"
        )
