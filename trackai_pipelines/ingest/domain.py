"""Ingest: landing files and webhooks become rows."""

from collections.abc import Iterable, Sequence
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
    Table,
)

if TYPE_CHECKING:
    import dagster as dg


def _ingest() -> Any:
    from trackai_pipelines.ingest.cli import ingest

    return ingest


def _definitions_for(domains: Sequence[Domain]) -> "dg.Definitions":
    from trackai_pipelines.ingest.defs import defs_for

    return defs_for(domains)


def _health(checkup: Checkup) -> Iterable[Finding]:
    from trackai_pipelines.ingest.health import health

    return health(checkup)


def _section() -> Section:
    from trackai_pipelines.ingest.section import section

    return section()


def _demo() -> DemoPart:
    return DemoPart(jobs=(DemoJob("ingest_landing_files", "Ingest"),))


def _metrics(checkup: Checkup) -> Iterable[Metric]:
    from trackai_pipelines.ingest.metrics import metrics

    return metrics(checkup)


INGEST = Domain(
    name="ingest",
    says="Loads landing files and webhooks, and keeps what it refuses with the reason.",
    tables=(
        Table(name="ingest_files", key=("source",)),
        Table(
            name="ingest_rejects",
            key=("id",),
            time="created_at",
            leaves="delete",
            # Place and fingerprint stay, so loading the file again does not bring the content back.
            personal=Personal(
                texts=("payload", "reason"),
                clear=("payload",),
                quotes={"reason": "erased: it told of a person whose data was erased"},
            ),
        ),
    ),
    definitions_for=_definitions_for,
    commands=(Command(name="ingest", says="Load landing files or folders.", load=_ingest),),
    health=_health,
    section=_section,
    demo=_demo,
    metrics=_metrics,
)
