"""The generator against an independent reading of its files: plain json, csv and pyarrow, and a brute-force matcher
written from the rules alone.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from memory import peak_memory
from sample_data.answers import (
    CONVERSIONS,
    END,
    Sample,
    brute_force,
    email_key,
    planned_by_event,
    read_back,
    time_of,
)
from sample_data.payloads import EPOCH, READINGS

from trackai_pipelines.sample_data.gate_changes import gate_changes
from trackai_pipelines.sample_data.gateways import WEBHOOKS
from trackai_pipelines.sample_data.generate import generate
from trackai_pipelines.sample_data.ground_truth import insert_tenants
from trackai_pipelines.sample_data.world import TENANTS, days_until, split


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    folder = tmp_path_factory.mktemp("sample") / "landing"
    return read_back(folder, generate(folder, conversions=CONVERSIONS, end=END))


# The brute-force matcher -----------------------------------------------------------------------------------------


def test_every_attribution_is_the_brute_force_one(sample: Sample) -> None:
    planned = planned_by_event(sample.truth)
    for sale, answer in brute_force(sample).items():
        events = sample.event_ids[sale]
        plan = planned[sale[0], sale[1], min(events)]
        assert set(plan.event_ids) == events
        assert (plan.strategy, plan.click) == answer, sale
    assert len(sample.sales) == sum(1 for _ in sample.truth.attributions()) == CONVERSIONS


def test_settings_that_change_in_the_middle_decide_the_sales_from_then_on(tmp_path: Path) -> None:
    changes = gate_changes(END, 7)
    truth = generate(tmp_path / "landing", conversions=CONVERSIONS, end=END, changes=changes)
    changed = read_back(tmp_path / "landing", truth)
    planned = {key: (plan.strategy, plan.click) for key, plan in planned_by_event(truth).items()}
    answers = brute_force(changed, changes=changes)

    def differing(others: Mapping[tuple[str, str, str], tuple[str, str | None]]) -> set[str]:
        return {
            sale[0]
            for sale, answer in others.items()
            if planned[sale[0], sale[1], min(changed.event_ids[sale])] != answer
        }

    assert differing(answers) == set()
    # Each change decides some sales, and neither holds for sales before it.
    assert differing(brute_force(changed)) == {"lumina-cursos", "northwind-fitness"}
    always = [replace(change, effective_from=END - timedelta(days=9)) for change in changes]
    assert differing(brute_force(changed, changes=always)) == {"lumina-cursos", "northwind-fitness"}


def test_when_each_sale_was_and_whether_its_buyer_is_unknown(sample: Sample) -> None:
    planned = planned_by_event(sample.truth)
    unknown = 0
    for sale, row in sample.sales.items():
        plan = planned[sale[0], sale[1], min(sample.event_ids[sale])]
        assert EPOCH + timedelta(milliseconds=plan.sold_at) == time_of(row["occurred_at"])
        told = [row.get(name) for name in ("email", "phone", "client_ip", "client_user_agent", "fbc", "fbp", "fbclid")]
        assert plan.unknown_buyer == (not any(told))
        unknown += plan.unknown_buyer
    assert 0 < unknown < CONVERSIONS * 0.02


def test_before_the_second_delivery_late_conversions_are_unmatched_and_no_other_differs(sample: Sample) -> None:
    planned = planned_by_event(sample.truth)
    for sale, answer in brute_force(sample, without_late=True).items():
        plan = planned[sale[0], sale[1], min(sample.event_ids[sale])]
        assert answer == (("unmatched", None) if plan.late else (plan.strategy, plan.click)), sale
    assert sum(truth.late for truth in sample.truth.by_tenant.values()) > CONVERSIONS * 0.02


def test_counts_of_each_tenant(sample: Sample) -> None:
    found = {tenant.slug: Counter[str]() for tenant in TENANTS}
    values = {tenant.slug: Decimal(0) for tenant in TENANTS}
    for sale, (strategy, _) in brute_force(sample).items():
        found[sale[0]][strategy] += 1
        values[sale[0]] += Decimal(sample.sales[sale]["value"])
    for slug, truth in sample.truth.by_tenant.items():
        counted = {s: getattr(truth, s) for s in ("fbc", "fbp", "email", "unmatched", "pending")}
        assert {s: n for s, n in counted.items() if n} == dict(found[slug])
        assert truth.conversions == sum(counted.values())
        assert truth.value == values[slug]


def test_users_their_sales_and_the_campaigns_of_each_tenant(sample: Sample) -> None:
    for slug, truth in sample.truth.by_tenant.items():
        latest: dict[str, dict[str, Any]] = {}
        for row in sorted(sample.users[slug], key=lambda row: row["updated_at"]):
            latest[row["id"]] = row
        known = {row["email"] for row in latest.values()}
        sales = [sale for sale in sample.sales.values() if sale["tenant"] == slug]
        assert len(latest) == truth.users
        assert sum(email_key(sale) in known for sale in sales) == truth.linked
        assert len(sales) == 0 or 0.15 < truth.linked / len(sales) < 0.35
        named = {click["utm_campaign"] for click in sample.clicks.values() if click["tenant"] == slug}
        assert truth.campaigns == named | sample.campaigns[slug]
        assert len(sample.campaigns[slug]) < len(truth.campaigns)
    rows = [row for of_tenant in sample.users.values() for row in of_tenant]
    assert len({row["id"] for row in rows}) < len(rows), "some users changed their address"


def test_refunds_of_each_tenant(sample: Sample) -> None:
    assert set(sample.refunds) <= set(sample.sales)
    for sale, refunds in sample.refunds.items():
        assert 0 < sum(refunds.values()) <= sample.sales[sale]["value"]
    for slug, truth in sample.truth.by_tenant.items():
        of_tenant = [refunds for sale, refunds in sample.refunds.items() if sale[0] == slug]
        assert truth.refunds == sum(len(refunds) for refunds in of_tenant)
        assert truth.refunded == sum((value for refunds in of_tenant for value in refunds.values()), Decimal(0))
    assert any(len(refunds) == 2 for refunds in sample.refunds.values()), "no sale goes back in two halves"
    reported = {gateway for gateway, webhook in WEBHOOKS.items() if webhook.refunded}
    assert {gateway for _, gateway, _ in sample.refunds} == reported | {"stripe", "cakto", "shopify"}
    halved = {gateway for (_, gateway, _), refunds in sample.refunds.items() if len(refunds) == 2}
    assert halved <= {"paypal", "stripe", "cakto", "shopify"}, "other gateways report the refund of a whole sale"


def test_the_shape_of_the_traffic(sample: Sample) -> None:
    by_tenant = sample.truth.by_tenant
    assert by_tenant["harbor-supplements"].pending == by_tenant["harbor-supplements"].conversions > 0
    assert by_tenant["atelier-verve"].email > 0
    for tenant in TENANTS:
        if tenant.status == "suspended":
            continue
        truth = by_tenant[tenant.slug]
        assert 0.70 <= truth.fbc / truth.conversions <= 0.85
        assert 0.10 <= truth.fbp / truth.conversions <= 0.20
        assert truth.unmatched > 0
    assert 3 <= len(sample.clicks) / CONVERSIONS <= 5
    assert {row["currency"] for row in sample.sales.values()} == {"BRL", "USD", "EUR", "JPY", "GBP"}
    assert {gateway for _, gateway, _ in sample.sales} == set(READINGS) | {"cakto", "shopify"}


def test_the_day_has_a_night_and_nothing_happens_after_the_end(sample: Sample) -> None:
    sold = [at for row in sample.sales.values() if (at := time_of(row["occurred_at"]))]
    clicked = [at for row in sample.clicks.values() if (at := time_of(row["created_at"]))]
    assert max(sold + clicked) < END
    assert {at.date() for at in sold} == set(days_until(END, 7))
    brazil = [
        at.hour
        for sale, row in sample.sales.items()
        if sale[0] == "lumina-cursos" and (at := time_of(row["occurred_at"])) and at.date() != END.date()
    ]
    night, evening = (sum(hour in hours for hour in brazil) for hours in ((5, 6, 7, 8), (21, 22, 23, 0)))
    assert night * 5 < evening


def test_what_is_delivered_again_or_not_acceptable_is_counted(sample: Sample) -> None:
    truth = sample.truth
    assert sample.deliveries - CONVERSIONS == truth.duplicates > 0
    assert len(sample.clicks) == truth.clicks
    assert sample.click_deliveries - truth.clicks == truth.duplicate_clicks > 0
    assert len(sample.identities) == truth.identities > 0
    assert sample.not_sales == truth.not_sales > 0
    assert sum(sample.bad.values()) == truth.bad_lines
    assert set(sample.bad) == {
        "encoding", "not json", "time", "unknown tenant", "no event id", "value", "currency", "future",
        "no time of day", "lost digits", "cut off",
    }  # fmt: skip
    assert any(len(events) == 2 for events in sample.event_ids.values()), "no sale is told of in two paid events"


def test_every_format_is_there_and_nothing_else_lies_in_the_landing_folder(sample: Sample) -> None:
    names = [path.name for path in sample.folder.rglob("*") if path.is_file()]
    for ending in (".jsonl", ".jsonl.gz", ".csv", ".parquet", ".json", ".form"):
        assert any(name.endswith(ending) for name in names)
    assert not any(name.endswith(".part") for name in names)
    assert not sample.truth.attributions_file.is_relative_to(sample.folder)


def test_people_are_invented(sample: Sample) -> None:
    emails = [row["email"] for row in (*sample.sales.values(), *sample.identities) if row["email"]]
    assert all(email.strip().lower().endswith("@example.com") for email in emails)
    text = sample.truth.attributions_file.read_text(encoding="utf-8")
    assert "@" not in text


def checksums(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_same_seed_and_end_give_the_same_bytes(tmp_path: Path) -> None:
    for name, seed, end in (("a", 7, END), ("b", 7, END), ("c", 8, END), ("d", 7, END + timedelta(hours=1))):
        generate(tmp_path / name / "landing", seed=seed, conversions=300, days=3, end=end)
    a, b, c, d = (checksums(tmp_path / name) for name in "abcd")
    assert a == b
    assert set(a.values()).isdisjoint(set(c.values()) | set(d.values()))


def _sample(folder: Path, conversions: int, days: int) -> None:
    generate(folder / "landing", conversions=conversions, days=days, end=END)


@pytest.mark.processes
@pytest.mark.slow
def test_memory_does_not_grow_with_the_days(tmp_path: Path) -> None:
    """What is held is a tenant's day and the lines of open files, not the sample."""
    assert peak_memory(_sample, tmp_path, 12_000, 8) < 2 * peak_memory(_sample, tmp_path, 3_000, 2)


