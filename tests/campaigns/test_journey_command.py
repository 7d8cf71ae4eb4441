"""`trackai campaigns journey`, and campaigns' part of `trackai explain`."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from campaigns.worlds import compute, insert_world
from psycopg import Connection
from typer.testing import Result

Run = Callable[..., Result]
SALE = datetime(2026, 5, 12, 18, 4, tzinfo=UTC)
SHARED = "fb.1.1700000000000.1"


@pytest.fixture
def tenant(connection: Connection[Any], add_tenant: Callable[..., str]) -> str:
    """A tenant with a sale of three touches and a shared browser, and one that is unmatched."""
    tenant = add_tenant("acme")
    clicks: list[dict[str, Any]] = [
        {"id": 1, "ago": timedelta(days=20), "fbp": "fb.1.17.7", "utm_campaign": "prospecting", "utm_medium": "social"},
        {"id": 2, "ago": timedelta(hours=2), "fbp": "fb.1.17.7", "fbclid": "K2", "utm_campaign": "brand"},
        {"id": 3, "ago": timedelta(minutes=10), "fbp": "fb.1.17.7"},
        *({"id": 10 + n, "ago": timedelta(hours=n), "fbp": SHARED} for n in range(51)),
    ]
    insert_world(
        connection,
        tenant,
        clicks=[{**click, "created_at": SALE - click["ago"]} for click in clicks],
        conversions=[
            {"id": 1, "occurred_at": SALE, "fbc": "fb.1.17.K2", "fbp": SHARED, "value": "1349.90"},
            {"id": 2, "occurred_at": SALE},
        ],
        attributions=[
            {"conversion_id": 1, "click_id": 2},
            {"conversion_id": 2, "click_id": None, "strategy": "unmatched"},
        ],
    )
    return tenant


def test_a_journey_is_shown_with_its_touches_and_refused_keys(
    trackai: Run, connection: Connection[Any], tenant: str
) -> None:
    compute(connection, tenant)
    shown = trackai("campaigns", "journey", "acme", "stripe", "evt_1")
    assert shown.exit_code == 0, shown.output
    lines = shown.stdout.splitlines()
    assert lines[0] == (
        "Sale 1,349.90 BRL on 2026-05-12 18:04 UTC, matched by fbc. 3 touches; 1 key was shared and not followed "
        f"(browser {SHARED}: 51 clicks or more)."
    )
    cells = [line.split() for line in lines if line.strip()[:1] in ("1", "2", "3")]
    assert [row[:11] for row in cells] == [
        ["1", "2026-04-22", "18:04", "prospecting", "social", "browser", "0", "0", "1", "0.333", "0.4"],
        ["2", "2026-05-12", "16:04", "brand", "paid_social", "matched", "1", "0", "0", "0.333", "0.2"],
        ["3", "2026-05-12", "17:54", "(none)", "direct", "browser", "0", "1", "0", "0.333", "0.4"],
    ]


def test_explain_tells_the_touches(trackai: Run, connection: Connection[Any], tenant: str) -> None:
    compute(connection, tenant)
    shown = trackai("explain", "acme", "stripe", "evt_1")
    assert shown.exit_code == 0, shown.output
    assert "prospecting" in shown.stdout
    assert f"(browser {SHARED}: 51 clicks or more)" in shown.stdout


def test_what_has_no_journey_says_why(trackai: Run, connection: Connection[Any], tenant: str) -> None:
    early = trackai("campaigns", "journey", "acme", "stripe", "evt_1")
    assert "`trackai campaigns aggregate --from 2026-05-12 --to 2026-05-12` does." in early.stdout
    compute(connection, tenant)
    unmatched = trackai("campaigns", "journey", "acme", "stripe", "evt_2")
    assert "unmatched: it has no journey" in unmatched.stdout
    connection.execute("DELETE FROM trackai.matched_attributions WHERE conversion_id = 2")
    assert "not matched yet" in trackai("campaigns", "journey", "acme", "stripe", "evt_2").stdout
    missing = trackai("campaigns", "journey", "acme", "stripe", "evt_3")
    assert missing.exit_code == 1
    assert "There is no sale evt_3 from stripe" in missing.stderr


def test_every_sort_of_shared_key_is_named(
    trackai: Run, connection: Connection[Any], add_tenant: Callable[..., str]
) -> None:
    tenant = add_tenant("shared", email_matching=True)
    buyers = [letter * 64 for letter in "abcd"]
    own, phone = "e" * 64, "f" * 64
    browser = "fb.1.1700000000000.{}".format
    clicks: list[dict[str, Any]] = [
        {"id": 1, "fbclid": "K1", "fbp": browser(1)},
        # A link that was passed on to three others, and a computer of four people.
        *({"id": 10 + n, "fbclid": "K1", "fbp": browser(10 + n)} for n in range(3)),
        *({"id": 20 + n, "fbclid": f"M{n}", "fbp": browser(1)} for n in range(4)),
        # The shop's own address, and a phone of four people.
        *({"id": 30 + n, "fbclid": f"E{n}", "fbp": browser(30 + n)} for n in range(21)),
        *({"id": 60 + n, "fbclid": f"P{n}", "fbp": browser(60 + n)} for n in range(4)),
    ]
    at = SALE - timedelta(days=1)
    insert_world(
        connection,
        tenant,
        clicks=[{**click, "created_at": at} for click in clicks],
        identities=[
            *({"click_id": 20 + n, "email_hash": buyers[n], "created_at": at} for n in range(4)),
            *({"click_id": 30 + n, "email_hash": own, "created_at": at} for n in range(21)),
            *({"click_id": 60 + n, "email_hash": buyers[n], "phone_hash": phone, "created_at": at} for n in range(4)),
        ],
        conversions=[
            {
                "id": 1,
                "occurred_at": SALE,
                "fbc": "fb.1.17.K1",
                "customer_email_hash": own,
                "customer_phone_hash": phone,
            }
        ],
        attributions=[{"conversion_id": 1, "click_id": 1}],
    )
    compute(connection, tenant)
    shown = trackai("campaigns", "journey", "shared", "stripe", "evt_1").stdout
    assert shown.splitlines()[0].endswith(
        "1 touch; 4 keys were shared and not followed (click id K1: 4 browsers or more; "
        f"browser {browser(1)}: 4 buyers or more; e-mail eeeeeeee...eeee: 21 browsers or more; "
        "phone ffffffff...ffff: 4 buyers or more)."
    )
