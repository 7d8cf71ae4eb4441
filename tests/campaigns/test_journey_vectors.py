"""Reference worlds: which clicks are the touches of each sale, which keys were not followed, and what each deserves."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from campaigns.reference import vectors
from campaigns.worlds import compute, insert_world, journeys_of, refused_keys, touches_of
from psycopg import Connection
from psycopg.types.json import Jsonb

from trackai_pipelines.campaigns.journeys import JourneyLimits

SALE = datetime(2026, 5, 12, 18, 4, tzinfo=UTC)
KINDS = {"click": "click_id"}


def _named(name: str) -> list[Any]:
    return [pytest.param(world, id=world["name"]) for world in vectors(name)]


@pytest.mark.parametrize("click", vectors("channel_of_click"))
def test_the_channel_of_a_click(connection: Connection[Any], click: dict[str, Any]) -> None:
    found = connection.execute(
        "SELECT trackai.channel_of(%(utm_source)s, %(utm_medium)s, %(utm_campaign)s, %(has_click_id)s)", click
    ).fetchone()
    assert found == (click["channel"],)


@pytest.mark.parametrize("world", _named("stitching"))
def test_the_touches_of_each_sale(
    connection: Connection[Any], add_tenant: Callable[..., str], world: dict[str, Any]
) -> None:
    tenant = add_tenant("acme", lookback_days=world["lookback_days"], email_matching=world["email_matching"])
    insert_world(connection, tenant, **{k: world[k] for k in ("clicks", "identities", "conversions", "attributions")})
    limits = JourneyLimits(**world["limits"])
    compute(connection, tenant, limits=limits)

    touches = touches_of(connection, tenant)
    found = {
        conversion: [touch["click_id"] for touch in rows if touch["click_id"] is not None]
        for conversion, rows in touches.items()
    }
    assert found == {sale["conversion_id"]: sale["click_ids"] for sale in world["expected"]}

    matched = {row["conversion_id"]: row["click_id"] for row in world["attributions"]}
    assert {c: [t["click_id"] for t in rows if t["matched"] == 1] for c, rows in touches.items()} == {
        conversion: [click] for conversion, click in matched.items()
    }
    shared = {
        sale["conversion_id"]: {(KINDS.get(kind, kind), key) for kind, key in sale["shared_keys"]}
        for sale in world["expected"]
    }
    refused = refused_keys(connection, tenant, limits)
    assert {conversion: refused.get(conversion, set()) for conversion in shared} == shared
    journeys = journeys_of(connection, tenant)
    assert {c: journey["shared_keys"] for c, journey in journeys.items()} == {c: len(k) for c, k in shared.items()}
    assert {c: journey["touches"] for c, journey in journeys.items()} == {c: len(rows) for c, rows in touches.items()}


@pytest.mark.parametrize("journey", _named("journeys"))
def test_the_credit_of_each_touch(
    connection: Connection[Any], add_tenant: Callable[..., str], journey: dict[str, Any]
) -> None:
    tenant = add_tenant("acme")
    # One browser joins them, and no channel but the matched click's depends on a click id: the names say which it is.
    insert_world(
        connection,
        tenant,
        clicks=[
            {
                "id": touch["position"],
                "created_at": SALE - timedelta(seconds=touch["seconds_before_sale"]),
                "fbp": "fb.1.1700000000000.7",
                **_utms(touch),
            }
            for touch in journey["touches"]
        ],
        conversions=[
            {
                "id": 1,
                "occurred_at": SALE,
                "fbp": "fb.1.1700000000000.7",
                "value": journey["value"],
                "currency": journey["currency"],
            }
        ],
        attributions=[{"conversion_id": 1, "click_id": journey["matched_position"], "strategy": "fbp"}],
    )
    _insert_training(connection, tenant, journey)
    # Every click is a touch of its own, whatever is between them.
    compute(connection, tenant, limits=JourneyLimits(max_clicks=1_000, visit_minutes=-1))

    touches = touches_of(connection, tenant)[1]
    assert [(t["campaign_id"], t["channel"]) for t in touches] == [
        (t["campaign_id"], t["channel"]) for t in journey["touches"]
    ]
    for model, expected in journey["expected"].items():
        shares = [touch[model] for touch in touches]
        assert sum(shares) == 1
        if model == "time_decay":
            assert max(abs(c - Decimal(e)) for c, e in zip(shares, expected["credit"], strict=True)) <= Decimal("1e-9")
        else:
            assert shares == [Decimal(credit) for credit in expected["credit"]], model


def _utms(touch: dict[str, Any]) -> dict[str, Any]:
    source, medium = {
        "paid_social": ("facebook", "paid"),
        "paid_search": ("google", "cpc"),
        "email": ("newsletter", "email"),
        "direct": (None, None),
        "organic_search": ("google", "organic"),
        "social": ("facebook", "social"),
        "referral": ("blog", "referral"),
        "other": ("blog", None),
    }[touch["channel"]]
    campaign = None if touch["campaign_id"] == "(none)" else touch["campaign_id"]
    return {"utm_source": source, "utm_medium": medium, "utm_campaign": campaign}


def _insert_training(connection: Connection[Any], tenant: str, journey: dict[str, Any]) -> None:
    effects, shares = journey.get("removal_effects"), journey.get("shapley_shares")
    if not effects and not shares:
        return
    connection.execute(
        """
        INSERT INTO trackai.attribution_trainings
            (tenant_id, id, to_day, from_day, unit, journeys, conversions, conversion_probability, trained_at)
        VALUES (%s, 1, %s, %s, 'campaign', 100, 100, 0.5, %s)
        """,
        (tenant, date(2026, 5, 11), date(2026, 2, 11), SALE),
    )
    for unit, effect in (effects or {}).items():
        connection.execute(
            "INSERT INTO trackai.attribution_units VALUES (%s, 1, %s, %s, 100)", (tenant, unit, _decimal(effect))
        )
    if shares:
        connection.execute(
            "INSERT INTO trackai.attribution_sets VALUES (%s, 1, %s, 100, 50, %s)",
            (
                tenant,
                "\x1f".join(sorted(shares)),
                Jsonb({unit: str(_decimal(share)) for unit, share in shares.items()}),
            ),
        )


def _decimal(text: str) -> Decimal:
    value = Fraction(text)
    return Decimal(value.numerator) / Decimal(value.denominator)
