"""`trackai demo`: from nothing to matched attributions that can be looked at, and the proof that they are right.

What belongs here: the order of the demo's steps and what it shows. What does not: its data (sample_data), its runs
(demo_runs.py) and what it remembers (demo_memory.py).
"""

from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trackai_pipelines.cli.environment import environment
from trackai_pipelines.cli.output import fail, percent, remark, results, step, table
from trackai_pipelines.cli.schema import bring_up_to_date
from trackai_pipelines.cli.serving import DEFAULT_HOST, DEFAULT_PORT, only_one, require_free_port, serve
from trackai_pipelines.cli.stopping import interruptible

if TYPE_CHECKING:
    from trackai_pipelines.cli.demo_memory import Sample
    from trackai_pipelines.match_rates.summary import TenantSummary
    from trackai_pipelines.settings import Settings

DEFAULT_DAYS = 7
DEFAULT_CONVERSIONS = 20_000
# The lineage page opens with its groups closed unless its address names them.
_GROUPS = ",".join(f"global@global:{group}" for group in ("ingest", "matching", "match_rates"))
_COUNTED = ("conversions", "fbc", "fbp", "email", "unmatched", "pending")


def demo(
    leave: Annotated[bool, typer.Option("--exit", help="End after the report instead of serving the UI.")] = False,
    days: Annotated[
        int | None, typer.Option(min=1, max=365, help=f"UTC days of sample data.  [default: {DEFAULT_DAYS}]")
    ] = None,
    conversions: Annotated[
        int | None, typer.Option(min=1, help=f"Conversions in them.  [default: {DEFAULT_CONVERSIONS}]")
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="The UI's port.")] = DEFAULT_PORT,
) -> None:
    """From nothing: database, sample landing files, ingest, match, aggregate, a table, a report, the Dagster UI.

    The work is done by Dagster's jobs, so that the UI shows it. Running it again in the same TRACKAI_HOME changes
    nothing. The table must agree with what the sample's generator knows, or the demo fails.
    """
    from trackai_pipelines.database.server import stop_embedded
    from trackai_pipelines.settings import Settings

    settings = Settings()
    if not leave:
        require_free_port(DEFAULT_HOST, port)
    with ExitStack() as ending:
        ending.enter_context(only_one(settings.home))
        ending.enter_context(interruptible())
        ending.callback(stop_embedded, settings)
        variables, report = _prepare(settings, days, conversions)
        if not leave:
            serve(settings, variables, host=DEFAULT_HOST, port=port, ready=lambda url: _look_at(url, report))
    if not leave:
        remark("Stopped.")


def _prepare(settings: "Settings", days: int | None, conversions: int | None) -> tuple[dict[str, str], Path]:
    """Everything but the UI; gives Dagster's variables and the report's path. Fails unless the figures are right."""
    from trackai_pipelines.cli.demo_memory import remembered_sample
    from trackai_pipelines.cli.demo_runs import run_jobs
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.database.server import event_database_url
    from trackai_pipelines.match_rates.summary import summary_by_tenant
    from trackai_pipelines.sample_data.ground_truth import insert_tenants

    with step("Database"):
        url = event_database_url(settings)
        bring_up_to_date(url)
        variables = environment(settings)
    with step("Sample files"):
        sample = remembered_sample(
            settings, days=days, conversions=conversions, defaults=(DEFAULT_DAYS, DEFAULT_CONVERSIONS), now=utc_now()
        )
        with connect(url, name="trackai demo") as connection:
            insert_tenants(connection, sample.tenants)
    today = utc_now().date()
    run_jobs(variables, first_day=sample.first_day, last_day=max(today, sample.last_day), today=today)
    with connect(url, name="trackai demo") as connection:
        summaries = [summary for summary in summary_by_tenant(connection) if summary.slug in sample.by_tenant]
        with step("Report"):
            report = _report(url, settings.home / "reports" / "demo.html", sample, now=utc_now())
    _show(summaries)
    _require_agreement(summaries, sample)
    remark(f"Report: {report}")
    return variables, report


def _report(url: str, path: Path, sample: "Sample", *, now: datetime) -> Path:
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.match_rates.report import write_report
    from trackai_pipelines.match_rates.summary import (
        ingest_totals,
        rates_of_days,
        rejects_by_reason,
        summary_by_tenant,
    )

    with connect(url, name="trackai demo") as connection:
        return write_report(
            path,
            tenants=summary_by_tenant(connection),
            rates=rates_of_days(connection, sample.first_day, sample.last_day),
            rejects=rejects_by_reason(connection),
            ingest=ingest_totals(connection),
            generated_at=now,
        )


def _show(summaries: "list[TenantSummary]") -> None:
    rows: list[tuple[object, ...]] = [
        (summary.slug, *(getattr(summary, name) for name in _COUNTED), percent(summary.match_rate))
        for summary in summaries
    ]
    results().print(table(("tenant", *_COUNTED, "rate"), rows))


def _require_agreement(summaries: "list[TenantSummary]", sample: "Sample") -> None:
    found = {summary.slug: {name: getattr(summary, name) for name in _COUNTED} for summary in summaries}
    wrong = [
        f"{slug}: {name} is {found[slug][name]:,} and should be {truth[name]:,}"
        for slug, truth in sample.by_tenant.items()
        for name in _COUNTED
        if found[slug][name] != truth[name]
    ]
    if wrong:
        fail(
            "The table does not agree with the sample's ground truth:\n"
            + "\n".join(wrong)
            + "\nRows of other origin for these tenants explain that; otherwise this is a fault worth reporting."
        )
    remark(f"Ground truth: all {len(found)} tenants agree in every count.", style="green")


def _look_at(url: str, report: Path) -> None:
    remark(f"Dagster's UI is on {url}; Ctrl-C stops everything.", style="green")
    remark(f"  {url}/asset-groups?expanded={_GROUPS}  the lineage, with rows, rates and checks on every asset")
    remark(f"  {url}/assets/daily_match_rates  match rates by day, and their checks")
    remark(f"  {report}  the report")
