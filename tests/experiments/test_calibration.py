"""Calibration: users split by the real hash are alike, and faults of a split are found."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import ceil
from typing import Any

import dagster as dg
import numpy as np
import pytest
from experiments.shop import add_buyers, add_test, insert
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from psycopg import Connection
from typer.testing import Result

from trackai_pipelines.experiments.calibration import Calibrated, calibrate, judge_splits, split_of
from trackai_pipelines.experiments.past import Lately, PastUsers, baseline_of, read_past
from trackai_pipelines.experiments.plans import plan
from trackai_pipelines.experiments.refusals import ExperimentRefusedError
from trackai_pipelines.experiments.splitting import buckets_of, units_of
from trackai_pipelines.flag_values.bucketing import bucket

SEEDS = [f"seed {number}" for number in range(500)]


@settings(max_examples=30)
@given(st.text(max_size=20), st.lists(st.text(max_size=30), max_size=20))
def test_many_buckets_are_those_of_one_by_one(salt: str, users: list[str]) -> None:
    assert buckets_of(salt, units_of(users)).tolist() == [bucket(salt, user) for user in users]


def _past(*, whale: float = 0.0) -> PastUsers:
    """Return 5,000 users of whom some 600 bought, more often those who did before; one may have spent very much."""
    random = np.random.default_rng(17)
    before = random.poisson(0.1, 5_000)
    orders = random.poisson(0.1 + 0.3 * before)
    buyers = np.flatnonzero((orders > 0) | (before > 0))
    k, x = orders[buyers].astype(float), before[buyers].astype(float)
    revenue = k * random.lognormal(4, 0.5, len(buyers))
    revenue[np.argmax(k)] += whale
    return PastUsers(
        new=0,
        users=[f"user-{number}" for number in range(5_000)],
        buyers=buyers,
        orders=k,
        revenue=revenue,
        paid=k,
        pre_orders=x,
        pre_revenue=x * random.lognormal(4, 0.5, len(buyers)),
    )


def _verdicts(found: list[Calibrated]) -> dict[str, str]:
    return {one.name: one.verdict for one in found}


def test_the_real_split_is_calibrated() -> None:
    past = _past()
    found = judge_splits(past, split_of(past.users), SEEDS, "BRL")
    assert [(one.name, one.verdict, one.runs, one.least, one.most, one.reason) for one in found] == [
        (name, "calibrated", 500, 10, 42, None)
        for name in ("split", "conversion_rate", "revenue_per_user", "revenue_per_user, cuped")
    ]


def _faulty(past: PastUsers, share: float) -> Callable[[str], NDArray[np.int64]]:
    """Return a split that moves a share of the control's buyers to the variant, and as many others back."""
    split = split_of(past.users)

    def faulty(seed: str) -> NDArray[np.int64]:
        group = split(seed)
        random = np.random.default_rng(len(seed) + int(seed.split()[1]))
        bought = past.buyers[past.orders > 0]
        moved = bought[(group[bought] == 0) & (random.random(len(bought)) < share)]
        others = np.setdiff1d(np.flatnonzero(group == 1), past.buyers)[: len(moved)]
        group[moved], group[others] = 1, 0
        return group

    return faulty


def test_a_split_that_prefers_buyers_is_found() -> None:
    past = _past()
    found = _verdicts(judge_splits(past, _faulty(past, 0.1), SEEDS, "BRL"))
    assert found["split"] == "calibrated"
    assert {found[name] for name in found if name != "split"} == {"too often"}


def test_an_uneven_split_is_found() -> None:
    past = _past()
    units = units_of(past.users)
    found = _verdicts(
        judge_splits(past, lambda seed: (buckets_of(seed, units) >= 4_800).astype(np.int64), SEEDS, "BRL")
    )
    assert (found["split"], found["conversion_rate"]) == ("too often", "calibrated")


def test_a_split_that_ignores_its_seed_is_found() -> None:
    past = _past()
    split = split_of(past.users)
    found = judge_splits(past, lambda _: split("always"), SEEDS, "BRL")
    assert "calibrated" not in {one.verdict for one in found}


