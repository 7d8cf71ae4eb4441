"""Random worlds: the database and an independent brute force agree on every touch, refused key and credit."""

import random
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from campaigns.brute_force import Journey, campaign_of, credits_of
from campaigns.worlds import compute, insert_world, journeys_of, refused_keys, touches_of
from matching.brute_force import NOBODYS
from matching.gates import History
from psycopg import Connection
from psycopg.types.json import Jsonb

from trackai_pipelines.campaigns.credit_models import MODELS
from trackai_pipelines.campaigns.journeys import JourneyLimits

Row = dict[str, Any]
START = datetime(2026, 3, 1, tzinfo=UTC)
WORLDS = 25
EMAILS = [letter * 64 for letter in "abcd"] + sorted(NOBODYS)[:1]
CAMPAIGNS = (None, "", "(none)", "a", "b", " a ", "{{campaign.name}}", "old")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_random_worlds(connection: Connection[Any], add_tenant: Callable[..., str], seed: int) -> None:
    chance = random.Random(seed)
    for number in range(WORLDS):
        tenant: Row = {
            "lookback_days": chance.choice((3, 7)),
            "journey_days": chance.choice((None, None, 5)),
            "email_matching": chance.random() < 0.6,
            "half_life_hours": chance.choice((Decimal("0.5"), Decimal(24), Decimal(168))),
            "credit_unit": chance.choice(("campaign", "channel")),
        }
        tenant_id = add_tenant(f"world{number}", **tenant)
        history = History()
        history.add_tenant({"id": tenant_id, **tenant})
        for key, value in (("lookback_days", "3"), ("lookback_days", "7"), ("email_matching", "true")):
            if chance.random() < 0.4:
                state = {"enabled": chance.random() < 0.7, "rollout_percentage": 100, "value": value}
                since = START + timedelta(days=chance.randrange(8))
                history.record(connection, {"key": key, "from": since, "state": state}, tenant_id)
        world = _world(chance, first_id=1 if chance.random() < 0.5 else 1000)
        limits = JourneyLimits(
            max_clicks=chance.choice((4, 50)),
            max_browsers_of_a_click_id=chance.choice((1, 3)),
            max_buyers_of_a_browser=chance.choice((1, 3)),
            max_browsers_of_a_contact=chance.choice((1, 20)),
            max_touches=chance.choice((2, 5, 100)),
        )
        aliases = _insert_aliases(connection, chance, tenant_id)
        effects, shares = _insert_training(connection, chance, tenant_id, tenant["credit_unit"])
        insert_world(connection, tenant_id, **world)
        compute(connection, tenant_id, limits=limits)

        touches, journeys = touches_of(connection, tenant_id), journeys_of(connection, tenant_id)
        refused = refused_keys(connection, tenant_id, limits)
        unmatched = {row["conversion_id"] for row in world["attributions"] if row["strategy"] == "unmatched"}
        assert touches.keys() == journeys.keys() == {sale["id"] for sale in world["conversions"]} - unmatched
        for sale in world["conversions"]:
            if sale["id"] in unmatched:
                continue
            where = f"seed {seed}, world {number}, sale {sale['id']}"
            settings = history.settings(tenant_id, f"world{number}", sale["occurred_at"])
            expected = Journey(sale, world, tenant | settings, asdict(limits))
            found = touches[sale["id"]]
            assert [(touch["click_id"], touch["via"]) for touch in found] == [
                (click and click["id"], via) for click, via in expected.touches
            ], where
            assert refused.get(sale["id"], set()) == expected.refused, where
            journey = journeys[sale["id"]]
            assert (journey["shared_keys"], journey["truncated"]) == (len(expected.refused), expected.truncated), where
            assert [touch["campaign_id"] for touch in found] == [
                campaign_of(click, aliases) if click else "(none)" for click, _ in expected.touches
            ], where
            _check_credits(sale, tenant, expected, found, effects, shares, where)

    before = connection.execute("SELECT * FROM trackai.conversion_touchpoints ORDER BY 1, 2, 3").fetchall()
    compute(connection, tenant_id, limits=limits)
    assert connection.execute("SELECT * FROM trackai.conversion_touchpoints ORDER BY 1, 2, 3").fetchall() == before


def _check_credits(
    sale: Row, tenant: Row, expected: Journey, found: list[Row], effects: Any, shares: Any, where: str
) -> None:
    unit = "campaign_id" if tenant["credit_unit"] == "campaign" else "channel"
    facts = [
        {
            "matched": via == "matched",
            "channel": touch["channel"],
            "unit": "(other)" if effects and "(other)" in effects and touch[unit] not in effects else touch[unit],
            "age": click and Decimal((sale["occurred_at"] - click["created_at"]).total_seconds()),
        }
        for touch, (click, via) in zip(found, expected.touches, strict=True)
    ]
    credited = credits_of(facts, half_life_hours=tenant["half_life_hours"], effects=effects, shares=shares)
    for model in MODELS:
        got = [touch[model] for touch in found]
        assert sum(got) == 1, (where, model)
        if model == "time_decay":
            difference = max(abs(one - other) for one, other in zip(got, credited[model], strict=True))
            assert difference <= Decimal("1e-9"), (where, model)
        else:
            assert got == credited[model], (where, model)


