"""A resident dispatcher as a run: it holds a lease, delivers what becomes due, and shows each window's work in the UI.

What belongs here: a run's lease and its windows. What does not: delivering (delivery/), and leases (residents/).
"""

from collections import Counter
from datetime import date

import dagster as dg
from psycopg import Connection, OperationalError

from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.delivery.backlog import backlog_of
from trackai_pipelines.delivery.defs.checks import ON_ITS_WAY, age_of_backlog, oldest_due_event
from trackai_pipelines.delivery.defs.interrupts import ending_in_order
from trackai_pipelines.delivery.defs.metadata import OUTCOMES, outcome_metadata, pace_metadata, waiting_metadata
from trackai_pipelines.delivery.dispatcher import dispatch
from trackai_pipelines.delivery.report import DispatchReport
from trackai_pipelines.delivery.tokens import TokenStore
from trackai_pipelines.evaluations import evaluation_of
from trackai_pipelines.residents.leases import Lease, Terms, held_lease
from trackai_pipelines.residents.windows import Figures, collect_figures, note_figures
from trackai_pipelines.settings import CapiSettings, Settings
from trackai_pipelines.utc_days import is_partition

WINDOW_SECONDS = 300
"""There is one materialisation for each partition and window, whatever the number of dispatchers: rows in Dagster's
storage cost more than rows in ours. With its check's evaluation it takes 5 kB; once a minute that would be a third of
what Dagster's storage may gain. Attempts are in our tables at once."""

_TOTAL = "total"


def dispatcher_terms() -> Terms:
    """Return how many resident dispatchers there should be, and how long each stays."""
    settings = Settings()
    return Terms(
        "dispatch_conversions",
        wanted=settings.dispatchers,
        life_seconds=settings.resident_life_seconds,
        start_seconds=settings.resident_start_seconds,
    )


def stay(
    context: dg.AssetExecutionContext, database: EventDatabase, tokens: TokenStore, promised: str
) -> DispatchReport:
    """Deliver what becomes due until the lease's life is over; return all that this run did."""
    run_id = context.run.run_id
    terms = dispatcher_terms()
    with held_lease(lambda: database.connect("heartbeat"), terms, promised=promised, holder=run_id) as lease:
        if lease is None:
            context.log.info("Enough dispatchers are at work; this one was not needed.")
            return DispatchReport()
        windows = _WindowReporter(context, database, lease)
        with ending_in_order():
            report = dispatch(
                database.resolved_url(),
                tokens=tokens,
                settings=CapiSettings(),
                run_id=run_id,
                until=lease.over.is_set,
                on_window=windows.show,
                window_seconds=WINDOW_SECONDS,
            )
        context.log.info(f"Ends because {lease.why}.")
        return report


class _WindowReporter:
    """Notes what was done; the eldest resident reports what all have noted."""

    def __init__(self, context: dg.AssetExecutionContext, database: EventDatabase, lease: Lease) -> None:
        self._context = context
        self._database = database
        self._lease = lease
        self._not_noted = DispatchReport()

    def show(self, window: DispatchReport) -> None:
        """Report a window; while the database is unreachable, keep it for the next one."""
        self._not_noted.add(window)
        name = self._lease.terms.name
        try:
            with self._database.connect("dispatch windows") as connection:
                note_figures(connection, name, figures_of(self._not_noted))
                self._not_noted = DispatchReport()
                if self._lease.eldest:
                    _report(self._context, connection, collect_figures(connection, name))
        except OperationalError as error:
            self._context.log.warning(
                f"The database is unreachable; this window is reported with the next one: {error}"
            )


def figures_of(report: DispatchReport) -> Figures:
    """Return a window's figures by part: for each UTC day of sale its events by "outcome/slug", and the totals."""
    figures: dict[str, Counter[str]] = {}
    for outcome, counted in report.outcomes.items():
        for (slug, day), count in counted.items():
            figures.setdefault(day.isoformat(), Counter())[f"{outcome}/{slug}"] += count
    figures[_TOTAL] = Counter(
        {
            "sent": report.sent.total(),
            "requests": report.requests,
            "failed_requests": report.failed_requests,
            "ms": round(1000 * report.seconds),
        }
    )
    return figures


def _report(context: dg.AssetExecutionContext, connection: Connection, figures: Figures) -> None:
    """Record a materialisation for each day of sale whose events were sent or tried, and how old the rest is."""
    totals = figures.get(_TOTAL, Counter())
    pace = pace_metadata(totals["requests"], totals["failed_requests"], totals["sent"], totals["ms"] / 1000)
    now = utc_now()
    backlog = backlog_of(connection, now=now)
    waiting = waiting_metadata(backlog, sold_before=now - ON_ITS_WAY)
    for part, counts in sorted(figures.items()):
        if part != _TOTAL and is_partition(date.fromisoformat(part)):
            outcomes = {outcome: Counter[str]() for outcome in OUTCOMES}
            for name, count in counts.items():
                outcome, _, slug = name.partition("/")
                outcomes[outcome][slug] += count
            context.log_event(
                dg.AssetMaterialization(
                    "capi_dispatches",
                    partition=part,
                    metadata={**outcome_metadata(outcomes), **waiting, **pace},
                )
            )
    # It is an event of no run: of one run Dagster keeps a single evaluation, at the place of the first.
    age = evaluation_of(oldest_due_event, age_of_backlog(backlog, now))
    context.instance.report_runless_asset_event(age)
