"""What a ledger is posted from: programs, creators, sales, reports, adjustments and refunds, by plain SQL.

What belongs here: putting them into the database, and reading the ledger. What does not: what is expected of it.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from psycopg import Connection, sql

from trackai_pipelines.loyalty.posting import Posted, post

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
Net = dict[tuple[str, date, str], tuple[Any, int]]


def insert(connection: Connection[Any], table: str, **values: Any) -> Any:
    """Insert a row, and return its id where the table has one."""
    query = sql.SQL("INSERT INTO trackai.{} ({}) VALUES ({}) RETURNING *").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, values)),
        sql.SQL(", ").join(map(sql.Placeholder, values)),
    )
    cursor = connection.execute(query, values)
    row, names = cursor.fetchone(), [column.name for column in cursor.description or ()]
    return dict(zip(names, row or (), strict=True)).get("id")


def found_program(connection: Connection[Any], tenant_id: str, **rules: Any) -> None:
    """Give a tenant a program: reports of cruva count from 2023-09-01 on, and handles are not enrolled."""
    given = {"valid_from": date(2023, 9, 1), "currency": "USD", "report_sources": ["cruva"], "auto_enrol": False}
    insert(connection, "loyalty_programs", tenant_id=tenant_id, **{**given, "status": "active", **rules})


def add_creator(connection: Connection[Any], tenant_id: str, user_id: str, **aliases: str) -> None:
    """Make a user and member, with aliases by kind from 2023-09-01 on."""
    insert(connection, "users", tenant_id=tenant_id, id=user_id)
    insert(connection, "loyalty_members", tenant_id=tenant_id, user_id=user_id, enrolled_on=date(2023, 9, 1))
    for kind, alias in aliases.items():
        set_alias(connection, tenant_id, kind, alias, user_id)


def set_alias(
    connection: Connection[Any],
    tenant_id: str,
    kind: str,
    alias: str,
    user_id: str,
    valid_from: date = date(2023, 9, 1),
) -> None:
    """Say whose an alias is from a day on; said again, the later word counts."""
    connection.execute(
        "INSERT INTO trackai.creator_aliases (tenant_id, kind, alias, valid_from, user_id) VALUES (%s, %s, %s, %s, %s) "
        "ON CONFLICT (tenant_id, kind, alias, valid_from) DO UPDATE SET user_id = excluded.user_id",
        [tenant_id, kind, alias, valid_from, user_id],
    )


def add_report(connection: Connection[Any], tenant_id: str, item: str, day: date, amount: Any, **more: Any) -> None:
    """Insert a report of cruva; said twice, it is there once."""
    values = {
        "source": "cruva",
        "handle": "h",
        "units": 1,
        "currency": "USD",
        "post_date": day,
        "as_of": datetime(day.year, day.month, day.day, 23, tzinfo=UTC),
        **more,
    }
    connection.execute(
        "INSERT INTO trackai.sales_reports (tenant_id, item, report_day, amount, source, handle, units, currency, "
        "post_date, as_of, basis) VALUES (%(tenant_id)s, %(item)s, %(day)s, %(amount)s, %(source)s, %(handle)s, "
        "%(units)s, %(currency)s, %(post_date)s, %(as_of)s, %(basis)s) ON CONFLICT DO NOTHING",
        {"tenant_id": tenant_id, "item": item, "day": day, "amount": amount, "basis": "cumulative", **values},
    )


def add_sale(
    connection: Connection[Any],
    tenant_id: str,
    event: str,
    at: datetime,
    value: Any = 100,
    *,
    link: str | None = None,
    strategy: str = "fbc",
    **more: Any,
) -> int:
    """Insert a conversion, and unless it is pending its attribution, to a click with a link code."""
    sale: Mapping[str, Any] = {"gateway": "stripe", "currency": "USD", "created_at": NOW, **more}
    sale_id = insert(
        connection,
        "conversions",
        **{"tenant_id": tenant_id, "gateway_event_id": event, "value": value, "occurred_at": at, **sale},
    )
    if strategy != "pending":
        click = None
        if strategy != "unmatched":
            clicked = {"created_at": at, "ingested_at": NOW, "utm_content": link}
            click = insert(connection, "clicks", tenant_id=tenant_id, **clicked)
        insert(
            connection,
            "matched_attributions",
            tenant_id=tenant_id,
            conversion_id=sale_id,
            click_id=click,
            strategy=strategy,
        )
    return int(sale_id)


def add_refund(
    connection: Connection[Any], tenant_id: str, event: str, sale_id: int | None, value: Any, **more: Any
) -> int:
    """Insert a refund of a sale."""
    values = {"gateway": "stripe", "order_id": "o", "currency": "USD", "occurred_at": NOW, "created_at": NOW, **more}
    refund = {"tenant_id": tenant_id, "gateway_event_id": event, "conversion_id": sale_id, "value": value}
    return int(insert(connection, "refunds", **refund, **values))


def posted(connection: Connection[Any], tenant_id: str, now: datetime = NOW) -> list[tuple[Any, ...]]:
    """Post, and return the new entries: reference, creator, revision, day, amount, units."""
    done = post(connection, tenant_id, now, run_id="test")
    return connection.execute(
        "SELECT source_ref, user_id, revision, sale_day, amount, units FROM trackai.sales_ledger "
        "WHERE tenant_id = %s AND posting_no > (SELECT coalesce(max(posting_no), 0) FROM trackai.ledger_postings "
        "WHERE tenant_id = %s) - %s ORDER BY source_ref, user_id, revision",
        [tenant_id, tenant_id, 1 if done.entries else 0],
    ).fetchall()


def net(connection: Connection[Any], tenant_id: str) -> Net:
    """Return what each creator sold by day and source, without what is zero."""
    rows = connection.execute(
        "SELECT user_id, sale_day, source, sum(amount), sum(units) FROM trackai.sales_ledger WHERE tenant_id = %s "
        "GROUP BY 1, 2, 3 HAVING sum(amount) <> 0 OR sum(units) <> 0",
        [tenant_id],
    )
    return {(user, day, source): (amount, units) for user, day, source, amount, units in rows}


def post_once(connection: Connection[Any], tenant_id: str) -> Posted:
    """Post, and make sure that posting again finds nothing."""
    done = post(connection, tenant_id, NOW)
    again = post(connection, tenant_id, NOW)
    assert (again.entries, again.posting_no) == (0, done.posting_no)
    return done
