"""Training on the journeys of 90 days: which count, what is written, and that repeating it changes nothing."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import dagster as dg
import pytest
from campaigns.touches import add_journeys, make_room
from psycopg import Connection, sql
from typer.testing import Result

from trackai_pipelines.campaigns.days import compute_days
from trackai_pipelines.campaigns.defs import decisions
from trackai_pipelines.campaigns.markov import Outcomes, solve
from trackai_pipelines.campaigns.shapley import sets_of, shares
from trackai_pipelines.campaigns.training import OTHER, paths_of, train, with_fewer_units
from trackai_pipelines.errors import ExpectedError
from trackai_pipelines.matching.drain import drain

FROM_DAY, TO_DAY = date(2026, 3, 3), date(2026, 5, 31)
BEGIN, END = datetime(2026, 3, 3, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
NOW = datetime(2026, 6, 1, 3, 30, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)

Paths = dict[tuple[str, ...], Outcomes]
AddClick = Callable[..., int]


@dataclass(frozen=True)
class Click:
    """A click that may be on a path without a sale."""

    id: int
    at: datetime
    browser: str | None
    key: str | None
    campaign: str


@pytest.fixture
def acme(connection: Connection[Any], add_tenant: Callable[..., str]) -> str:
    """A tenant, and room for touches."""
    make_room(connection)
    return add_tenant("acme")


def browser(number: int) -> str:
    return f"fb.1.1700000000000.{number + 1}"


def brute_force(clicks: list[Click], journeys: list[tuple[list[str], list[int | None]]]) -> Paths:
    """The paths by a loop over people: the same rule, another way."""
    found: dict[tuple[str, ...], list[int]] = defaultdict(lambda: [0, 0])
    touched = {click for _, of in journeys for click in of}
    for campaigns, _ in journeys:
        found[tuple(campaigns[-20:])][0] += 1
    people: dict[tuple[str, str], list[Click]] = defaultdict(list)
    for click in clicks:
        if BEGIN <= click.at < END and (click.browser or click.key):
            people["browser" if click.browser else "key", click.browser or click.key or ""].append(click)
    for of in people.values():
        of.sort(key=lambda click: (click.at, click.id))
        if len(of) <= 50 and END - of[-1].at >= timedelta(days=3) and not touched & {click.id for click in of}:
            found[tuple(click.campaign for click in of[-20:])][1] += 1
    return {path: (sold, unsold) for path, (sold, unsold) in found.items()}


@pytest.mark.parametrize("seed", range(6))
def test_paths_are_those_of_people(
    connection: Connection[Any], acme: str, add_tenant: Callable[..., str], insert_click: AddClick, seed: int
) -> None:
    """Clicks on both sides of each edge: the days' ends, 20 touches, a missing key."""
    random = Random(seed)
    other = add_tenant("other")
    clicks, journeys = [], []
    edges = (BEGIN - INSTANT, BEGIN, END - timedelta(days=3), END - timedelta(days=3) + INSTANT, END - INSTANT, END)
    for person in range(60):
        # Every third has no browser key; of those, some have no click key either.
        fbp = browser(person) if person % 3 else None
        for number in range(random.choice((1, 1, 2, 3, 19, 20, 21))):
            at = random.choice(edges) if random.random() < 0.05 else BEGIN + random.random() * timedelta(days=86)
            # A browser's clicks have keys of their own.
            key = f"IwAR{person:06}{number * bool(fbp):02}" if random.random() < 0.9 else None
            campaign = random.choice("abc")
            added = insert_click(acme, created_at=at, fbp=fbp, fbclid=key, utm_campaign=campaign)
            clicks.append(Click(added, at, fbp, key, campaign))
        insert_click(other, created_at=at, fbp=browser(person), utm_campaign="b")
    for number in range(30):
        campaigns = random.choices("abc", k=random.choice((1, 2, 20, 21, 25)))
        of: list[int | None] = [None] * len(campaigns)
        of[-1] = random.choice(clicks).id if random.random() < 0.4 else None
        day = random.choice((FROM_DAY, TO_DAY, FROM_DAY + timedelta(days=random.randint(0, 89))))
        add_journeys(connection, acme, day, [number + 1], campaigns, clicks=of)
        journeys.append((campaigns, of))
    outside = [clicks[0].id]
    add_journeys(connection, acme, TO_DAY + timedelta(days=1), [101], ["a"], clicks=outside)
    add_journeys(connection, acme, FROM_DAY - timedelta(days=1), [102], ["a"], clicks=outside)
    assert paths_of(connection, acme, "campaign", FROM_DAY, TO_DAY) == brute_force(clicks, journeys)