def test_one_user_who_spent_very_much_is_named() -> None:
    past = _past(whale=49_854.0)
    found = judge_splits(past, split_of(past.users), SEEDS, "BRL")
    (revenue,) = (one for one in found if one.name == "revenue_per_user")
    assert (revenue.verdict, revenue.below < 10) == ("too seldom", True)
    assert revenue.reason is not None
    assert revenue.reason.startswith("one user bought 49,9")
    assert "BRL: set a cap, e.g. --cap " in revenue.reason


NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)


@pytest.fixture
def tenant(connection: Connection[Any], add_tenant: Callable[..., str]) -> str:
    """Return a tenant with 900 users, 300 of whom bought in the last 14 days, 100 of these before."""
    tenant = add_tenant("acme")
    random = np.random.default_rng(3)
    values = [Decimal(f"{value:.2f}") for value in random.lognormal(4, 0.5, 300)]
    add_buyers(connection, tenant, values, NOW - timedelta(days=5))
    connection.execute(
        "INSERT INTO trackai.users (tenant_id, id, created_at, updated_at)"
        " SELECT %s, 'user' || n, now(), now() FROM generate_series(1, 600) n",
        (tenant,),
    )
    connection.execute(
        "WITH sold AS (INSERT INTO trackai.conversions (tenant_id, gateway, gateway_event_id, value, currency,"
        " occurred_at) SELECT tenant_id, gateway, gateway_event_id || ' before', value, currency, occurred_at"
        " - interval '20 days' FROM trackai.conversions ORDER BY gateway_event_id LIMIT 100"
        " RETURNING id, gateway_event_id)"
        " INSERT INTO trackai.user_conversions (tenant_id, user_id, conversion_id, linked_by, linked_at)"
        " SELECT %s, split_part(gateway_event_id, ' ', 1), id, 'email', now() FROM sold",
        (tenant,),
    )
    return tenant


def test_a_tenants_own_users_and_sales_are_split(connection: Connection[Any], tenant: str) -> None:
    found = calibrate(connection, tenant, NOW, runs=200)
    assert (found.users, found.converted, found.lately.currency, found.lately.revenue_cap) == (900, 300, "BRL", None)
    assert found.lately.since == datetime(2026, 3, 6, tzinfo=UTC)
    assert _verdicts(list(found.judged)).keys() == {
        *("split", "conversion_rate", "revenue_per_user", "revenue_per_user, cuped")
    }
    assert found.holds
    assert [one.below for one in calibrate(connection, tenant, NOW, runs=200).judged] == [
        one.below for one in found.judged
    ]
    with pytest.raises(ExperimentRefusedError, match="No user has a sale from 2026-05-01 on"):
        calibrate(connection, tenant, datetime(2026, 5, 15, tzinfo=UTC))


