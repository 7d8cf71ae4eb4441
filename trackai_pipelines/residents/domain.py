"""Residents: runs that stay, and what they report together."""

from collections.abc import Iterable

from trackai_pipelines.domain import Checkup, Domain, Metric, Table


def _metrics(checkup: Checkup) -> Iterable[Metric]:
    from trackai_pipelines.residents.metrics import metrics

    return metrics(checkup)


RESIDENTS = Domain(
    name="residents",
    says="Keeps resident runs alive by leases.",
    tables=(
        Table(name="leases", key=("name", "holder")),
        Table(name="failed_starts", key=("name",)),
        Table(name="window_figures", key=("id",)),
    ),
    metrics=_metrics,
)
