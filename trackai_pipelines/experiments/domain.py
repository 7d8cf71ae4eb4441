"""Experiments: A/B tests on matched conversions."""

from collections.abc import Iterable, Sequence
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from trackai_pipelines.domain import (
    Checkup,
    Command,
    DemoJob,
    DemoPart,
    Domain,
    Finding,
    Personal,
    Section,
    StoryPart,
    Table,
)

if TYPE_CHECKING:
    import dagster as dg
    from psycopg import Connection

    from trackai_pipelines.ingest.kinds import Kind

_OF_A_USER = Personal(user_id="user_id", delete=True)


def _of_later_tests(
    table: str, time: str, connection: "Connection[Any]", days: Sequence[date], before: date
) -> Iterable[date]:
    from trackai_pipelines.experiments.retained import days_of_later_tests

    return days_of_later_tests(connection, table, time, days, before)


def _kinds() -> "tuple[Kind, ...]":
    from trackai_pipelines.experiments.landing import KINDS

    return KINDS


def _definitions() -> "dg.Definitions":
    from trackai_pipelines.experiments.defs import defs

    return defs


def _commands() -> Any:
    from trackai_pipelines.experiments.cli import app

    return app


def _health(checkup: Checkup) -> Iterable[Finding]:
    from trackai_pipelines.experiments.health import health

    return health(checkup)


def _section() -> Section:
    from trackai_pipelines.experiments.section import section

    return section()


def _story(connection: "Connection[Any]", tenant_id: str, conversion_id: int) -> Iterable[StoryPart]:
    from trackai_pipelines.experiments.story import story

    return story(connection, tenant_id, conversion_id)


def _demo() -> DemoPart:
    from trackai_pipelines.experiments.sample import insert, prove, write

    return DemoPart(
        write=write,
        insert=insert,
        jobs=(DemoJob("compute_experiments", "Experiments", days="all"),),
        prove=prove,
        shows=(("assets/ab_test_daily_results", "how the variants of five tests compare, day by day"),),
    )


EXPERIMENTS = Domain(
    name="experiments",
    says="Which variant sells more, by how much, and how sure that is.",
    tables=(
        # What is tested.
        Table(name="ab_tests", key=("tenant_id", "id")),
        Table(name="ab_test_guardrails", key=("tenant_id", "test_id", "metric")),
        Table(name="ab_test_events", key=("tenant_id", "id")),
        # On whom.
        Table(
            name="ab_test_assignments",
            key=("tenant_id", "test_id", "user_id"),
            time="assigned_at",
            leaves="delete",
            stays=partial(_of_later_tests, "ab_test_assignments", "assigned_at"),
            personal=_OF_A_USER,
        ),
        Table(
            name="ab_test_reassignments",
            key=("tenant_id", "test_id", "user_id", "variant_assigned", "assigned_at"),
            time="assigned_at",
            leaves="delete",
            stays=partial(_of_later_tests, "ab_test_reassignments", "assigned_at"),
            personal=_OF_A_USER,
        ),
        Table(name="excluded_users", key=("tenant_id", "user_id"), personal=_OF_A_USER),
        # What came of it.
        Table(
            name="ab_test_outcomes",
            key=("tenant_id", "test_id", "conversion_id"),
            time="day",
            leaves="delete",
            stays=partial(_of_later_tests, "ab_test_outcomes", "day"),
            personal=_OF_A_USER,
        ),
        Table(name="ab_test_scans", key=("tenant_id", "test_id")),
        Table(name="ab_test_daily_totals", key=("tenant_id", "test_id", "day", "population", "variant_name")),
        Table(
            name="ab_test_daily_results",
            key=("tenant_id", "test_id", "day", "population", "variant_name", "metric", "estimator"),
        ),
        Table(name="ab_test_daily_health", key=("tenant_id", "test_id", "day")),
        Table(name="ab_test_results", key=("tenant_id", "test_id", "variant_name")),
        Table(name="ab_test_decisions", key=("tenant_id", "test_id", "id")),
    ),
    kinds=_kinds,
    definitions=_definitions,
    commands=(
        Command(
            name="experiments",
            says="Which variant sells more, by how much, and how sure that is.",
            load=_commands,
        ),
    ),
    health=_health,
    section=_section,
    story=_story,
    demo=_demo,
)
