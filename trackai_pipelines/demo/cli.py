"""`trackai demo`: from nothing to attributions and delivered events, and the proof of both.

What belongs here: the order of the demo's steps and what it shows. What does not: any job, file or figure, which the
domains declare; running jobs (job_runs.py), and what the demo remembers (memory.py).
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trackai_pipelines.domain import Proof
from trackai_pipelines.service.environment import environment
from trackai_pipelines.service.serving import (
    DEFAULT_HOST,
    DEFAULT_PORT,
    DEFAULT_WEB_PORT,
    only_one,
    require_free_ports,
    serve,
)
from trackai_pipelines.terminal.output import fail, remark, results, step, table
from trackai_pipelines.terminal.stopping import interruptible
from trackai_pipelines.terminal.workspace import bring_up_to_date, workspace

if TYPE_CHECKING:
    from trackai_pipelines.settings import Settings

DEFAULT_DAYS = 7
DEFAULT_CONVERSIONS = 20_000


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A demo whose work is done: Dagster's variables, the report, and what can be looked at."""

    variables: Mapping[str, str]
    report: Path
    shows: Sequence[tuple[str, str]]


def demo(
    leave: Annotated[bool, typer.Option("--exit", help="End after the report instead of serving the UI.")] = False,
    days: Annotated[
        int | None, typer.Option(min=1, max=365, help=f"UTC days of sample data.  [default: {DEFAULT_DAYS}]")
    ] = None,
    conversions: Annotated[
        int | None, typer.Option(min=1, help=f"Conversions in them.  [default: {DEFAULT_CONVERSIONS}]")
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="The UI's port.")] = DEFAULT_PORT,
    web_port: Annotated[
        int, typer.Option(min=1, max=65535, help="The port of the web application.")
    ] = DEFAULT_WEB_PORT,
) -> None:
    """From nothing: database, sample files, ingest, match, aggregate, dispatch, a table, a report, the Dagster UI.

    The work is done by Dagster's jobs, and the UI shows it. Events go to a local sandbox in Meta's place, and nowhere
    else. Running it again in the same TRACKAI_HOME changes nothing. The table and the sandbox must agree with what the
    sample's generator knows, or the demo fails.
    """
    from trackai_pipelines.database.server import stop_embedded
    from trackai_pipelines.settings import Settings

    settings = Settings()
    if not leave:
        require_free_ports(DEFAULT_HOST, port, web_port)
    with ExitStack() as ending:
        ending.enter_context(only_one(settings.home))
        ending.enter_context(interruptible())
        ending.callback(stop_embedded, settings)
        with _in_haste(settings):
            prepared = _prepare(ending, settings, days, conversions)
        if not leave:
            serve(
                settings,
                prepared.variables,
                host=DEFAULT_HOST,
                port=port,
                web_port=web_port,
                ready=lambda url, web_url: _look_at(url, web_url, prepared),
            )
    if not leave:
        remark("Stopped.")


