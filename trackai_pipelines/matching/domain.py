"""Matching: each conversion is attributed to a click, or to none, and every attempt is logged."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from trackai_pipelines.domain import (
    Checkup,
    Command,
    DemoJob,
    DemoPart,
    Domain,
    Finding,
    Metric,
    Need,
    Personal,
    Remains,
    StoryPart,
    Table,
)

if TYPE_CHECKING:
    import dagster as dg
    from psycopg import Connection


def _match() -> Any:
    from trackai_pipelines.matching.cli import match

    return match


def _rematch() -> Any:
    from trackai_pipelines.matching.cli import rematch

    return rematch


def _definitions() -> "dg.Definitions":
    from trackai_pipelines.matching.defs import defs

    return defs


def _health(checkup: Checkup) -> Iterable[Finding]:
    from trackai_pipelines.matching.health import health

    return health(checkup)


def _story(connection: "Connection", tenant_id: str, conversion_id: int) -> Iterable[StoryPart]:
    from trackai_pipelines.matching.story import story

    return story(connection, tenant_id, conversion_id)


def _in_reach(connection: "Connection[Any]", days: Sequence[date], today: date) -> Iterator[tuple[date, str]]:
    from trackai_pipelines.matching.retained import in_reach

    return in_reach(connection, days, today)


def _clicks_are_back(connection: "Connection[Any]") -> None:
    from trackai_pipelines.matching.retained import clicks_are_back

    clicks_are_back(connection)


def _demo() -> DemoPart:
    return DemoPart(
        jobs=(DemoJob("match_conversions", "Match", days="today"),),
        checks=(DemoJob("check_matching", "Check matching"),),
    )


def _metrics(checkup: Checkup) -> Iterable[Metric]:
    from trackai_pipelines.matching.metrics import metrics

    return metrics(checkup)


MATCHING = Domain(
    name="matching",
    says="Attributes each conversion to a click, or to none, and logs every attempt.",
    tables=(
        Table(name="match_queue", key=("tenant_id", "conversion_id")),
        Table(name="fact_arrivals", key=("tenant_id", "id")),
        Table(name="deleted_clicks", key=("tenant_id", "click_id")),
        Table(
            name="matched_attributions",
            key=("tenant_id", "conversion_id"),
            # The keys that an unmatched conversion waits for.
            personal=Personal(
                conversion="conversion_id",
                clear=("open_click_key", "open_browser_key", "open_email_key"),
                by_age={"open_email_key": Remains.NOTHING},
            ),
        ),
        Table(name="match_log", key=("tenant_id", "conversion_id", "attempt"), time="created_at", leaves="partition"),
    ),
    needs=(Need(table="clicks", blocks=(_in_reach,), restored=(_clicks_are_back,)),),
    definitions=_definitions,
    commands=(
        Command(name="match", says="Match everything that waits, or stay and match as rows arrive.", load=_match),
        Command(name="rematch", says="Try the unmatched conversions of some days again.", load=_rematch),
    ),
    health=_health,
    story=_story,
    demo=_demo,
    metrics=_metrics,
)
