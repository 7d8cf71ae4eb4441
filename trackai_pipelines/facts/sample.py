"""The demo's facts: landing files and webhooks of an invented world, and the answer that goes with them."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from trackai_pipelines.domain import Sample
from trackai_pipelines.sample_data.generate import generate

_ATTRIBUTIONS = "demo_ground_truth.jsonl"


def write(sample: Sample) -> Mapping[str, Any]:
    """Write the files.

    Return `tenants` (rows), `by_tenant` (counts of conversions by strategy, by slug) and `attributions` (the name of a
    file in the home, with the attribution of every conversion).
    """
    truth = generate(
        sample.landing_dir,
        seed=sample.seed,
        days=sample.days,
        conversions=sample.conversions,
        end=sample.end,
        attributions_file=sample.home / _ATTRIBUTIONS,
    )
    counts = {
        slug: {name: count for name, count in asdict(of_tenant).items() if isinstance(count, int)}
        for slug, of_tenant in truth.by_tenant.items()
    }
    return {"tenants": truth.tenants, "by_tenant": counts, "attributions": _ATTRIBUTIONS}
