"""The demo's match rates: the counts of every tenant, and whether they are those that the sample was made with."""

from collections.abc import Mapping

from psycopg import Connection

from trackai_pipelines.domain import Proof, Sample
from trackai_pipelines.match_rates.summary import TenantSummary, summary_by_tenant
from trackai_pipelines.terminal.output import percent


def figures(connection: Connection, sample: Sample) -> Mapping[str, Mapping[str, object]]:
    """Return counts and match rate by slug, the tenant with most conversions first."""
    return {
        summary.slug: {**_counts(summary), "rate": percent(summary.match_rate)}
        for summary in summary_by_tenant(connection)
        if summary.slug in sample.truth["by_tenant"]
    }


def prove(connection: Connection, sample: Sample) -> Proof:
    """Compare every count of every tenant of the sample."""
    found = {summary.slug: _counts(summary) for summary in summary_by_tenant(connection)}
    truth = sample.truth["by_tenant"]
    differences = [
        f"{slug}: {name} is {count:,} and should be {counts[name]:,}"
        for slug, counts in truth.items()
        for name, count in found[slug].items()
        if count != counts[name]
    ]
    return Proof(differences, f"all {len(truth)} tenants agree in every count")


def _counts(summary: TenantSummary) -> dict[str, int]:
    return {
        "conversions": summary.conversions,
        "fbc": summary.fbc,
        "fbp": summary.fbp,
        "email": summary.email,
        "unmatched": summary.unmatched,
        "pending": summary.pending,
    }