def _world(chance: random.Random, first_id: int) -> dict[str, list[Row]]:
    def when() -> datetime:
        # Quarters of an hour, so that moments coincide and visits follow each other.
        return START + timedelta(minutes=15 * chance.randrange(4 * 24 * 8))

    clicks: list[Row] = []
    for number in range(chance.randrange(1, 20)):
        near = clicks[-1]["created_at"] + timedelta(minutes=15 * chance.randrange(4)) if clicks else when()
        clicks.append(
            {
                "id": first_id + number,
                "created_at": near if chance.random() < 0.4 else when(),
                "fbclid": chance.choice((None, None, "K1", "K2", "K3", "bad key")),
                "fbc": chance.choice((None, None, None, "fb.1.17.K1", "fb.1.17.K4")),
                "fbp": chance.choice((None, "undefined", "fb.1.17.1", "fb.1.17.1", "fb.1.17.2", "fb.1.17.3.AQ")),
                "utm_source": chance.choice((None, "facebook", "Google")),
                "utm_medium": chance.choice((None, None, "cpc")),
                "utm_campaign": chance.choice(CAMPAIGNS),
            }
        )
    ids = [click["id"] for click in clicks]
    identities = [
        {
            "click_id": chance.choice(ids),
            "email_hash": chance.choice((None, *EMAILS)),
            "phone_hash": chance.choice((None, None, "e" * 64, "f" * 64)),
            "created_at": when(),
        }
        for _ in range(chance.randrange(8))
    ]
    conversions = [
        {
            "id": first_id + number,
            "occurred_at": when(),
            "fbc": chance.choice((None, "fb.1.17.K1", "fb.1.17.K2", "garbage")),
            "fbp": chance.choice((None, "fb.1.17.1", "fb.1.17.2", "fb.1.17.9")),
            "customer_email_hash": chance.choice((None, *EMAILS)),
            "customer_phone_hash": chance.choice((None, "e" * 64, "f" * 64)),
        }
        for number in range(chance.randrange(1, 6))
    ]
    attributions = [
        {"conversion_id": sale["id"], "click_id": None, "strategy": "unmatched"}
        if chance.random() < 0.1
        else {"conversion_id": sale["id"], "click_id": chance.choice((None, *ids, *ids)), "strategy": "fbp"}
        for sale in conversions
    ]
    return {"clicks": clicks, "identities": identities, "conversions": conversions, "attributions": attributions}


def _insert_aliases(connection: Connection[Any], chance: random.Random, tenant: str) -> list[Row]:
    aliases = [
        {"source": source, "alias": "old", "campaign_id": campaign}
        for source, campaign in (("", "new"), ("google", "new on google"))
        if chance.random() < 0.5
    ]
    for alias in aliases:
        connection.execute(
            "INSERT INTO trackai.campaign_aliases (tenant_id, source, alias, campaign_id) VALUES (%s, %s, %s, %s)",
            (tenant, *alias.values()),
        )
    return aliases


def _insert_training(
    connection: Connection[Any], chance: random.Random, tenant: str, unit: str
) -> tuple[dict[str, Fraction] | None, dict[frozenset[str], dict[str, Fraction]]]:
    """Insert one of the other unit and one after the sales, which count for nothing, and perhaps one that does."""
    other = "channel" if unit == "campaign" else "campaign"
    rows = [(1, "2026-02-20", other), (2, "2026-06-01", unit)]
    units: tuple[str, ...] = (
        ("a", "b", "new", "(none)") if unit == "campaign" else ("paid_social", "direct", "organic_search", "other")
    )
    # Units with few touches are one unit of the training.
    units = (*units, "(other)") if chance.random() < 0.4 else units
    known = [name for name in units if name == "(other)" or chance.random() < 0.7]
    if chance.random() < 0.7:
        rows.append((3, "2026-02-19", unit))
    for id_, to_day, of_unit in rows:
        connection.execute(
            """
            INSERT INTO trackai.attribution_trainings
                (tenant_id, id, to_day, from_day, unit, journeys, conversions, conversion_probability, trained_at)
            VALUES (%s, %s, %s, '2026-01-01', %s, 100, 100, 0.5, '2026-06-02')
            """,
            (tenant, id_, to_day, of_unit),
        )
        connection.execute("INSERT INTO trackai.attribution_units VALUES (%s, %s, 'nobody', 0.5, 1)", (tenant, id_))
    if len(rows) == 2:
        return None, {}
    effects = {name: Fraction(chance.randrange(4), 7) for name in known}
    for name, effect in effects.items():
        connection.execute(
            "INSERT INTO trackai.attribution_units VALUES (%s, 3, %s, %s, 9)", (tenant, name, _decimal(effect))
        )
    shares: dict[frozenset[str], dict[str, Fraction]] = {}
    for _ in range(6):
        parts = {name: Fraction(chance.randrange(1, 5)) for name in units if chance.random() < 0.6}
        shares[frozenset(parts)] = {name: part / sum(parts.values()) for name, part in parts.items()}
    shares.pop(frozenset(), None)
    for names, of_set in shares.items():
        connection.execute(
            "INSERT INTO trackai.attribution_sets VALUES (%s, 3, %s, 9, 9, %s)",
            (tenant, "\x1f".join(sorted(names)), Jsonb({name: str(_decimal(s)) for name, s in of_set.items()})),
        )
    return effects, shares


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)
