"""What is known of one conversion as it arrived, for `trackai explain`.

What belongs here: finding a conversion, and its facts. What does not: what others made of it, and how it is printed.
"""

from collections.abc import Iterator

from psycopg import Connection
from psycopg.rows import dict_row

from trackai_pipelines.database.statements import statement
from trackai_pipelines.domain import StoryPart


def find_conversion(connection: Connection, tenant: str, gateway: str, event_id: str) -> tuple[str, int] | None:
    """Return the tenant's id and the conversion's, given the tenant's slug or id; None where there is none."""
    key = {"tenant": tenant, "gateway": gateway, "event_id": event_id}
    return connection.execute(statement("facts/find_conversion"), key).fetchone()


def story(connection: Connection, tenant_id: str, conversion_id: int) -> Iterator[StoryPart]:
    """Yield the facts as one table, and its refunds, if there are any, as another."""
    key = {"tenant_id": tenant_id, "conversion_id": conversion_id}
    with connection.cursor(row_factory=dict_row) as cursor:
        sale = cursor.execute(statement("facts/story"), key).fetchone()
    if sale is None:
        return
    yield StoryPart(
        columns=("fact", ""),
        rows=[
            ("tenant", f"{sale['slug']} ({sale['status']})"),
            ("event", sale["event_name"]),
            ("order", sale["order_id"]),
            ("value", None if sale["value"] is None else f"{sale['value']:,.2f} {sale['currency']}"),
            ("sold", sale["occurred_at"]),
            ("arrived", sale["created_at"]),
            ("click id (fbc)", sale["click_key"]),
            ("browser id (fbp)", sale["browser_key"]),
            ("e-mail hash", "present" if sale["has_email"] else None),
        ],
    )
    rows = connection.execute(statement("facts/refunds_of_sale"), key).fetchall()
    if rows:
        yield StoryPart(
            columns=("money back", "event", "value", "when", "arrived"),
            rows=[
                (kind, event, f"{value:,.2f} {currency}", at, arrived)
                for kind, event, value, currency, at, arrived in rows
            ],
        )
