"""Residents: runs that stay, and what they report together."""

from trackai_pipelines.domain import Domain, Table

RESIDENTS = Domain(
    name="residents",
    says="Keeps resident runs alive by leases.",
    tables=(
        Table(name="leases", key=("name", "holder")),
        Table(name="window_figures", key=("id",)),
    ),
)
