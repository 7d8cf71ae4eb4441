"""Experiments: A/B tests on matched conversions."""

from typing import Any

from trackai_pipelines.domain import Command, Domain, Personal, Table

_OF_A_USER = Personal(user_id="user_id", delete=True)


def _commands() -> Any:
    from trackai_pipelines.experiments.cli import app

    return app


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
            personal=_OF_A_USER,
        ),
        Table(
            name="ab_test_reassignments",
            key=("tenant_id", "test_id", "user_id", "variant_assigned", "assigned_at"),
            time="assigned_at",
            leaves="delete",
            personal=_OF_A_USER,
        ),
        Table(name="excluded_users", key=("tenant_id", "user_id"), personal=_OF_A_USER),
        # What came of it.
        Table(
            name="ab_test_outcomes",
            key=("tenant_id", "test_id", "conversion_id"),
            time="day",
            leaves="delete",
            personal=_OF_A_USER,
        ),
        Table(name="ab_test_daily_totals", key=("tenant_id", "test_id", "day", "population", "variant_name")),
        Table(
            name="ab_test_daily_results",
            key=("tenant_id", "test_id", "day", "population", "variant_name", "metric", "estimator"),
        ),
        Table(name="ab_test_daily_health", key=("tenant_id", "test_id", "day")),
        Table(name="ab_test_results", key=("tenant_id", "test_id", "variant_name")),
        Table(name="ab_test_decisions", key=("tenant_id", "test_id", "id")),
    ),
    commands=(
        Command(
            name="experiments",
            says="Which variant sells more, by how much, and how sure that is.",
            load=_commands,
        ),
    ),
)