@pytest.mark.parametrize(("days", "conversions"), [(1, 0), (1, 10), (2, 1), (40, 400)])
def test_small_and_long_samples(tmp_path: Path, days: int, conversions: int) -> None:
    folder = tmp_path / "landing"
    truth = generate(folder, days=days, conversions=conversions, end=END)
    found = read_back(folder, truth)
    planned = planned_by_event(truth)
    answers = brute_force(found)
    assert len(answers) == conversions
    for sale, answer in answers.items():
        plan = planned[sale[0], sale[1], min(found.event_ids[sale])]
        assert (plan.strategy, plan.click) == answer


@pytest.mark.parametrize(
    "wrong",
    [{"end": datetime(2025, 6, 18)}, {"end": END, "days": 0}, {"end": END, "conversions": -1}],  # noqa: DTZ001
)
def test_senseless_orders_are_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        generate(tmp_path / "landing", **wrong)


def test_shares_add_up() -> None:
    assert split(10, [1, 1, 1]) == [4, 3, 3]
    assert split(0, [0.3, 0.7]) == [0, 0]
    assert sum(split(19_999, [0.45, 0.3, 0.15, 0.07, 0.03])) == 19_999


def test_tenants_are_inserted_once(connection: Any, sample: Sample) -> None:
    assert insert_tenants(connection, sample.truth.tenants) == len(TENANTS)
    assert insert_tenants(connection, sample.truth.tenants) == 0
    stored = connection.execute("SELECT slug, status, lookback_days, email_matching FROM trackai.tenants").fetchall()
    assert sorted(stored) == sorted((t.slug, t.status, t.lookback_days, t.email_matching) for t in TENANTS)
