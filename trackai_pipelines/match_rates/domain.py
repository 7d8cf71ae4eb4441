"""Match rates: what share of each day's sales was matched."""

from typing import TYPE_CHECKING, Any

from trackai_pipelines.domain import Command, Domain, Section, Table

if TYPE_CHECKING:
    import dagster as dg


def _aggregate() -> Any:
    from trackai_pipelines.match_rates.cli import aggregate

    return aggregate


def _definitions() -> "dg.Definitions":
    from trackai_pipelines.match_rates.defs import defs

    return defs


def _section() -> Section:
    from trackai_pipelines.match_rates.section import section

    return section()


MATCH_RATES = Domain(
    name="match_rates",
    says="Daily match rates by tenant, gateway and currency.",
    tables=(Table(name="daily_match_rates", key=("tenant_id", "day", "gateway", "currency")),),
    definitions=_definitions,
    commands=(Command(name="aggregate", says="Recompute the daily match rates of some days.", load=_aggregate),),
    section=_section,
)
