"""A conversion's tenant exists, whoever writes the conversion, and whoever deletes the tenant at the same moment."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from psycopg import Connection, errors

from trackai_pipelines.database.connection import connect

_INSERT = """
    INSERT INTO trackai.conversions (tenant_id, gateway, gateway_event_id, value, currency, occurred_at)
    SELECT tenant, 'stripe', tenant || n, 1, 'EUR', now()
    FROM unnest(%s::text[]) AS tenant, generate_series(1, 3) n
"""


@pytest.fixture
def acme(add_tenant: Callable[..., str]) -> str:
    return add_tenant("acme")


@pytest.fixture(autouse=True)
def _nothing_else_keeps_a_tenant(connection: Connection) -> None:
    """Each tenant has settings, whose foreign key keeps it, too."""
    connection.execute("ALTER TABLE trackai.matching_settings DROP CONSTRAINT matching_settings_tenant_id_fkey")


def _insert(connection: Connection, *tenants: str) -> None:
    connection.execute(_INSERT, (list(tenants),))


def test_conversions_of_a_tenant_that_does_not_exist_are_refused_with_its_name(
    connection: Connection, acme: str
) -> None:
    with pytest.raises(errors.ForeignKeyViolation, match="there is no tenant nobody"):
        _insert(connection, acme, "nobody")
    assert connection.execute("SELECT count(*) FROM trackai.conversions").fetchone() == (0,)


def test_a_tenant_that_has_conversions_is_not_deleted_and_keeps_its_id(
    connection: Connection, acme: str, add_tenant: Callable[..., str]
) -> None:
    empty = add_tenant("empty")
    _insert(connection, acme)
    for statement in ("DELETE FROM trackai.tenants WHERE id = %s", "UPDATE trackai.tenants SET id = 'x' WHERE id = %s"):
        with pytest.raises(errors.ForeignKeyViolation):
            connection.execute(statement, (acme,))
    connection.execute("DELETE FROM trackai.tenants WHERE id = %s", (empty,))


def test_truncating_tenants_names_their_conversions(connection: Connection, acme: str) -> None:
    _insert(connection, acme)
    with pytest.raises(errors.ForeignKeyViolation, match="that has conversions"):
        connection.execute("TRUNCATE trackai.tenants CASCADE")
    connection.execute("TRUNCATE trackai.tenants, trackai.conversions CASCADE")


def test_a_tenant_is_not_deleted_under_an_insert_nor_inserted_into_under_a_deletion(
    database_url: str, connection: Connection, acme: str
) -> None:
    def waiting() -> bool:
        blocked = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'second' AND wait_event_type = 'Lock'"
        return connection.execute(blocked).fetchone() == (1,)

    def second(statement: str, given: tuple[object, ...]) -> None:
        with connect(database_url, name="second") as own:
            own.execute(statement, given)

    delete = ("DELETE FROM trackai.tenants WHERE id = %s", (acme,))
    insert = (_INSERT, ([acme],))
    for first, then in ((insert, delete), (delete, insert)):
        with ThreadPoolExecutor(1) as pool, connect(database_url, name="first") as own:
            with own.transaction():
                own.execute(*first)
                later = pool.submit(second, *then)
                while not waiting():
                    time.sleep(0.01)
            with pytest.raises(errors.ForeignKeyViolation):
                later.result()
        connection.execute("DELETE FROM trackai.conversions")
