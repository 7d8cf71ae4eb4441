"""Match rates: what share of each day's sales was matched."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from trackai_pipelines.domain import Checkup, Command, DemoJob, DemoPart, Domain, Metric, Need, Section, Table

if TYPE_CHECKING:
    import dagster as dg
    from psycopg import Connection


def _aggregate() -> Any:
    from trackai_pipelines.match_rates.cli import aggregate

    return aggregate


def _definitions() -> "dg.Definitions":
    from trackai_pipelines.match_rates.defs import defs

    return defs


def _section() -> Section:
    from trackai_pipelines.match_rates.section import section

    return section()


def _uncounted(connection: "Connection[Any]", days: Sequence[date], today: date) -> Iterator[tuple[date, str]]:
    from trackai_pipelines.match_rates.retained import uncounted

    return uncounted(connection, days)


def _demo() -> DemoPart:
    from trackai_pipelines.match_rates.sample import figures, prove

    return DemoPart(
        jobs=(DemoJob("aggregate_match_rates", "Aggregate", days="all"),),
        figures=figures,
        prove=prove,
        shows=(("assets/daily_match_rates", "match rates by day, and their checks"),),
    )


def _metrics(checkup: Checkup) -> Iterable[Metric]:
    from trackai_pipelines.match_rates.metrics import metrics

    return metrics(checkup)


MATCH_RATES = Domain(
    name="match_rates",
    says="Daily match rates by tenant, gateway and currency.",
    tables=(Table(name="daily_match_rates", key=("tenant_id", "day", "gateway", "currency")),),
    # What the match rates of a day are counted from, and explained by.
    needs=(Need(table="match_log", blocks=(_uncounted,)), Need(table="clicks", blocks=(_uncounted,))),
    definitions=_definitions,
    commands=(Command(name="aggregate", says="Recompute the daily match rates of some days.", load=_aggregate),),
    section=_section,
    demo=_demo,
    metrics=_metrics,
)
