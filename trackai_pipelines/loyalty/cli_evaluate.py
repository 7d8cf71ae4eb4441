"""`trackai loyalty evaluate` and `replay`: days of a program, evaluated once and played again.

What belongs here: options, and what is shown. What does not: evaluating (evaluating.py) and comparing (replaying.py).
"""

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trackai_pipelines.loyalty import cli_options as shared
from trackai_pipelines.terminal.days import DAY_FORMAT
from trackai_pipelines.terminal.failures import usage
from trackai_pipelines.terminal.output import fail, remark, results, table

if TYPE_CHECKING:
    from trackai_pipelines.loyalty.evaluating import EvaluatedDay
    from trackai_pipelines.loyalty.replaying import ReplayedDays

From = Annotated[
    datetime | None,
    typer.Option("--from", formats=DAY_FORMAT, metavar="DAY", help="First local day.", show_default="the first one"),
]
To = Annotated[
    datetime | None,
    typer.Option("--to", formats=DAY_FORMAT, metavar="DAY", help="Last one, included.", show_default="the last one"),
]
FromStart = Annotated[bool, typer.Option("--from-start", help="Drop the evaluations of a draft first.")]
_STATUSES = ("enrolled", "promoted", "maintained", "demoted", "corrected", "grace", "manual")
_SHOWN = 20


def evaluate(tenant: shared.Tenant, from_day: From = None, to_day: To = None, *, from_start: FromStart = False) -> None:
    """Evaluate the days of a program that are due, in order, and show what became of its creators.

    A draft is evaluated as well, and can start again. Days that were evaluated before are played again and compared:
    nothing is written for them. Repeating it changes nothing.
    """
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.loyalty.chosen import tenant_of
    from trackai_pipelines.loyalty.evaluating import EvaluatedDay, evaluate_due, reset_draft
    from trackai_pipelines.loyalty.replaying import known_days
    from trackai_pipelines.loyalty.replaying import replay as replay_days

    first, last = _range(from_day, to_day)
    now = utc_now()
    with shared.opened() as connection:
        tenant_id = tenant_of(connection, tenant)
        if from_start:
            reset_draft(connection, tenant_id, now)
        before = [day for day, _ in known_days(connection, tenant_id, last) if day >= first]
        done = list(evaluate_due(connection, tenant_id, now, until=last, drafts=True))
        replayed = replay_days(connection, tenant_id, before[0], before[-1], now) if from_day and before else None
    results().print(
        table(
            ("day", "creators", *_STATUSES, "postings up to"),
            [_row(one) for one in done if isinstance(one, EvaluatedDay)],
        )
    )
    for one in done:
        if not isinstance(one, EvaluatedDay):
            remark(f"{one.day or 'No day'} is not evaluated: {one.reason}.")
    if replayed is not None:
        _compared(replayed)


def replay(tenant: shared.Tenant, from_day: From = None, to_day: To = None, as_json: shared.AsJson = False) -> None:
    """Play evaluated days again with what each of them knew, and compare every event. Nothing is written.

    Exit code 1 where something is recorded otherwise.
    """
    from dataclasses import asdict

    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.loyalty.chosen import tenant_of
    from trackai_pipelines.loyalty.replaying import replay as replay_days

    first, last = _range(from_day, to_day)
    with shared.opened() as connection:
        found = replay_days(connection, tenant_of(connection, tenant), first, last, utc_now())
    if as_json:
        shared.echo(asdict(found))
        raise typer.Exit(bool(found.differences))
    _compared(found)


def _compared(found: "ReplayedDays") -> None:
    said = f"{found.days:,} days, {found.creators:,} creators, {found.events:,} events"
    if not found.differences:
        results().print(f"{said}: all as recorded.", markup=False, highlight=False)
        return
    for difference in found.differences[:_SHOWN]:
        results().print(difference, markup=False, highlight=False)
    fail(
        f"{said}: {len(found.differences):,} are recorded otherwise. Look at who changed tier_checkpoints, "
        "loyalty_members or the ledger by SQL; `trackai loyalty standing` shows a creator's events."
    )


def _range(from_day: datetime | None, to_day: datetime | None) -> tuple[date, date]:
    first = from_day.date() if from_day else date.min
    last = to_day.date() if to_day else date.max
    if last < first:
        raise usage(f"the range of days is empty: {first} is after {last}; swap them")
    return first, last


def _row(one: "EvaluatedDay") -> tuple[Any, ...]:
    return (str(one.day), one.members, *(one.events[status] for status in _STATUSES), one.ledger_upto)
