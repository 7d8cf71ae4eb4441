"""The calls about a sale."""

from collections.abc import Iterator

from psycopg import Connection

from trackai_pipelines.domain import StoryPart


def story(connection: Connection, tenant_id: str, conversion_id: int) -> Iterator[StoryPart]:
    """Yield the calls that name the sale's order."""
    rows = connection.execute(
        "SELECT l.call_id, l.seconds FROM trackai.conversions c"
        " JOIN trackai.toy_calls l ON l.tenant_id = c.tenant_id AND l.order_id = c.order_id"
        " WHERE c.tenant_id = %s AND c.id = %s",
        (tenant_id, conversion_id),
    ).fetchall()
    yield StoryPart(columns=("call", "seconds"), rows=rows, sentence=f"The buyer called {len(rows)} times.")
