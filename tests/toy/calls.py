"""What calls come to: plain functions over the table, which need no Dagster."""

from psycopg import Connection


def calls_and_seconds(connection: Connection, slug: str | None = None) -> tuple[int, int]:
    """Return how many calls a tenant has, or all tenants together, and how long they took in all."""
    row = connection.execute(
        "SELECT count(*), coalesce(sum(c.seconds), 0)"
        " FROM trackai.toy_calls c JOIN trackai.tenants t ON t.id = c.tenant_id"
        " WHERE %(slug)s::text IS NULL OR t.slug = %(slug)s",
        {"slug": slug},
    ).fetchone()
    assert row is not None
    return row[0], row[1]
