"""The figures that rules judge, against a loop over clicks and sales."""

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from campaigns.judged import FIRST, LAST, TODAY
from psycopg import Connection

from trackai_pipelines.campaigns.chosen import chosen_tenants
from trackai_pipelines.campaigns.evidence import Orders, clicks_of


@pytest.fixture
def acme(add_tenant: Callable[..., str]) -> str:
    """A tenant."""
    return add_tenant("acme", time_zone="America/Sao_Paulo")


@pytest.mark.parametrize("seed", range(4))
def test_clicks_are_counted_as_a_loop_counts_them(
    connection: Connection[Any],
    acme: str,
    add_tenant: Callable[..., str],
    insert_click: Callable[..., int],
    insert_sale: Callable[..., int],
    seed: int,
) -> None:
    """Clicks with one key are one, with the subject of the newest; sales before today count; other tenants do not."""
    random = Random(seed)
    other = add_tenant("other")
    begin, end = datetime(2026, 5, 2, tzinfo=UTC), datetime(2026, 5, 30, tzinfo=UTC)
    today = datetime(2026, 6, 1, tzinfo=UTC)
    edges = (begin - timedelta(microseconds=1), begin, end - timedelta(microseconds=1), end)
    rows, sales = [], []
    for _ in range(120):
        at = random.choice(edges) if random.random() < 0.1 else begin + random.random() * (end - begin)
        key = f"IwAR{random.randint(0, 40):06}" if random.random() < 0.8 else None
        row: dict[str, Any] = {
            "utm_campaign": random.choice(("a", "b")),
            "utm_content": random.choice((None, " ", "x", " y ")),
            "utm_term": random.choice((None, "t", "u")),
            "fbclid": key,
            "created_at": at,
        }
        number = insert_click(acme, **row)
        insert_click(other, **row)
        rows.append((number, row))
        for _ in range(random.choice((0, 0, 1, 2))):
            sold_at = random.choice((at, today - timedelta(microseconds=1), today))
            value, currency = random.choice((None, 10, 25)), random.choice(("BRL", "USD"))
            sale = insert_sale(acme, sold_at, value=value, currency=currency, event_name="Lead")
            connection.execute(
                "INSERT INTO trackai.matched_attributions (tenant_id, conversion_id, click_id, strategy)"
                " VALUES (%s, %s, %s, 'fbc')",
                (acme, sale, number),
            )
            sales.append((number, sold_at, value, currency))
    people: dict[tuple[str, str | int], list[tuple[int, dict[str, Any]]]] = defaultdict(list)
    for number, row in rows:
        if begin <= row["created_at"] < end:
            people[row["utm_campaign"], row["fbclid"] or number].append((number, row))
    counted: dict[tuple[str, str, str | None], list[int]] = defaultdict(lambda: [0, 0])
    values: dict[tuple[str, str], list[tuple[str | None, Decimal]]] = defaultdict(list)
    for (campaign, _), of in people.items():
        _, newest = max(of, key=lambda one: (one[1]["created_at"], one[0]))
        numbers = {number for number, _ in of}
        own = [sale for sale in sales if sale[0] in numbers and sale[1] < today]
        content = (newest["utm_content"] or "").strip() or None
        block = str((newest["created_at"] - timedelta(hours=3)).hour // 4)
        for family, subject in {"content": content, "term": newest["utm_term"], "block": block, "all": None}.items():
            counted[campaign, family, subject][0] += bool(own)
            counted[campaign, family, subject][1] += 1
        for _, _, value, currency in own:
            if value is not None:
                values[campaign, currency].append((content, Decimal(value)))
    orders: dict[tuple[str, str, str | None], Orders] = defaultdict(Orders)
    for (campaign, currency), sold in values.items():
        for subject, amount in sold:
            same, smaller = sum(other == amount for _, other in sold), sum(other < amount for _, other in sold)
            rank = smaller + Decimal(same + 1) / 2
            orders[campaign, currency, subject] += Orders(1, amount, amount**2, rank, Decimal(same**2 - 1))
    (tenant,) = chosen_tenants(connection, "acme")
    with connection.transaction():
        found = clicks_of(connection, tenant, FIRST, LAST, TODAY)
    assert {campaign: list(sold) for campaign, sold in found.all.items()} == {
        campaign: sold for (campaign, family, _), sold in counted.items() if family == "all"
    }
    assert {(*key, subject): list(sold) for key, of in found.by_subject.items() for subject, sold in of.items()} == {
        key: sold for key, sold in counted.items() if key[1] != "all" and key[2] is not None
    }
    assert {(*key, content): of for key, by in found.orders.items() for content, of in by.items()} == orders
