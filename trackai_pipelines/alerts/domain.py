"""Alerts: failed runs and open circuits are reported."""

from typing import TYPE_CHECKING

from trackai_pipelines.domain import Domain

if TYPE_CHECKING:
    import dagster as dg


def _definitions() -> "dg.Definitions":
    from trackai_pipelines.alerts.defs import defs

    return defs


ALERTS = Domain(
    name="alerts",
    says="Reports failed runs and open circuits, also to a chat.",
    definitions=_definitions,
)
