"""The schema is brought up to date once, whole, on every version of PostgreSQL that is at hand."""

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import psycopg
import pytest
from declared import TABLES
from psycopg import sql

from trackai_pipelines.database import embedded, migrations
from trackai_pipelines.database.binaries import Binaries, system_binaries, wheel_binaries
from trackai_pipelines.database.connection import connect
from trackai_pipelines.database.errors import DatabaseSetupError
from trackai_pipelines.database.migrate import is_current, migrate, newest_revision, schema_revision
from trackai_pipelines.database.partitions import create_partitions_ahead
from trackai_pipelines.database.statements import shipped

_AT_HAND = {binaries.major: binaries for binaries in [*wheel_binaries(), *system_binaries()]}


@pytest.fixture(scope="module", params=sorted(_AT_HAND))
def server_of_version(request: pytest.FixtureRequest, make_home: Callable[..., Path]) -> embedded.Server:
    chosen: Binaries = _AT_HAND[request.param]
    return embedded.start(make_home(str(chosen.major)), binaries=chosen, settings={"shared_buffers": "128MB"})


@pytest.fixture
def new_database(server_of_version: embedded.Server) -> Iterator[str]:
    name = f"migrate_{uuid.uuid4().hex}"
    with psycopg.connect(server_of_version.url("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield server_of_version.url(name)
    with psycopg.connect(server_of_version.url("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def test_two_migrations_at_once_both_succeed_and_one_applies(new_database: str) -> None:
    assert schema_revision(new_database) is None
    assert not is_current(new_database)
    with ThreadPoolExecutor(2) as pool:
        applied = list(pool.map(migrate, [new_database, new_database]))
    assert sorted(applied) == [[], [f"{number:04}" for number in range(1, int(newest_revision()) + 1)]]
    assert migrate(new_database) == []
    assert is_current(new_database)
    assert schema_revision(new_database) == newest_revision()
    with connect(new_database) as connection:
        assert create_partitions_ahead(connection, TABLES, today=date(2026, 1, 1), days=1)
        assert connection.execute("SELECT count(*) FROM trackai.v_conversions").fetchone() == (0,)


def test_a_failed_migration_changes_nothing(new_database: str) -> None:
    with connect(new_database) as connection:
        connection.execute("CREATE SCHEMA trackai")
    with pytest.raises(DatabaseSetupError, match=r'"trackai" already exists. Nothing was changed'):
        migrate(new_database)
    assert schema_revision(new_database) is None


def test_a_database_of_a_newer_program_is_left_alone(new_database: str) -> None:
    migrate(new_database)
    with connect(new_database) as connection:
        connection.execute("UPDATE public.trackai_schema_version SET version_num = '9999'")
    with pytest.raises(DatabaseSetupError, match="newer version of this program"):
        migrate(new_database)
    assert not is_current(new_database)


def test_every_file_of_sql_has_its_revision() -> None:
    revisions = {path.stem for path in Path(migrations.__file__).with_name("versions").glob("0*.py")}
    assert revisions == {path.stem for path in shipped("sql/migrations").glob("*.sql")}
