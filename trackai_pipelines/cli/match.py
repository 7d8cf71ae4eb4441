"""Matching from the command line: match, try again, aggregate, and explain one conversion."""

import json
import uuid
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from trackai_pipelines.cli.failures import usage
from trackai_pipelines.cli.output import fail, percent, remark, results, table
from trackai_pipelines.cli.schema import ready_database
from trackai_pipelines.cli.stopping import stop_requests

if TYPE_CHECKING:
    from psycopg import Connection

    from trackai_pipelines.matching.drain import DrainReport
    from trackai_pipelines.matching.explain import Attempt, Story

_SHOWN_EVERY_SECONDS = 10.0
STRATEGIES = ("fbc", "fbp", "email", "unmatched")

_DAY = ["%Y-%m-%d"]
_FromDay = Annotated[datetime, typer.Option("--from", formats=_DAY, metavar="DAY", help="First UTC day, YYYY-MM-DD.")]
_ToDay = Annotated[datetime, typer.Option("--to", formats=_DAY, metavar="DAY", help="Last UTC day, included.")]


def match(
    follow: Annotated[bool, typer.Option("--follow", help="Stay and match as rows arrive, until Ctrl-C.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the totals as one JSON object.")] = False,
) -> None:
    """Match everything that waits, then exit; several at once share the work.

    What late clicks and identities make matchable is matched, too. Conversions of suspended tenants stay pending.
    """
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.matching.drain import drain
    from trackai_pipelines.settings import Settings

    url = ready_database(Settings())
    run_id = _run_id()
    if follow:
        total = _follow(url, run_id)
    else:
        with connect(url, name="trackai match") as connection:
            total = drain(connection, run_id=run_id)
    if as_json:
        typer.echo(json.dumps(_totals(total, run_id)))
    else:
        _show(total)


def rematch(from_day: _FromDay, to_day: _ToDay) -> None:
    """Try the unmatched conversions of those days again (days of the sale); every attempt is logged."""
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.matching.drain import drain
    from trackai_pipelines.matching.rematch import enqueue_rematch
    from trackai_pipelines.settings import Settings

    first, last = _days(from_day, to_day)
    with connect(ready_database(Settings()), name="trackai rematch") as connection:
        queued = enqueue_rematch(connection, first, last)
        remark(f"{queued:,} conversions of {first} to {last} are tried again.")
        _show(drain(connection, run_id=_run_id()))


def aggregate(from_day: _FromDay, to_day: _ToDay) -> None:
    """Recompute the daily match rates of those days; repeating it changes nothing."""
    from rich.progress import track

    from trackai_pipelines.cli.output import remarks
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.match_rates.aggregate import aggregate_days
    from trackai_pipelines.settings import Settings

    first, last = _days(from_day, to_day)
    with connect(ready_database(Settings()), name="trackai aggregate") as connection:
        days = list(
            track(
                aggregate_days(connection, first, last),
                "aggregating",
                total=(last - first).days + 1,
                console=remarks(),
                transient=True,
            )
        )
    rows = [
        (str(d.day), d.conversions, d.fbc, d.fbp, d.email, d.unmatched, d.pending, percent(d.match_rate)) for d in days
    ]
    results().print(table(("day", "conversions", *STRATEGIES, "pending", "rate"), rows))


def explain(
    tenant: Annotated[str, typer.Argument(help="Slug or id.")],
    gateway: Annotated[str, typer.Argument(help="E.g. stripe.")],
    event_id: Annotated[str, typer.Argument(help="The gateway's event id (gateway_event_id).")],
) -> None:
    """Tell why a conversion was or was not matched: its keys, the window, each attempt and what it means."""
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.matching.explain import explain as story_of
    from trackai_pipelines.settings import Settings

    with connect(ready_database(Settings()), name="trackai explain") as connection:
        found = story_of(connection, tenant, gateway, event_id)
        if found is None:
            fail(_not_found(connection, tenant, gateway, event_id))
    _tell(*found)


def _run_id() -> str:
    return f"cli-{uuid.uuid4().hex[:12]}"


