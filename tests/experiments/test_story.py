"""What `trackai explain` says of a sale in each test."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from experiments import accounted
from experiments.accounted import DAY, NOW, START
from lifecycle.old_rows import insert
from psycopg import Connection

from trackai_pipelines.experiments.story import story


@pytest.fixture
def tenant(connection: Connection[Any], add_tenant: Callable[..., str]) -> str:
    """The tenant whose sales are told of; another one has the same."""
    tenant = add_tenant("acme")
    for each in (tenant, add_tenant("globex")):
        accounted.build(connection, each)
    return tenant


def told(connection: Connection[Any], tenant: str, sale: int) -> list[str]:
    return [part.sentence for part in story(connection, tenant, sale)]


def test_each_class_has_its_words(connection: Connection[Any], tenant: str) -> None:
    said = {sale: told(connection, tenant, sale) for sale, *_ in accounted.SALES}
    assert {len(sentences) for sentences in said.values()} == {2}
    assert {sale: sentences[1] for sale, sentences in said.items()} == {
        1: "Not counted in checkout: it happened 8.9 days before assignment.",
        2: "Counted in checkout, variant control, 1.2 days after assignment.",
        3: "Counted in checkout, variant control, 14.0 days after assignment.",
        4: "Not counted in checkout: it happened 14.0 days after assignment, and the window is 14 days.",
        5: "Counted in checkout, variant a, 1.9 days after assignment.",
        6: "Counted in checkout, variant a, 2.9 days after assignment, without revenue: it is in USD, and the test in "
        "BRL.",
        7: "Not counted in checkout: the user saw several variants.",
        8: "Not counted in checkout: the user was assigned outside the test's period.",
        9: "Not counted in checkout: the user is a bot.",
        10: "Not counted in checkout: only Purchase counts.",
        11: "Counted in checkout, variant control, 3.1 days after assignment.",
    }
    connection.execute("UPDATE trackai.ab_test_outcomes SET class = 'not_attributed' WHERE conversion_id = 6")
    assert told(connection, tenant, 6)[1] == (
        "Not counted in checkout: it has no click, and only attributed sales count."
    )


def test_a_sale_of_today_waits_and_one_of_an_archived_test_stays(connection: Connection[Any], tenant: str) -> None:
    connection.execute("DELETE FROM trackai.ab_test_outcomes WHERE conversion_id IN (2, 3)")
    waits = "In checkout, variant control, from its next computation on."
    assert told(connection, tenant, 2)[1] == waits
    connection.execute("UPDATE trackai.ab_tests SET status = 'archived' WHERE test_key = 'checkout'")
    assert told(connection, tenant, 2) == [waits.replace("checkout", "banner")]
    connection.execute("DELETE FROM trackai.ab_test_assignments")
    assert told(connection, tenant, 5)[1] == "Counted in checkout, some time after assignment."


def test_a_sale_of_nobody_is_in_no_test(connection: Connection[Any], tenant: str) -> None:
    row = {"tenant_id": tenant, "id": 99, "gateway": "stripe", "gateway_event_id": "e99", "value": 1,
           "currency": "BRL", "occurred_at": START + DAY, "created_at": NOW}  # fmt: skip
    insert(connection, "conversions", row)
    assert told(connection, tenant, 99) == []
    # Before the days that explain differences between users.
    insert(connection, "conversions", {**row, "id": 98, "gateway_event_id": "e98", "occurred_at": START - 29 * DAY})
    accounted.link(connection, tenant, 98, "u1", linked_at=NOW - timedelta(hours=1))
    assert told(connection, tenant, 98) == []
