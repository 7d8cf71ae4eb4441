"""`trackai match` and `trackai rematch`: match what waits, or try the unmatched conversions of some days again."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from trackai_pipelines.terminal.days import FromDay, ToDay, days_of
from trackai_pipelines.terminal.output import percent, remark, results, table
from trackai_pipelines.terminal.stopping import stop_requests
from trackai_pipelines.terminal.workspace import new_run_id, ready_database

if TYPE_CHECKING:
    from psycopg import Connection

    from trackai_pipelines.matching.drain import DrainReport

_SHOWN_EVERY_SECONDS = 10.0
STRATEGIES = ("fbc", "fbp", "email", "unmatched")


def match(
    follow: Annotated[bool, typer.Option("--follow", help="Stay and match as rows arrive, until Ctrl-C.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the totals as one JSON object.")] = False,
) -> None:
    """Match everything that waits, then exit; several at once share the work.

    This includes conversions that late clicks and identities make matchable. Those of suspended tenants stay pending.
    """
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.flag_values.client import open_flags
    from trackai_pipelines.matching.batch_size import sizes_of_run
    from trackai_pipelines.matching.drain import drain
    from trackai_pipelines.settings import Settings

    url = ready_database(Settings())
    run_id = new_run_id()
    if follow:
        total = _follow(url, run_id)
    else:
        with connect(url, name="trackai match") as connection, open_flags(url) as flags:
            total = drain(connection, run_id=run_id, batch_size=sizes_of_run(flags, run_id))
    if as_json:
        typer.echo(json.dumps(_totals(total, run_id)))
    else:
        _show(total)


def rematch(from_day: FromDay, to_day: ToDay) -> None:
    """Try the unmatched conversions of those days again (days of the sale); every attempt is logged."""
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.flag_values.client import open_flags
    from trackai_pipelines.matching.batch_size import sizes_of_run
    from trackai_pipelines.matching.drain import drain
    from trackai_pipelines.matching.rematch import enqueue_rematch
    from trackai_pipelines.settings import Settings

    first, last = days_of(from_day, to_day)
    url, run_id = ready_database(Settings()), new_run_id()
    with connect(url, name="trackai rematch") as connection, open_flags(url) as flags:
        queued = enqueue_rematch(connection, first, last)
        remark(f"{queued:,} conversions of {first} to {last} are tried again.")
        _show(drain(connection, run_id=run_id, batch_size=sizes_of_run(flags, run_id)))


def _follow(url: str, run_id: str) -> "DrainReport":
    """Match as rows arrive until Ctrl-C or SIGTERM; return all that was done."""
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.flag_values.client import open_flags
    from trackai_pipelines.matching.batch_size import sizes_of_run
    from trackai_pipelines.matching.drain import DrainReport
    from trackai_pipelines.matching.follow import follow

    total = DrainReport()

    def show(connection: "Connection", window: DrainReport, seconds: float) -> None:
        remark(_sentence(window))
        total.add(window)

    with stop_requests() as stopping, open_flags(url) as flags:
        remark("Matching as rows arrive; Ctrl-C ends it.")
        follow(
            lambda: connect(url, name="trackai match"),
            run_id=run_id,
            until=stopping.is_set,
            on_window=show,
            window_seconds=_SHOWN_EVERY_SECONDS,
            batch_size=sizes_of_run(flags, run_id),
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
