"""The demo's facts: landing files and webhooks of an invented world, the answer that goes with them, and its proof."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from psycopg import Connection

from trackai_pipelines.database.statements import statement
from trackai_pipelines.domain import Proof, Sample
from trackai_pipelines.sample_data.gate_changes import gate_changes
from trackai_pipelines.sample_data.generate import generate

_ATTRIBUTIONS = "demo_ground_truth.jsonl"


def write(sample: Sample) -> Mapping[str, Any]:
    """Write the files.

    Return `tenants` (rows), `by_tenant` (by slug: counts of conversions by strategy, of users, of conversions linked
    with one, of refunds, of campaigns, and the net value) and `attributions` (the name of a file in the home: the
    attribution of each conversion).
    """
    truth = generate(
        sample.landing_dir,
        seed=sample.seed,
        days=sample.days,
        conversions=sample.conversions,
        end=sample.end,
        changes=gate_changes(sample.end, sample.days),
        attributions_file=sample.home / _ATTRIBUTIONS,
    )
    counts = {
        slug: {name: count for name, count in asdict(of_tenant).items() if isinstance(count, int)}
        | {"campaigns": len(of_tenant.campaigns), "net": str(of_tenant.value - of_tenant.refunded)}
        for slug, of_tenant in truth.by_tenant.items()
    }
    return {"tenants": truth.tenants, "by_tenant": counts, "attributions": _ATTRIBUTIONS}


def prove(connection: Connection[Any], sample: Sample) -> Proof:
    """Compare how many users, linked conversions, campaigns and linked refunds every tenant of the sample has."""
    names = ("users", "linked", "campaigns", "refunds")
    rows = connection.execute(statement("facts/base_counts")).fetchall()
    found = {slug: dict(zip(names, counts, strict=True)) for slug, *counts in rows}
    truth = sample.truth["by_tenant"]
    differences = [
        f"{slug}: {name} is {found[slug][name]:,} and should be {counts.get(name, 0):,}"
        for slug, counts in truth.items()
        for name in names
        # A home that an older version made knows nothing of refunds.
        if found[slug][name] != counts.get(name, 0)
    ]
    return Proof(
        differences,
        f"users, their conversions, campaigns and refunds of all {len(truth)} tenants are as they should be",
    )