def test_what_users_bought_lately_is_what_plans_start_from(
    connection: Connection[Any], tenant: str, add_tenant: Callable[..., str]
) -> None:
    lately = Lately(until=datetime(2026, 3, 20, tzinfo=UTC), currency="BRL")
    past = read_past(connection, tenant, lately)
    of_rate = baseline_of(past, "conversion_rate", "plain")
    assert of_rate.variance is None
    assert of_rate.mean == pytest.approx(1 / 3)
    revenue = dict(zip(past.buyers.tolist(), past.revenue.tolist(), strict=True))
    values = np.array([revenue.get(place, 0.0) for place in range(900)])
    plain = baseline_of(past, "revenue_per_user", "plain")
    assert [plain.mean, plain.variance] == pytest.approx([values.mean(), values.var(ddof=1)])
    # A third of the buyers spent the same before.
    before = np.zeros(900)
    before[past.buyers] = past.pre_revenue
    assert (before > 0).sum() == 100
    r = np.corrcoef(values, before)[0, 1]
    adjusted = baseline_of(past, "revenue_per_user", "cuped").variance
    assert adjusted == pytest.approx(values.var(ddof=1) * (1 - r * r))
    # Others do not count: of another currency, beyond the cap, excluded, of another tenant, left out of a share.
    assert read_past(connection, tenant, Lately(until=lately.until, currency="USD")).revenue.sum() == 0
    capped = read_past(connection, tenant, Lately(until=lately.until, currency="BRL", revenue_cap=Decimal(50)))
    assert capped.revenue.max() == 50
    insert(connection, "excluded_users", tenant_id=tenant, user_id="buyer7", reason="bot")
    assert len(read_past(connection, tenant, lately).users) == 899
    share = read_past(connection, tenant, lately, most=300)
    assert 240 < len(share.users) < 360
    terms: dict[str, Any] = {"weights": [0.5, 0.5], "confidence_level": 95.0, "power": 80.0}
    found = plan(connection, tenant, lately, metric="revenue_per_user", estimator="cuped", lift=0.1, **terms)
    assert found.explained == pytest.approx(r * r, abs=2e-3)
    # One buyer is excluded since.
    assert found.baseline.variance == pytest.approx(adjusted, rel=5e-3)
    # add_buyers has them created at the time of their sales.
    assert found.users_a_day == 300 / 14
    assert found.days == ceil(found.sample_size / found.users_a_day)
    back = plan(connection, tenant, lately, metric="revenue_per_user", estimator="cuped", days=found.days, **terms)
    assert [back.sample_size, back.lift] == pytest.approx([found.sample_size, 0.1], rel=0.01)
    rate: dict[str, Any] = {"metric": "conversion_rate", "estimator": "plain", "mean": 0.03, "lift": 0.2}
    given = plan(connection, tenant, lately, **rate, users_a_day=1_000, traffic_percent=50, **terms)
    assert (given.sample_size, given.days, given.explained) == (28_723, 58, None)
    # Nobody of another tenant bought anything.
    other = add_tenant("other")
    assert plan(connection, other, lately, **rate, **terms).days is None
    with pytest.raises(ExperimentRefusedError, match="No test can find a lift"):
        plan(connection, other, lately, **rate | {"mean": None}, **terms)
    assert plan(connection, other, lately, **rate | {"lift": None, "days": 14}, **terms).lift is None


def test_the_command(
    trackai: Callable[..., Result], connection: Connection[Any], add_tenant: Callable[..., str]
) -> None:
    tenant = add_tenant("acme")
    add_buyers(connection, tenant, map(Decimal, [50, 60, 70, 80] * 50), datetime.now(UTC) - timedelta(days=3))
    connection.execute(
        "INSERT INTO trackai.users (tenant_id, id, created_at, updated_at)"
        " SELECT %s, 'user' || n, now(), now() FROM generate_series(1, 800) n",
        (tenant,),
    )
    result = trackai("experiments", "aa", "--tenant", "acme", "--runs", "100", "--cap", "65")
    said = " ".join(result.output.split())
    assert "100 splits of 1,000 users; 200 of them bought from" in said, said
    assert "(revenue in BRL, capped at 65.00)" in said
    assert "conversion_rate" in said
    # Each day has seeds of its own: in one of a thousand calibrations a p-value is below 0.05 too often by chance.
    assert result.exit_code == ("too often" in said), said
    refused = trackai("experiments", "aa", "--tenant", "nobody")
    assert refused.exit_code == 2
    assert "There is no tenant nobody" in refused.output


def test_the_job_calibrates_tenants_that_test(
    run_job: Callable[..., dg.ExecuteInProcessResult],
    connection: Connection[Any],
    add_tenant: Callable[..., str],
) -> None:
    """One user of luna spent nearly all of the money; acme does not test, and other has no sales."""
    for slug in ("acme", "luna", "other"):
        tenant = add_tenant(slug)
        if slug != "acme":
            add_test(connection, tenant, "checkout")
        if slug != "other":
            spent = [Decimal(amount) for amount in (*range(50, 150), 1_000_000)]
            add_buyers(connection, tenant, spent, datetime.now(UTC) - timedelta(days=3))
    result = run_job("calibrate_experiments")
    (evaluation,) = result.get_asset_check_evaluations()
    assert (evaluation.check_name, evaluation.passed) == ("p_values_are_calibrated", False)
    assert evaluation.severity == dg.AssetCheckSeverity.WARN
    assert evaluation.description is not None
    assert evaluation.description.startswith("luna: revenue_per_user is below 0.05 too seldom, in ")
    assert "one user bought 1,000,000 BRL: set a cap" in evaluation.description
    assert evaluation.metadata["tenants"].value == 1
    shares = [float(str(evaluation.metadata[f"{which} share below 0.05"].value)) for which in ("smallest", "largest")]
    assert 0 <= shares[0] < 0.01 < shares[1] < 0.11
