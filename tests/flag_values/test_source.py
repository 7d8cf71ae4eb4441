"""Reading flags from the database."""

from psycopg import Connection

from trackai_pipelines.flag_values.source import read_snapshot


def test_a_transaction_of_the_callers_is_read_as_it_is(connection: Connection) -> None:
    outside = read_snapshot(connection)
    with connection.transaction():
        connection.execute("UPDATE trackai.feature_flags SET enabled = false WHERE key = 'dark_mode'")
        inside = read_snapshot(connection)
        assert inside.mark.version > outside.mark.version
        # It may still be written to.
        connection.execute("UPDATE trackai.feature_flags SET enabled = true WHERE key = 'dark_mode'")
    assert read_snapshot(connection).mark.version > inside.mark.version
