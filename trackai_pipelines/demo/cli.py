"""`trackai demo`: from nothing to attributions and delivered events that can be looked at, and the proof of both.

What belongs here: the order of the demo's steps and what it shows. What does not: its data (sample_data), its runs
(demo_runs.py), its delivery (demo_delivery.py) and what it remembers (demo_memory.py).
"""

from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trackai_pipelines.service.environment import environment
from trackai_pipelines.service.serving import DEFAULT_HOST, DEFAULT_PORT, only_one, require_free_port, serve
from trackai_pipelines.terminal.output import fail, percent, remark, results, step, table
from trackai_pipelines.terminal.stopping import interruptible
from trackai_pipelines.terminal.workspace import bring_up_to_date

if TYPE_CHECKING:
    from trackai_pipelines.capi_sandbox.client import Sandbox
    from trackai_pipelines.delivery.account import Account
    from trackai_pipelines.demo.memory import Sample
    from trackai_pipelines.match_rates.summary import TenantSummary
    from trackai_pipelines.settings import Settings

DEFAULT_DAYS = 7
DEFAULT_CONVERSIONS = 20_000
# The lineage page opens with its groups closed unless its address names them.
_GROUPS = ",".join(f"global@global:{group}" for group in ("facts", "matching", "match_rates", "delivery"))
_COUNTED = ("conversions", "fbc", "fbp", "email", "unmatched", "pending")
_PLACES = ("sent", "failed", "waiting")


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
    """From nothing: database, sample files, ingest, match, aggregate, dispatch, a table, a report, the Dagster UI.

    The work is done by Dagster's jobs, so that the UI shows it. Events go to a local sandbox in Meta's place, and
    nowhere else. Running it again in the same TRACKAI_HOME changes nothing. The table and the sandbox must agree with
    what the sample's generator knows, or the demo fails.
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
        variables, report, box = _prepare(ending, settings, days, conversions)
        if not leave:
            serve(
                settings,
                variables,
                host=DEFAULT_HOST,
                port=port,
                ready=lambda url: _look_at(url, report, box.base_url),
            )
    if not leave:
        remark("Stopped.")


def _prepare(
    ending: ExitStack, settings: "Settings", days: int | None, conversions: int | None
) -> tuple[dict[str, str], Path, "Sandbox"]:
    """Everything but the UI; gives Dagster's variables, the report's path and the sandbox, which ends with `ending`.

    Fails unless the figures are right.
    """
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.database.server import event_database_url
    from trackai_pipelines.delivery.account import account_for
    from trackai_pipelines.demo.delivery import delivered_by_tenant, delivery_differences, demo_sandbox
    from trackai_pipelines.demo.memory import GROUND_TRUTH, remembered_sample
    from trackai_pipelines.demo.runs import run_jobs
    from trackai_pipelines.domain import Period
    from trackai_pipelines.domains import DOMAINS
    from trackai_pipelines.match_rates.summary import summary_by_tenant
    from trackai_pipelines.report.page import write_report
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
            before = delivered_by_tenant(connection)
    box, of_sandbox = ending.enter_context(demo_sandbox(sample.tenants))
    variables |= of_sandbox
    today = utc_now().date()
    run_jobs(variables, first_day=sample.first_day, last_day=max(today, sample.last_day), today=today)
    with connect(url, name="trackai demo") as connection:
        summaries = [summary for summary in summary_by_tenant(connection) if summary.slug in sample.by_tenant]
        account = account_for(connection, datetime.combine(sample.first_day, time(), UTC))
        after = delivered_by_tenant(connection)
        with step("Report"):
            period = Period(sample.first_day, max(today, sample.last_day))
            report = write_report(connection, settings.home / "reports" / "demo.html", DOMAINS, period).path
    _show(summaries, account)
    _require_agreement(summaries, sample)
    _require_delivery(
        delivery_differences(
            before,
            after,
            box,
            tenants=sample.tenants,
            attributions=settings.home / GROUND_TRUTH,
            now=utc_now(),
        )
    )
    remark(f"Report: {report}")
    return variables, report, box


def _show(summaries: "list[TenantSummary]", account: "Account") -> None:
    events: Counter[tuple[str, str]] = Counter()
    for place in account.places:
        events[place.slug, place.place] += place.events
    rows: list[tuple[object, ...]] = [
        (
            summary.slug,
            *(getattr(summary, name) for name in _COUNTED),
            percent(summary.match_rate),
            *(events[summary.slug, name] for name in _PLACES),
        )
        for summary in summaries
    ]
    results().print(table(("tenant", *_COUNTED, "rate", *_PLACES), rows))


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


def _require_delivery(differences: list[str]) -> None:
    if differences:
        fail(
            "What was delivered does not agree with the sample's ground truth:\n"
            + "\n".join(differences)
            + "\nSales of other origin for these tenants, or a dispatch elsewhere, explain that; otherwise this is a "
            "fault worth reporting."
        )
    remark("Ground truth: every due sale reached the sandbox, and was counted there once.", style="green")


def _look_at(url: str, report: Path, sandbox: str) -> None:
    remark(f"Dagster's UI is on {url}; Ctrl-C stops everything.", style="green")
    remark(f"  {url}/asset-groups?expanded={_GROUPS}  the lineage, with rows, rates and checks on every asset")
    remark(f"  {url}/assets/daily_match_rates  match rates by day, and their checks")
    remark(f"  {url}/assets/capi_dispatches  what was delivered, by day and tenant")
    remark(f"  {sandbox}  the sandbox in Meta's place: what it received")
    remark(f"  {report}  the report")