@pytest.mark.parametrize(("clicks", "path"), [(50, {("a",) * 20: (0, 1)}), (51, {})])
def test_more_than_50_clicks_are_no_person(
    connection: Connection[Any], acme: str, insert_click: AddClick, clicks: int, path: Paths
) -> None:
    for number in range(clicks):
        insert_click(acme, created_at=BEGIN + number * INSTANT, fbp=browser(1), utm_campaign="a")
    assert paths_of(connection, acme, "campaign", FROM_DAY, TO_DAY) == path


def test_an_alias_names_the_campaign_and_a_channel_is_a_unit(
    connection: Connection[Any], acme: str, insert_click: AddClick
) -> None:
    connection.execute(
        "INSERT INTO trackai.campaign_aliases (tenant_id, source, alias, campaign_id)"
        " VALUES ('t-acme', '', '1234', 'spring'), ('t-acme', 'google', '1234', 'spring-search')"
    )
    for at, source in enumerate(("fb", "google")):
        insert_click(
            acme,
            created_at=BEGIN + timedelta(hours=at),
            fbp=browser(1),
            utm_source=source,
            utm_medium="cpc",
            utm_campaign=" 1234",
        )
    assert paths_of(connection, acme, "campaign", FROM_DAY, TO_DAY) == {("spring", "spring-search"): (0, 1)}
    assert paths_of(connection, acme, "channel", FROM_DAY, TO_DAY) == {("paid_social", "paid_search"): (0, 1)}


def test_the_units_with_fewest_touches_are_one() -> None:
    paths: Paths = {(f"unit {number:03}",): (number, 0) for number in range(1, 103)}
    paths["unit 001", "unit 003"] = (1, 0)
    fewer = with_fewer_units(paths)
    # 1 and 2 have two touches each; by name, 001 is before 002. 003 has four.
    assert {unit for path in fewer for unit in path} == {f"unit {number:03}" for number in range(3, 103)} | {OTHER}
    assert fewer[(OTHER,)] == (1 + 2, 0)
    assert fewer[OTHER, "unit 003"] == (1, 0)
    exactly: Paths = {(f"unit {number:03}",): (1, 0) for number in range(100)}
    assert with_fewer_units(exactly) == exactly


