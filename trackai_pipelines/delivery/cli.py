"""`trackai dispatch`: deliver what is due, and show what came of it tenant by tenant.

What belongs here: options, the course of a dispatch, what is shown. What does not: the dry run (cli_dry_run.py), and
delivering itself (dispatcher.py).
"""

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trackai_pipelines.delivery.cli_dry_run import write_dry_run
from trackai_pipelines.terminal.days import DAY_FORMAT, days_of
from trackai_pipelines.terminal.failures import usage
from trackai_pipelines.terminal.output import fail, remark, results, table
from trackai_pipelines.terminal.stopping import stop_requests
from trackai_pipelines.terminal.workspace import new_run_id, ready_database

if TYPE_CHECKING:
    from trackai_pipelines.delivery.backlog import Backlog, Failures
    from trackai_pipelines.delivery.report import DispatchReport

_SHOWN_EVERY_SECONDS = 10.0
# How often --follow looks for tenants that are held back.
_LOOK_SECONDS = 15.0
# How long the command waits out back-offs while no event gets through: the ten failures in a row that open a circuit
# take four minutes.
_PATIENCE_SECONDS = 300.0
_COUNTS = ("sent", "failed", "retried", "sandbox", "waiting")
# The pause between looks at a tenant that another dispatcher serves.
_PAUSE_SECONDS = 0.2


