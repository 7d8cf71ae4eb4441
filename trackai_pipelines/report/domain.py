"""The report: one page of what every domain has to show."""

from typing import TYPE_CHECKING, Any

from trackai_pipelines.domain import Command, Domain

if TYPE_CHECKING:
    import dagster as dg


def _report() -> Any:
    from trackai_pipelines.report.cli import report

    return report


def _definitions() -> "dg.Definitions":
    from trackai_pipelines.report.defs import defs

    return defs


REPORT = Domain(
    name="report",
    says="One HTML page about any range of days; a new one every night.",
    definitions=_definitions,
    commands=(Command(name="report", says="Write an HTML report about some days.", load=_report),),
)
