"""The sample's campaigns: what is computed from its files is its ground truth, and the proof notices what is not."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from trackai_pipelines.campaigns.days import compute_days
from trackai_pipelines.campaigns.sample import insert, prove, write
from trackai_pipelines.campaigns.sample_world import PLACEHOLDER_CLICKS, TENANT, UNJOINED, WITHOUT_RATE, build
from trackai_pipelines.domain import Sample
from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.ingest.load import load_paths
from trackai_pipelines.matching.drain import drain

TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def sample_of(home: Path, days: int) -> Sample:
    return Sample(7, days, 0, TODAY, home, home / "landing", truth={})


@pytest.fixture
def sample(connection: Connection[Any], database_url: str, tmp_path: Path) -> Sample:
    """A sample of three days, loaded, matched and computed."""
    empty = sample_of(tmp_path, 3)
    made = Sample(7, 3, 0, TODAY, tmp_path, empty.landing_dir, truth=write(empty))
    insert(connection, made)
    insert(connection, made)
    kinds = [kind for domain in DOMAINS for kind in domain.kinds()]
    reports = load_paths(database_url, [made.landing_dir], landing_dir=made.landing_dir, kinds=kinds)
    assert {report.source: report.rejected for report in reports if report.rejected} == {}
    drain(connection, run_id="sample")
    days = [made.first_day + timedelta(days=offset) for offset in range(4)]
    list(compute_days(connection, days))
    return made


def test_what_is_computed_is_the_ground_truth(connection: Connection[Any], sample: Sample) -> None:
    proof = prove(connection, sample)
    assert proof.differences == []
    assert "under 9 models" in proof.agreement
    # What the sample is there to show.
    joined = connection.execute(
        "SELECT campaign_id, source, count(DISTINCT platform_campaign_id) FROM trackai.v_counted_ad_costs"
        " WHERE tenant_id = %s GROUP BY 1, 2 ORDER BY 1",
        [TENANT["id"]],
    ).fetchall()
    assert (UNJOINED, "meta", 1) in joined
    assert ("verao-2026", "meta", 1) in joined
    restated = connection.execute(
        "SELECT count(*) FROM (SELECT FROM trackai.ad_cost_statements GROUP BY source, campaign_id, day, hour"
        " HAVING count(*) > 1) s"
    ).fetchone()
    assert restated == (2 * 5 * 24,)


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM trackai.conversion_touchpoints WHERE position = 3",
        "UPDATE trackai.conversion_touchpoints SET campaign_id = 'casa-nova' WHERE campaign_id = 'remarketing'",
        "UPDATE trackai.conversion_journeys SET shared_keys = 0",
        "UPDATE trackai.campaign_credit_daily SET conversions = conversions + 0.000000001 WHERE model = 'time_decay'",
        "UPDATE trackai.campaign_credit_daily SET revenue = revenue + 0.0001 WHERE model = 'shapley'",
        "DELETE FROM trackai.campaign_daily_money WHERE currency = 'USD'",
        "UPDATE trackai.campaign_analytics_daily SET revenue = 1 WHERE campaign_id = 'argentina'",
    ],
)
def test_the_proof_notices(connection: Connection[Any], sample: Sample, damage: str) -> None:
    connection.execute(damage)
    assert prove(connection, sample).differences


def test_a_home_of_before_has_nothing_to_prove(connection: Connection[Any], tmp_path: Path) -> None:
    assert prove(connection, sample_of(tmp_path, 3)).differences == []


@pytest.mark.parametrize("days", [1, 7, 40])
def test_the_world_holds_what_it_is_for(days: int) -> None:
    first = TODAY.date() - timedelta(days=days)
    world = build(7, first, days)
    assert world == build(7, first, days)
    assert world != build(8, first, days)
    sizes = Counter(len(sale.touches) for sale in world.sales)
    assert sorted(sizes) == [1, 2, 3, 4, 5, 6]
    assert {sale.at.date() for sale in world.sales} == {first + timedelta(days=offset) for offset in range(days)}
    assert {sale.currency for sale in world.sales} == {"BRL", "USD", "ARS"}
    browsers = Counter(click["fbp"] for click in world.files["clicks_aurora"])
    assert browsers.most_common(1)[0][1] == PLACEHOLDER_CLICKS
    keys = Counter(click.get("fbclid") for click in world.files["clicks_aurora"])
    del keys[None]
    assert keys.most_common(1)[0][1] == 5
    assert sum(sale.shared_keys for sale in world.sales) == 5
    assert (WITHOUT_RATE, "ARS") in world.spend