def _days(from_day: datetime, to_day: datetime) -> tuple[date, date]:
    if to_day < from_day:
        raise usage(f"the range of days is empty: {from_day:%Y-%m-%d} is after {to_day:%Y-%m-%d}; swap them")
    return from_day.date(), to_day.date()


def _follow(url: str, run_id: str) -> "DrainReport":
    """Match as rows arrive until Ctrl-C or SIGTERM; gives all that was done."""
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.matching.drain import DrainReport
    from trackai_pipelines.matching.follow import follow

    total = DrainReport()

    def show(connection: "Connection", window: DrainReport, seconds: float) -> None:
        remark(_sentence(window))
        total.add(window)

    with stop_requests() as stopping:
        remark("Matching as rows arrive; Ctrl-C ends it.")
        follow(
            lambda: connect(url, name="trackai match"),
            run_id=run_id,
            until=stopping.is_set,
            on_window=show,
            window_seconds=_SHOWN_EVERY_SECONDS,
        )
    return total


def _totals(report: "DrainReport", run_id: str) -> dict[str, object]:
    return {
        "run_id": run_id,
        "conversions": report.conversions,
        **{strategy: report.by_strategy[strategy] for strategy in STRATEGIES},
        "match_rate": report.match_rate,
        "rematched": report.rematched,
        "late": report.late,
        "attempts": report.attempts,
        "batches": report.batches,
        "seconds": round(report.seconds, 3),
    }


def _sentence(report: "DrainReport") -> str:
    return f"{report.conversions:,} conversions decided in {report.seconds:.1f} s, {percent(report.match_rate)} matched"


def _show(report: "DrainReport") -> None:
    if not report.conversions:
        remark("Nothing was waiting to be matched.")
        return
    by_strategy = report.by_strategy
    rows = [
        (strategy, by_strategy[strategy], percent(by_strategy[strategy] / report.conversions))
        for strategy in STRATEGIES
    ]
    results().print(table(("strategy", "conversions", "share"), rows))
    remark(_sentence(report) + ".")


def _not_found(connection: "Connection", tenant: str, gateway: str, event_id: str) -> str:
    from trackai_pipelines.tenants.tenants import all_tenants, gateways_of

    tenants = all_tenants(connection)
    if not any(tenant in (known.slug, known.id) for known in tenants):
        slugs = ", ".join(known.slug for known in tenants[:20]) or "none; `trackai tenant add` adds one"
        return f"There is no tenant {tenant}. Tenants: {slugs}."
    gateways = gateways_of(connection, tenant)
    if gateway not in gateways:
        known = ", ".join(gateways) or "no gateway yet"
        return f"Tenant {tenant} has no conversions from {gateway}. It has conversions from: {known}."
    return (
        f"Tenant {tenant} has no conversion with the event id {event_id} from {gateway}. Check the id: it is the "
        "event's, not the order's. If the event was delivered, it may have been refused: see trackai.ingest_rejects."
    )


def _tell(story: "Story", attempts: "list[Attempt]") -> None:
    after, until = story.window
    facts = [
        ("tenant", f"{story.slug} ({story.status})"),
        ("order", story.order_id),
        ("value", f"{story.value:,.2f} {story.currency}"),
        ("sold", _moment(story.occurred_at)),
        ("arrived", _moment(story.created_at)),
        ("click id (fbc)", story.click_key),
        ("browser id (fbp)", story.browser_key),
        ("e-mail hash", "present" if story.has_email else None),
        ("e-mail matching", "on" if story.email_matching else "off"),
        ("window", f"clicks after {_moment(after)}, until {_moment(until)} ({story.lookback_days} days)"),
    ]
    if story.clicked_at is not None:
        facts += [
            ("clicked", _moment(story.clicked_at)),
            ("source", story.utm_source),
            ("campaign", story.utm_campaign),
        ]
    console = results()
    console.print(table(("fact", ""), facts))
    if attempts:
        rows = [
            (str(a.attempt), a.strategy, a.outcome, a.meaning, str(a.click_id or "-"), _moment(a.created_at))
            for a in attempts
        ]
        console.print(table(("attempt", "strategy", "outcome", "meaning", "click", "at"), rows))
    console.print(story.verdict, markup=False, style="bold")


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
