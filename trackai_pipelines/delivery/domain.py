"""Delivery: each attributed sale reaches Meta's Conversions API once."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from trackai_pipelines.domain import (
    Checkup,
    Command,
    DemoJob,
    DemoPart,
    Domain,
    Finding,
    Metric,
    Personal,
    Section,
    StoryPart,
    Table,
)

if TYPE_CHECKING:
    import dagster as dg
    from psycopg import Connection


def _dispatch() -> Any:
    from trackai_pipelines.delivery.cli import dispatch

    return dispatch


def _definitions() -> "dg.Definitions":
    from trackai_pipelines.delivery.defs import defs

    return defs


def _health(checkup: Checkup) -> Iterable[Finding]:
    from trackai_pipelines.delivery.health import health

    return health(checkup)


def _section() -> Section:
    from trackai_pipelines.delivery.section import section

    return section()


def _story(connection: "Connection", tenant_id: str, conversion_id: int) -> Iterable[StoryPart]:
    from trackai_pipelines.delivery.story import story

    return story(connection, tenant_id, conversion_id)


def _unanswered(connection: "Connection[Any]", days: Sequence[date], today: date) -> Iterator[tuple[date, str]]:
    from trackai_pipelines.delivery.retained import unanswered

    return unanswered(connection, days)


def _demo() -> DemoPart:
    from trackai_pipelines.delivery.sample import accompany, figures

    return DemoPart(
        accompany=accompany,
        jobs=(DemoJob("dispatch_conversions", "Dispatch", days="today"),),
        checks=(DemoJob("check_delivery", "Check delivery"),),
        figures=figures,
        shows=(("assets/capi_dispatches", "what was delivered, by day and tenant"),),
    )


def _metrics(checkup: Checkup) -> Iterable[Metric]:
    from trackai_pipelines.delivery.metrics import metrics

    return metrics(checkup)


def _close_events(connection: "Connection[Any]", tenant_id: str, conversion_ids: Sequence[int], now: datetime) -> int:
    from trackai_pipelines.delivery.erased import close_events_of

    return close_events_of(connection, tenant_id, conversion_ids, now)


DELIVERY = Domain(
    name="delivery",
    says="Delivers events to Meta's Conversions API, each exactly once.",
    tables=(
        Table(name="dedupe_registry", key=("tenant_id", "event_id")),
        Table(
            name="dispatch_queue",
            key=("tenant_id", "occurred_at", "conversion_id"),
            # A prepared event holds hashes. `erased_with_sales` has closed it by then.
            personal=Personal(conversion="conversion_id", delete=True),
        ),
        Table(
            name="dispatch_attempts",
            key=("tenant_id", "id"),
            time="created_at",
            leaves="delete",
            blocks=(_unanswered,),
        ),
        Table(name="dispatch_circuits", key=("tenant_id",)),
        Table(name="past_deliveries", key=("tenant_id", "conversion_id")),
    ),
    definitions=_definitions,
    commands=(Command(name="dispatch", says="Deliver what is due to Meta's Conversions API.", load=_dispatch),),
    health=_health,
    section=_section,
    story=_story,
    demo=_demo,
    metrics=_metrics,
    erased_with_sales=_close_events,
)
