"""Lifecycle: old rows leave for archives, and personal data leaves for good."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from trackai_pipelines.domain import Checkup, Command, Domain, Finding, Metric, Table

if TYPE_CHECKING:
    import dagster as dg


def _restore() -> Any:
    from trackai_pipelines.lifecycle.archive.cli import restore

    return restore


def _retention() -> Any:
    from trackai_pipelines.lifecycle.retention.cli import retention

    return retention


def _erase() -> Any:
    from trackai_pipelines.lifecycle.personal_data.cli import erase

    return erase


def _definitions() -> "dg.Definitions":
    from trackai_pipelines.lifecycle.defs import defs

    return defs


def _health(checkup: Checkup) -> Iterable[Finding]:
    from trackai_pipelines.lifecycle.health import health

    return health(checkup)


def _metrics(checkup: Checkup) -> Iterable[Metric]:
    from trackai_pipelines.lifecycle.metrics import metrics

    return metrics(checkup)


LIFECYCLE = Domain(
    name="lifecycle",
    says="Archives old days, restores them, and removes personal data.",
    tables=(
        Table(name="archives", key=("table_name", "day", "part")),
        Table(name="archive_owner", key=("id",)),
        Table(name="retention_policies", key=("table_name",)),
        Table(name="retention_plans", key=("id",)),
        Table(name="retention_steps", key=("plan_id", "place")),
        Table(name="erasures", key=("tenant_id", "id")),
    ),
    definitions=_definitions,
    commands=(
        Command(name="restore", says="Bring an archived day of a table back into the database.", load=_restore),
        Command(name="retention", says="Anonymise, archive, drop and delete what is old.", load=_retention),
        Command(name="erase", says="Erase a person from a tenant's data.", load=_erase),
    ),
    health=_health,
    metrics=_metrics,
)