def learned(connection: Connection[Any]) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of the three tables."""
    return {
        table: connection.execute(
            sql.SQL("SELECT * FROM {} ORDER BY 1, 2, 3").format(sql.Identifier("trackai", table))
        ).fetchall()
        for table in ("attribution_trainings", "attribution_units", "attribution_sets")
    }


def add_many(connection: Connection[Any], tenant_id: str, *, first: int = 1) -> Paths:
    """120 journeys of four paths with a sale, and 30 people without one."""
    paths = {("a", "b"): 40, ("b",): 30, ("a", "c", "a"): 30, ("c",): 20}
    conversions = iter(range(first, first + 200))
    for path, number in paths.items():
        add_journeys(connection, tenant_id, TO_DAY, [next(conversions) for _ in range(number)], path)
    connection.execute(
        "INSERT INTO trackai.clicks (tenant_id, fbp, utm_campaign, created_at)"
        " SELECT %s, 'fb.1.1700000000000.' || n + 1, (ARRAY['a', 'b', 'c'])[1 + n %% 3], %s"
        " FROM generate_series(0, 29) n",
        (tenant_id, BEGIN),
    )
    return {path: (number, 0) for path, number in paths.items()} | {
        ("b",): (30, 10),
        ("c",): (20, 10),
        ("a",): (0, 10),
    }


def test_what_is_written_is_what_the_models_say(connection: Connection[Any], acme: str) -> None:
    paths = add_many(connection, acme)
    (training,) = train(connection, TO_DAY, NOW)
    assert (training.journeys, training.conversions, training.units) == (150, 120, 3)
    rows = learned(connection)
    ((tenant, number, to_day, from_day, unit, journeys, conversions, probability, at),) = rows["attribution_trainings"]
    assert (tenant, to_day, from_day, unit, at) == (acme, TO_DAY, FROM_DAY, "campaign", NOW)
    assert (journeys, conversions, probability) == (150, 120, Decimal("0.8"))
    chain = solve(paths)
    of_unit = Counter({"a": 40 + 30 + 10, "b": 40 + 40, "c": 30 + 30})
    assert rows["attribution_units"] == [
        (acme, number, name, Decimal(repr(chain.removal_effects[name])), of_unit[name]) for name in "abc"
    ]
    sets = sets_of(paths)
    assert rows["attribution_sets"] == [
        (acme, number, "\x1f".join(units), sum(sets[units]), sets[units][0], of)
        for units, of in sorted(shares(sets).items())
    ]


def test_training_again_writes_the_same_rows(connection: Connection[Any], acme: str) -> None:
    add_many(connection, acme)
    train(connection, TO_DAY, NOW)
    before = learned(connection)
    train(connection, TO_DAY, NOW)
    assert learned(connection) == before


def test_other_facts_replace_a_training_and_keep_its_id(connection: Connection[Any], acme: str) -> None:
    add_many(connection, acme)
    train(connection, TO_DAY, NOW)
    (before,) = learned(connection)["attribution_trainings"]
    connection.execute("DELETE FROM trackai.conversion_touchpoints WHERE campaign_id = 'c'")
    connection.execute("DELETE FROM trackai.clicks WHERE utm_campaign = 'c'")
    train(connection, TO_DAY, NOW + timedelta(days=1))
    rows = learned(connection)
    (after,) = rows["attribution_trainings"]
    assert after[1] == before[1]
    assert after[-1] == NOW + timedelta(days=1)
    assert [row[2] for row in rows["attribution_units"]] == ["a", "b"]
    assert [row[2] for row in rows["attribution_sets"]] == ["a", "a\x1fb", "b"]


def test_two_tenants_learn_apart(connection: Connection[Any], acme: str, add_tenant: Callable[..., str]) -> None:
    add_many(connection, acme)
    train(connection, TO_DAY, NOW)
    alone = learned(connection)
    other = add_tenant("other", credit_unit="channel")
    add_journeys(connection, other, TO_DAY, range(1, 200), ["a", "z"])
    add_journeys(connection, other, TO_DAY, range(200, 300), ["q"], channel="email")
    train(connection, TO_DAY, NOW)
    together = learned(connection)
    assert {name: [row for row in rows if row[0] == acme] for name, rows in together.items()} == alone
    assert [row[2] for row in together["attribution_units"] if row[0] == other] == ["email", "paid_social"]


@pytest.mark.parametrize(
    ("conversions", "campaigns", "trained"), [(99, "ab", False), (100, "ab", True), (100, "a", False)]
)
def test_it_takes_100_conversions_and_two_units(
    connection: Connection[Any], acme: str, conversions: int, campaigns: str, trained: bool
) -> None:
    add_journeys(connection, acme, TO_DAY, range(1, conversions + 1), campaigns)
    (training,) = train(connection, TO_DAY, NOW)
    assert (training.conversion_probability is not None) == trained
    assert len(learned(connection)["attribution_trainings"]) == int(trained)


def test_days_whose_facts_have_left_keep_their_training(connection: Connection[Any], acme: str) -> None:
    add_many(connection, acme)
    train(connection, TO_DAY, NOW)
    before = learned(connection)
    connection.execute("DELETE FROM trackai.conversion_touchpoints WHERE conversion_id > 110")
    connection.execute(
        "INSERT INTO trackai.archives (table_name, day, part, state, path, rows, bytes, sha256, checksum, first_row_at,"
        " last_row_at, verified_at, keep_until, dropped_at)"
        " VALUES ('clicks', %s, 1, 'dropped', 'p', 1, 1, repeat('0', 64), 'c', %s, %s, %s, %s, %s)",
        (FROM_DAY, BEGIN, BEGIN, NOW, NOW, NOW),
    )
    (training,) = train(connection, TO_DAY, NOW)
    assert training.left
    assert learned(connection) == before
    (later,) = train(connection, TO_DAY + timedelta(days=1), NOW)
    assert not later.left


def test_an_unknown_tenant_is_named(connection: Connection[Any]) -> None:
    with pytest.raises(ExpectedError, match="There is no tenant nobody"):
        train(connection, TO_DAY, NOW, tenant="nobody")


def test_the_command_trains_and_says_who_has_too_little(
    connection: Connection[Any], acme: str, add_tenant: Callable[..., str], trackai: Callable[..., Result]
) -> None:
    add_tenant("small")
    add_many(connection, acme)
    result = trackai("campaigns", "train", "--to", "2026-05-31")
    assert result.exit_code == 0
    assert "small: 0 conversions of 0 campaigns up to 2026-05-31 are too few to learn from" in result.stderr
    line = next(line for line in result.stdout.splitlines() if "acme" in line)
    assert line.split() == ["acme", "campaign", "2026-03-03", "2026-05-31", "150", "120", "3", "0.8000"]
    assert trackai("campaigns", "train", "--tenant", "nobody").exit_code == 1


def test_the_job_trains_its_days(
    connection: Connection[Any], acme: str, run_job: Callable[..., dg.ExecuteInProcessResult]
) -> None:
    add_many(connection, acme)
    result = run_job("train_attribution", days=[TO_DAY - timedelta(days=1), TO_DAY])
    # The sales are on the last of the two days.
    shown = {
        event.materialization.partition: event.materialization.metadata["tenants"].value
        for event in result.all_events
        if event.is_step_materialization
    }
    assert shown == {"2026-05-30": 0, "2026-05-31": 1}
    assert [row[2] for row in learned(connection)["attribution_trainings"]] == [TO_DAY]


def test_the_schedule_trains_up_to_sunday(instance: dg.DagsterInstance) -> None:
    monday = datetime(2026, 6, 1, 3, 30, tzinfo=UTC)
    with dg.build_schedule_context(instance, scheduled_execution_time=monday) as context:
        (request,) = decisions.weekly_attribution_training.evaluate_tick(context).run_requests or ()
    assert request.tags["dagster/asset_partition_range_end"] == "2026-05-31"


def test_shares_are_plain_numbers(connection: Connection[Any], acme: str) -> None:
    add_many(connection, acme)
    train(connection, TO_DAY, NOW)
    for (shown,) in connection.execute("SELECT shares::text FROM trackai.attribution_sets"):
        assert sum(json.loads(shown).values()) == pytest.approx(1, abs=1e-12)


def test_the_next_day_gives_credit_by_what_was_learned(
    connection: Connection[Any], add_tenant: Callable[..., str], insert_click: AddClick, insert_sale: AddClick
) -> None:
    """From clicks and sales over matching and journeys to weights, and back into the credit of a later sale."""
    acme = add_tenant("acme")
    noon = datetime(2026, 5, 31, 12, tzinfo=UTC)
    people = iter(range(1, 1_000))

    def come(path: str, at: datetime, *, buys: bool) -> int | None:
        person = browser(next(people))
        for hours, campaign in enumerate(reversed(path), start=1):
            insert_click(acme, fbp=person, utm_campaign=campaign, created_at=at - timedelta(hours=hours))
        return insert_sale(acme, at, fbp=person) if buys else None

    for path, sold, unsold in (("ab", 70, 20), ("b", 40, 60), ("c", 10, 0)):
        for number in range(sold + unsold):
            come(path, noon if number < sold else noon - timedelta(days=10), buys=number < sold)
    later = come("aba", noon + timedelta(days=1), buys=True)
    drain(connection, run_id="test")
    list(compute_days(connection, [TO_DAY], clock=lambda: NOW))
    (training,) = train(connection, TO_DAY, NOW)
    assert (training.journeys, training.conversions) == (200, 120)
    list(compute_days(connection, [TO_DAY + timedelta(days=1)], clock=lambda: NOW))
    rows = connection.execute(
        "SELECT campaign_id, credit_markov, credit_shapley FROM trackai.conversion_touchpoints"
        " WHERE conversion_id = %s ORDER BY position",
        (later,),
    ).fetchall()
    paths: Paths = {("a", "b"): (70, 20), ("b",): (40, 60), ("c",): (10, 0)}
    effects, worth = solve(paths).removal_effects, shares(sets_of(paths))["a", "b"]
    a, b = (effects[unit] / (effects["a"] + effects["b"]) for unit in "ab")
    assert [row[0] for row in rows] == ["a", "b", "a"]
    assert [float(row[1]) for row in rows] == pytest.approx([a / 2, b, a / 2], abs=2e-9)
    assert [float(row[2]) for row in rows] == pytest.approx([worth["a"] / 2, worth["b"], worth["a"] / 2], abs=2e-9)
