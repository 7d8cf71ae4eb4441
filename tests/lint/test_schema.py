"""`sql/schema.sql` is the schema that the migrations make."""

from typing import Any

from psycopg import Connection

from lint.schema import schema_of
from trackai_pipelines.database.statements import statement


def test_the_file_is_current(connection: Connection[Any]) -> None:
    assert schema_of(connection) == statement("schema"), "sql/schema.sql is stale: run `make schema`."


def test_a_changed_schema_makes_the_file_stale(connection: Connection[Any]) -> None:
    for change in (
        "ALTER TABLE trackai.clicks ADD COLUMN more text",
        "COMMENT ON COLUMN trackai.clicks.more IS 'more'",
        "CREATE INDEX clicks_more ON trackai.clicks (tenant_id, more)",
        "CREATE FUNCTION trackai.one() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    ):
        before = schema_of(connection)
        connection.execute(change)
        assert schema_of(connection) != before, change


def test_it_shows_what_carries_a_conversion_on() -> None:
    text = statement("schema")
    for hop in ("conversions_are_queued", "trackai.queue_conversions()", "INSERT INTO trackai.match_queue"):
        assert hop in text
    for hop in ("attributed_are_queued", "trackai.queue_attributed()", "INSERT INTO trackai.dispatch_queue"):
        assert hop in text
