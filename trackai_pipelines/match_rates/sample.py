"""The demo's match rates: the counts of every tenant, and whether they are those that the sample was made with."""

from collections.abc import Mapping
from decimal import Decimal

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
    """Compare every count of every tenant of the sample, and the value that remains after refunds."""
    summaries = summary_by_tenant(connection)
    found = {summary.slug: _counts(summary) for summary in summaries}
    truth = sample.truth["by_tenant"]
    differences = [
        f"{slug}: {name} is {count:,} and should be {counts[name]:,}"
        for slug, counts in truth.items()
        for name, count in found[slug].items()
        if count != counts[name]
    ]
    nets = {summary.slug: [net for net, _ in summary.net_by_currency.values()] for summary in summaries}
    differences += [
        f"{slug}: the net value is {sum(nets[slug], Decimal(0))} and should be {counts['net']}"
        for slug, counts in truth.items()
        if "net" in counts and sum(nets[slug], Decimal(0)) != Decimal(counts["net"])
    ]
    return Proof(differences, f"all {len(truth)} tenants agree in every count, and in their net value")


def _counts(summary: TenantSummary) -> dict[str, int]:
    return {
        "conversions": summary.conversions,
        "fbc": summary.fbc,
        "fbp": summary.fbp,
        "email": summary.email,
        "unmatched": summary.unmatched,
        "pending": summary.pending,
    }
