"""Feature flags: who gets what, since when, and what it changed."""

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
    Personal,
    Section,
    StoryPart,
    Table,
)

if TYPE_CHECKING:
    import dagster as dg
    from psycopg import Connection
    from starlette.routing import BaseRoute

    from trackai_pipelines.ingest.kinds import Kind


def _kinds() -> "tuple[Kind, ...]":
    from trackai_pipelines.flags.landing import KINDS

    return KINDS


def _definitions() -> "dg.Definitions":
    from trackai_pipelines.flags.defs import defs

    return defs


def _commands() -> Any:
    from trackai_pipelines.flags.cli import app

    return app


def _story(connection: "Connection[Any]", tenant_id: str, conversion_id: int) -> Iterable[StoryPart]:
    from trackai_pipelines.flags.story import story

    return story(connection, tenant_id, conversion_id)


def _routes() -> "Sequence[BaseRoute]":
    from trackai_pipelines.flags.web import routes

    return routes()


def _health(checkup: Checkup) -> Iterable[Finding]:
    from trackai_pipelines.flags.health import health

    return health(checkup)


def _metrics(checkup: Checkup) -> Iterable[Metric]:
    from trackai_pipelines.flags.metrics import metrics

    return metrics(checkup)


def _section() -> Section:
    from trackai_pipelines.flags.section import section

    return section()


def _demo() -> DemoPart:
    from trackai_pipelines.flags.sample import insert, prove, write

    return DemoPart(
        write=write,
        insert=insert,
        jobs=(
            # Usage of 30 days is there, however many days have sales.
            DemoJob(
                "aggregate_flag_usage",
                "Flags",
                days="today",
                config={name: {"earlier": True} for name in ("feature_flag_analytics", "feature_flag_exposures")},
            ),
        ),
        checks=(DemoJob("check_flags", "Check flags"),),
        prove=prove,
        shows=(("assets/feature_flag_analytics", "how often each flag was checked by day, and the checks of it"),),
    )


def _unanalysed(connection: "Connection[Any]", days: Sequence[date], today: date) -> Iterator[tuple[date, str]]:
    from trackai_pipelines.flags.analytics import unanalysed

    return unanalysed(connection, days)


FLAGS = Domain(
    name="flags",
    says="Who gets what, since when, and what it changed.",
    tables=(
        # The catalogue.
        Table(name="feature_flags", key=("id",)),
        Table(name="feature_flag_prerequisites", key=("flag_id", "requires_flag_id")),
        Table(name="feature_flag_rollouts", key=("id",)),
        Table(name="feature_flag_overrides", key=("tenant_id", "flag_id")),
        Table(name="feature_flag_segments", key=("name",)),
        Table(
            name="feature_flag_segment_members",
            key=("tenant_id", "segment", "user_id"),
            personal=Personal(user_id="user_id", delete=True),
        ),
        Table(name="feature_flag_clients", key=("tenant_id", "id")),
        # History.
        Table(name="feature_flag_versions", key=("id",)),
        Table(name="feature_flag_audit_log", key=("id",), time="created_at", leaves="delete"),
        Table(name="feature_flag_plans", key=("id",)),
        Table(name="matching_settings", key=("tenant_id", "effective_from")),
        # Usage.
        Table(
            name="feature_flag_usage",
            key=("tenant_id", "accessed_at", "id"),
            time="accessed_at",
            leaves="partition",
            blocks=(_unanalysed,),
            personal=Personal(user_id="user_id", clear=("user_id", "device_info", "request_id")),
        ),
        Table(name="feature_flag_usage_gaps", key=("id",), time="from_at", leaves="delete"),
        Table(name="feature_flag_analytics", key=("tenant_id", "id")),
        Table(
            name="feature_flag_exposures",
            key=("tenant_id", "flag_id", "salt", "user_id", "date", "variant_key"),
            time="date",
            leaves="delete",
            personal=Personal(user_id="user_id", delete=True),
        ),
    ),
    kinds=_kinds,
    definitions=_definitions,
    commands=(Command(name="flags", says="Who gets what, since when, and what it changed.", load=_commands),),
    health=_health,
    section=_section,
    metrics=_metrics,
    demo=_demo,
    story=_story,
    routes=_routes,
)
