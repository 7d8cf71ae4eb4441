"""The demo's campaigns: a tenant's files, the answer that goes with them, and the comparison with what was computed."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from psycopg import Connection

from trackai_pipelines.campaigns.sample_credit import WeighedTouch, credits_of, revenues_of
from trackai_pipelines.campaigns.sample_world import TENANT, WITHOUT_RATE, Sold, World, build
from trackai_pipelines.database.statements import statement
from trackai_pipelines.domain import Proof, Sample

_SHOWN = 5


def write(sample: Sample) -> Mapping[str, Any]:
    """Write the files.

    Return `campaigns`: the tenant's `sales` (by event id: the touches' external ids and campaigns, oldest first, the
    place of the matched one, and how many keys were not followed), `credit` (by campaign, model and currency: the
    sales' parts and their revenue) and `spend` (by campaign and currency).
    """
    world = build(sample.seed, sample.first_day, sample.days)
    folder = sample.landing_dir / TENANT["slug"]
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in world.files.items():
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    return {
        "campaigns": {
            "sales": {sale.event_id: _touches(sale) for sale in world.sales},
            "credit": [[*key, *map(str, worth)] for key, worth in sorted(_credit(world).items())],
            "spend": [[*key, str(spend)] for key, spend in sorted(world.spend.items())],
        }
    }


def insert(connection: Connection[Any], sample: Sample) -> None:
    """Insert the tenant unless it is there."""
    connection.execute(statement("campaigns/insert_sample_tenant"), TENANT)


def prove(connection: Connection[Any], sample: Sample) -> Proof:
    """Compare each sale's touches, every campaign's credit under nine models, and what each cost, with the answer."""
    truth = sample.truth.get("campaigns")
    if truth is None:
        return Proof([], "this home was made before campaigns were")
    about = {
        "tenant_id": TENANT["id"],
        "from_day": sample.first_day,
        # Hours of the last day in São Paulo are on the next one in UTC.
        "to_day": sample.last_day + timedelta(days=1),
    }
    differences = [*_wrong_touches(connection, about, truth), *_wrong_sums(connection, about, truth)]
    models = len({model for _, model, *_ in truth["credit"]})
    return Proof(
        differences,
        f"the touches of {len(truth['sales']):,} sales, every campaign's credit under {models} models, and what it "
        "cost are as they should be",
    )


def _touches(sale: Sold) -> dict[str, Any]:
    return {
        "touches": [[touch.click, touch.campaign] for touch in sale.touches],
        "matched": 1 + [touch.matched for touch in sale.touches].index(True),
        "shared_keys": sale.shared_keys,
    }


def _credit(world: World) -> dict[tuple[str, str, str], tuple[Decimal, Decimal]]:
    """Return sales and revenue by campaign, model and currency."""
    sums: dict[tuple[str, str, str], tuple[Decimal, Decimal]] = defaultdict(lambda: (Decimal(0), Decimal(0)))
    for sale in world.sales:
        touches = [
            WeighedTouch(
                Decimal((sale.at - touch.at) // timedelta(microseconds=1)) / 10**6, touch.direct, touch.matched
            )
            for touch in sale.touches
        ]
        for model, shares in credits_of(touches).items():
            for touch, share, revenue in zip(sale.touches, shares, revenues_of(sale.value, shares), strict=True):
                if share:
                    sales, money = sums[touch.campaign, model, sale.currency]
                    sums[touch.campaign, model, sale.currency] = (sales + share, money + revenue)
    return dict(sums)


def _wrong_touches(connection: Connection[Any], about: Mapping[str, Any], truth: Mapping[str, Any]) -> Iterator[str]:
    found: dict[str, dict[str, Any]] = {}
    for event, click, campaign, matched, shared_keys in connection.execute(
        statement("campaigns/sample_touches"), about
    ):
        journey = found.setdefault(event, {"touches": [], "matched": None, "shared_keys": shared_keys})
        journey["touches"].append([click, campaign])
        journey["matched"] = len(journey["touches"]) if matched else journey["matched"]
    wrong = [event for event, touches in truth["sales"].items() if found.get(event) != touches]
    wrong += [event for event in found if event not in truth["sales"]]
    for event in wrong[:_SHOWN]:
        should = truth["sales"].get(event)
        yield f"{TENANT['slug']}: the journey of {event} is {found.get(event)} and should be {should}"
    if len(wrong) > _SHOWN:
        yield f"{TENANT['slug']}: {len(wrong) - _SHOWN} more journeys differ"


def _wrong_sums(connection: Connection[Any], about: Mapping[str, Any], truth: Mapping[str, Any]) -> Iterator[str]:
    credit = connection.execute(statement("campaigns/sample_credit"), about).fetchall()
    spend = connection.execute(statement("campaigns/sample_spend"), about).fetchall()
    for what, found, answer, keys in (("credit", credit, truth["credit"], 3), ("spend", spend, truth["spend"], 2)):
        is_now = {tuple(row[:keys]): list(map(Decimal, row[keys:])) for row in found}
        should = {tuple(row[:keys]): list(map(Decimal, row[keys:])) for row in answer}
        for key in sorted(is_now.keys() | should.keys()):
            if is_now.get(key) != should.get(key):
                now, then = ([str(value) for value in of.get(key, [])] or "none" for of in (is_now, should))
                yield f"{TENANT['slug']}: {what} of {', '.join(key)} is {now} and should be {then}"
    converted = connection.execute(statement("campaigns/sample_converted"), about).fetchall()
    for campaign, amounts in converted:
        if (amounts == 0) != (campaign == WITHOUT_RATE):
            yield f"{TENANT['slug']}: {campaign} has {amounts} days with revenue, and only {WITHOUT_RATE} has no rate"