def dispatch(
    follow: Annotated[bool, typer.Option("--follow", help="Stay and deliver what becomes due, until Ctrl-C.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write the exact requests into a folder, and send nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the totals as one JSON object.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="The dry run's folder, new or empty.", show_default="TRACKAI_HOME/dry-runs/<time>"),
    ] = None,
    from_day: Annotated[
        datetime | None,
        typer.Option("--from", formats=DAY_FORMAT, metavar="DAY", help="Replay sales from this UTC day on, YYYY-MM-DD: "
                     "those that were not accepted are tried again."),
    ] = None,
    to_day: Annotated[
        datetime | None,
        typer.Option("--to", formats=DAY_FORMAT, metavar="DAY", help="The replay's last UTC day, included."),
    ] = None,
    resend: Annotated[
        bool,
        typer.Option("--resend-already-sent", help="Also replay what was accepted. RISK: Meta does not promise to "
                     "count an event that a server sends twice only once, so each of these sales may be counted twice "
                     "in campaigns."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether to take that risk.")] = False,
) -> None:  # fmt: skip
    """Deliver to Meta's Conversions API what is due, then exit; several at once share the work.

    A tenant needs a pixel and a token: `trackai tenant set SLUG --pixel-id ID`, and TRACKAI_CAPI_TOKEN_<SLUG> in the
    environment or a file in TRACKAI_CAPI_TOKEN_DIR. The command waits out back-offs and ends when nothing more can go
    out. Exit code 1 when due events are held back by the flag dispatch_target, or by an open circuit: no token or
    pixel, access refused, or ten requests in a row that failed. Events that Meta can never take are closed with their
    reason, which is no failure of the command. Nothing that waits is lost.
    """
    _require_sense(follow, dry_run, out, from_day, to_day, resend)
    from trackai_pipelines.delivery.tokens import tokens_of_environment
    from trackai_pipelines.settings import CapiSettings, Settings

    settings, capi = Settings(), CapiSettings()
    url = ready_database(settings)
    if dry_run:
        write_dry_run(url, out or settings.home / "dry-runs", named=out is not None, capi=capi, as_json=as_json)
        return
    if from_day and to_day:
        _replay(url, from_day, to_day, resend=resend, yes=yes)
    from trackai_pipelines.delivery import dispatcher

    run_id = new_run_id()
    deliver = partial(
        dispatcher.dispatch,
        url,
        tokens=tokens_of_environment(capi),
        settings=capi,
        run_id=run_id,
        on_window=_show_window,
        window_seconds=_SHOWN_EVERY_SECONDS,
    )
    outcome = _outcome(url, partial(_follow if follow else _until_nothing_can_go_out, url, deliver))
    if as_json:
        typer.echo(json.dumps({"run_id": run_id, **outcome.totals}))
    else:
        outcome.show()
    held_back = [one for one in outcome.backlog if one.held_back]
    for one in held_back:
        remark(f"{one.slug}: {one.events:,} events are held back; {one.reason}.", style="red")
    if held_back and not follow:
        raise typer.Exit(1)


@dataclass(frozen=True)
class _Outcome:
    """What a dispatch did, and what it left."""

    report: "DispatchReport"
    backlog: "list[Backlog]"
    failures: "list[Failures]"

    @property
    def by_tenant(self) -> dict[str, dict[str, Any]]:
        """Counts, reasons for waiting, and failures by code, for each tenant that has any."""
        from trackai_pipelines.delivery.report import by_tenant

        done = {name: by_tenant(counted) for name, counted in self.report.outcomes.items()}
        done["waiting"] = Counter()
        for one in self.backlog:
            done["waiting"][one.slug] += one.events
        return {
            slug: {
                **{name: counted[slug] for name, counted in done.items()},
                "why": list(dict.fromkeys(one.reason for one in self.backlog if one.slug == slug)),
                "failures": {one.failure: one.events for one in self.failures if one.slug == slug},
            }
            for slug in sorted({slug for counted in done.values() for slug in counted})
        }

    @property
    def totals(self) -> dict[str, Any]:
        """All of it, for machines."""
        tenants = self.by_tenant
        return {
            **{name: sum(of[name] for of in tenants.values()) for name in _COUNTS},
            "requests": self.report.requests,
            "failed_requests": self.report.failed_requests,
            "seconds": round(self.report.seconds, 3),
            "tenants": tenants,
        }

    def show(self) -> None:
        """The same for people."""
        tenants = self.by_tenant
        if not tenants:
            remark("Nothing was due.")
            return
        # Few ever use the sandbox.
        counts = [name for name in _COUNTS if name != "sandbox" or self.report.sandbox]
        rows = [(slug, *(of[name] for name in counts), "; ".join(of["why"])) for slug, of in tenants.items()]
        results().print(table(("tenant", *counts, "why it waits"), rows))
        if self.failures:
            failed = [(one.slug, one.events, one.failure, one.message) for one in self.failures]
            results().print(table(("tenant", "failed", "reason", "what is wrong with one of them"), failed))
        remark(_sentence(self.report) + ".")


def _require_sense(
    follow: bool, dry_run: bool, out: Path | None, from_day: datetime | None, to_day: datetime | None, resend: bool
) -> None:
    if (from_day is None) != (to_day is None):
        raise usage("a replay needs both --from and --to")
    if from_day and to_day:
        days_of(from_day, to_day)
    if resend and from_day is None:
        raise usage("--resend-already-sent belongs to a replay: name its days with --from and --to")
    if dry_run and (follow or from_day):
        raise usage("--dry-run changes nothing, so it goes neither with --follow nor with --from and --to")
    if follow and from_day:
        raise usage("a replay ends by itself: leave --follow out, or follow afterwards")
    if out is not None and not dry_run:
        raise usage("--out is the folder of a dry run: add --dry-run")


def _replay(url: str, from_day: datetime, to_day: datetime, *, resend: bool, yes: bool) -> None:
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.delivery.replay import enqueue_days

    first, last = days_of(from_day, to_day)
    if resend and not yes:
        question = f"Sales of {first} to {last} that Meta has accepted may be counted twice. Send them again?"
        try:
            agreed = typer.confirm(question, err=True)
        except typer.Abort:
            agreed = False
        if not agreed:
            fail("Nothing was queued or sent. To go on, answer yes, or pass --yes.")
    with connect(url, name="trackai dispatch") as connection:
        queued = enqueue_days(connection, first, last, resend_already_sent=resend)
    remark(
        f"{queued:,} sales of {first} to {last} are tried again. Meta takes none that is older than seven days, or 62 "
        "in a store."
    )


def _outcome(url: str, work: "Callable[[], DispatchReport]") -> _Outcome:
    """Do the work, and find out what failed in it and what is left."""
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.delivery.backlog import backlog_of, failures_after, latest_attempt
    from trackai_pipelines.delivery.report import by_tenant

    with connect(url, name="trackai dispatch") as connection:
        before = latest_attempt(connection)
    report = work()
    # Another connection: the work may have taken days.
    with connect(url, name="trackai dispatch") as connection:
        failures = failures_after(connection, before, list(by_tenant(report.failed)))
        return _Outcome(report, backlog_of(connection, now=utc_now()), failures)


def _until_nothing_can_go_out(url: str, deliver: "Callable[[], DispatchReport]") -> "DispatchReport":
    """Deliver, and deliver again when tenants have backed off for long enough, until nothing more gets through."""
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.delivery.backlog import backlog_of, next_try
    from trackai_pipelines.delivery.report import DispatchReport

    total = DispatchReport()
    patience_ends = time.monotonic() + _PATIENCE_SECONDS
    while True:
        report = deliver()
        total.add(report)
        if report.sent or report.failed:
            patience_ends = time.monotonic() + _PATIENCE_SECONDS
        with connect(url, name="trackai dispatch") as connection:
            now = utc_now()
            again = next_try(backlog_of(connection, now=now), now=now)
        if again is None:
            return total
        pause = max((again - now).total_seconds(), _PAUSE_SECONDS)
        if time.monotonic() + pause > patience_ends:
            return total
        time.sleep(pause)


def _follow(url: str, deliver: "Callable[..., DispatchReport]") -> "DispatchReport":
    """Deliver what becomes due until Ctrl-C or SIGTERM; say so when a tenant is held back."""
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.delivery.backlog import backlog_of

    shown: set[str] = set()
    next_look = time.monotonic() + 1

    def look() -> None:
        nonlocal shown
        with connect(url, name="trackai dispatch") as connection:
            held_back = {one.slug: one for one in backlog_of(connection, now=utc_now()) if one.held_back}
        for slug in held_back.keys() - shown:
            remark(f"{slug} is held back; {held_back[slug].reason}.", style="yellow")
        shown = set(held_back)

    with stop_requests() as stopping:
        remark("Delivering what becomes due; Ctrl-C ends it.")

        def until() -> bool:
            nonlocal next_look
            if not stopping.is_set() and time.monotonic() > next_look:
                next_look = time.monotonic() + _LOOK_SECONDS
                look()
            return stopping.is_set()

        return deliver(until=until)


def _show_window(window: "DispatchReport") -> None:
    remark(_sentence(window))


def _sentence(report: "DispatchReport") -> str:
    sent, failed, retried = (sum(counted.values()) for counted in (report.sent, report.failed, report.retried))
    sandbox = f", {report.sandbox.total():,} to the sandbox" if report.sandbox else ""
    return (
        f"{sent:,} events sent, {failed:,} failed, {retried:,} to be retried{sandbox}, in {report.requests:,} requests"
    )