def _prepare(ending: ExitStack, settings: "Settings", days: int | None, conversions: int | None) -> _Prepared:
    """Do everything but serve the UI. Companions, such as a sandbox, end with `ending`.

    Fails unless the figures are right.
    """
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.demo.memory import remembered_sample
    from trackai_pipelines.domain import Period
    from trackai_pipelines.report.page import write_report

    domains = workspace().domains
    parts = [domain.demo() for domain in domains if domain.demo]
    with step("Database and sample files"), ThreadPoolExecutor(2) as meanwhile:
        # The server's own processes do most of the first; Dagster takes a second or more to import.
        database = meanwhile.submit(copy_context().run, _database, settings)
        meanwhile.submit(import_module, "dagster")
        defaults = (DEFAULT_DAYS, DEFAULT_CONVERSIONS)
        sample = remembered_sample(
            settings, parts, days=days, conversions=conversions, defaults=defaults, now=utc_now()
        )
        url, variables = database.result()
    # The sample may begin before the sales that were there.
    variables["TRACKAI_FIRST_DAY"] = min(variables["TRACKAI_FIRST_DAY"], sample.first_day.isoformat())
    with connect(url, name="trackai demo") as connection:
        for part in parts:
            if part.insert:
                part.insert(connection, sample)
        companions = [ending.enter_context(part.accompany(connection, sample)) for part in parts if part.accompany]
    for companion in companions:
        variables |= companion.variables
    jobs = [job for part in parts for job in part.jobs] + [job for part in parts for job in part.checks]
    today = utc_now().date()
    last_day = max(today, sample.last_day)
    # Partitions are made at import, of the day that the environment names by now.
    os.environ.update(variables)
    from trackai_pipelines.demo.job_runs import run_jobs

    run_jobs(jobs, domains, first_day=sample.first_day, last_day=last_day, today=today)
    with connect(url, name="trackai demo") as connection:
        figures = [part.figures(connection, sample) for part in parts if part.figures]
        proofs = [part.prove(connection, sample) for part in parts if part.prove]
        proofs += [companion.prove(connection) for companion in companions]
        with step("Report"):
            period = Period(sample.first_day, last_day)
            report = write_report(connection, settings.home / "reports" / "demo.html", domains, period).path
    _show(figures)
    _require_agreement(proofs)
    remark(f"Report: {report}")
    # The lineage page opens with its groups closed unless its address names them.
    groups = ",".join(f"global@global:{domain.name}" for domain in domains if domain.demo and domain.definitions)
    lineage = (f"asset-groups?expanded={groups}", "the lineage, with rows, rates and checks on every asset")
    shows = [lineage, *(show for part in parts for show in part.shows)]
    shows += [show for companion in companions for show in companion.shows]
    return _Prepared(variables, report, shows)


def _database(settings: "Settings") -> tuple[str, dict[str, str]]:
    """Return the event database's URL, its schema current, and Dagster's variables."""
    from trackai_pipelines.database.server import event_database_url

    url = event_database_url(settings)
    bring_up_to_date(url)
    return url, environment(settings)


@contextmanager
def _in_haste(settings: "Settings") -> Iterator[None]:
    """Within the block, commits on the embedded server do not wait for the disk.

    What a power cut takes of a demo, the demo makes again. Nothing else is lost: the server writes in order, and within
    a second.
    """
    if settings.database_url or settings.dagster_postgres_url or "PGOPTIONS" in os.environ:
        yield
        return
    os.environ["PGOPTIONS"] = "-c synchronous_commit=off"
    try:
        yield
    finally:
        del os.environ["PGOPTIONS"]


def _show(figures: Iterable[Mapping[str, Mapping[str, object]]]) -> None:
    """Print one table of the figures of all domains, a row for each tenant."""
    by_tenant: dict[str, dict[str, object]] = {}
    for of_domain in figures:
        for slug, values in of_domain.items():
            by_tenant.setdefault(slug, {}).update(values)
    columns = list(dict.fromkeys(column for values in by_tenant.values() for column in values))
    rows = [(slug, *(values.get(column) for column in columns)) for slug, values in by_tenant.items()]
    results().print(table(("tenant", *columns), rows))


def _require_agreement(proofs: Iterable[Proof]) -> None:
    for proof in proofs:
        if proof.differences:
            fail(
                "What was found does not agree with the sample's ground truth:\n"
                + "\n".join(proof.differences)
                + "\nRows of other origin for these tenants, or a dispatch elsewhere, explain that; otherwise this is "
                "a fault worth reporting."
            )
        remark(f"Ground truth: {proof.agreement}.", style="green")


def _look_at(url: str, web_url: str, prepared: _Prepared) -> None:
    remark(f"Dagster's UI is on {url}; Ctrl-C stops everything.", style="green")
    for place, says in prepared.shows:
        remark(f"  {place if '://' in place else f'{url}/{place}'}  {says}")
    remark(f"  {web_url}/metrics  figures of now for Prometheus, and {web_url}/healthz")
    remark(f"  {prepared.report}  the report")
