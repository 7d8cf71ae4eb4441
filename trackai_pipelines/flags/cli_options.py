"""Options that the commands of flags share, and how a change is made and shown.

What belongs here: what several commands have in common. What does not: the commands.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trackai_pipelines.terminal.authors import login
from trackai_pipelines.terminal.failures import usage
from trackai_pipelines.terminal.moments import MOMENT_FORMATS, utc
from trackai_pipelines.terminal.output import remark, results, table
from trackai_pipelines.terminal.workspace import ready_database

if TYPE_CHECKING:
    from psycopg import Connection

    from trackai_pipelines.flags.changes import ChangeTerms, Proposal
    from trackai_pipelines.flags.preview import Preview

Key = Annotated[str, typer.Argument(help="The flag's key.")]
Tenant = Annotated[str | None, typer.Option(metavar="TENANT", help="Only for this tenant: slug or id.")]
Reason = Annotated[str | None, typer.Option(help="Why; gates, kills, overrides and --reshuffle need it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change, and for whom; change nothing.")]
IfVersion = Annotated[
    int | None,
    typer.Option(min=0, help="Refuse it unless this is the newest version; 0: the tenant has none."),
]
EffectiveFrom = Annotated[
    datetime | None,
    typer.Option(
        formats=MOMENT_FORMATS,
        metavar="TIME",
        help="When it begins, UTC; in the past only for gates that are timed by the sale.",
        show_default="now",
    ),
]
Until = Annotated[
    datetime | None, typer.Option(formats=MOMENT_FORMATS, metavar="TIME", help="When the tenant inherits again, UTC.")
]
At = Annotated[
    datetime | None, typer.Option(formats=MOMENT_FORMATS, metavar="TIME", help="The moment, UTC.", show_default="now")
]
KnownAt = Annotated[
    datetime | None,
    typer.Option(formats=MOMENT_FORMATS, metavar="TIME", help="As it was known then, without later corrections; UTC."),
]
ToVersion = Annotated[int | None, typer.Option(min=1, metavar="VERSION", help="Go back to what this version says.")]
Reshuffle = Annotated[bool, typer.Option("--reshuffle", help="Let users move to other variants.")]


@contextmanager
def asked() -> "Iterator[Connection[Any]]":
    """Open the database."""
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.settings import Settings

    with connect(ready_database(Settings()), name="trackai flags") as connection:
        yield connection


def wanted_by(
    *,
    reason: str | None = None,
    effective_from: datetime | None = None,
    until: datetime | None = None,
    if_version: int | None = None,
    reshuffle: bool = False,
) -> "Callable[[datetime], ChangeTerms]":
    """Return a function that makes the terms of a change from the present moment and these options."""
    from trackai_pipelines.flags.changes import ChangeTerms

    return lambda now: ChangeTerms(
        now=now,
        reason=reason,
        effective_from=utc(effective_from),
        until=utc(until),
        if_version=if_version,
        reshuffle=reshuffle,
    )


def make(
    propose: "Callable[[Connection[Any], datetime], Proposal]",
    *,
    by: str,
    reason: str | None,
    dry_run: bool,
    as_json: bool,
    rematch: bool = False,
) -> None:
    """Propose a change, carry it out unless it is a dry run, and show it.

    A dry run also shows what it would do to users; where users move to other variants, the audit log says how many.
    `rematch` queues the unmatched ones of the sales that have another value now.
    """
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.flags.changed_sales import (
        ChangedPeriod,
        carry_out_and_compare,
        changed_sales,
        queue_changed_sales,
    )
    from trackai_pipelines.flags.cli_sales import plain_sales, show_sales
    from trackai_pipelines.flags.preview import preview
    from trackai_pipelines.flags.recording import Author, writing

    versions: list[int] = []
    periods: list[ChangedPeriod] = []
    author = Author(by or login(), reason)
    with asked() as connection:
        with writing(connection, utc_now, dry_run=True) as now:
            proposal = propose(connection, now)
            of_sales = proposal.flag.gate is not None and proposal.flag.gate.timed_by_sale
            if rematch and not of_sales:
                raise usage(f"--rematch is for gates that are timed by the sale, not {proposal.flag.key}")
            if dry_run and of_sales:
                _, periods = carry_out_and_compare(connection, proposal, author)
        found = preview(connection, proposal) if proposal.records and (dry_run or proposal.reshuffles) else None
        if not dry_run:
            moved = replace(author, reason=f"{reason} ({found.said})") if found is not None else author
            with writing(connection, utc_now) as now:
                proposal = propose(connection, now)
                versions, periods = carry_out_and_compare(connection, proposal, moved)
        sales = changed_sales(connection, periods) if periods else []
        queued = queue_changed_sales(connection, periods) if rematch and not dry_run else None
    show(proposal, versions, found if dry_run else None, as_json=as_json, more=plain_sales(sales, queued))
    if not as_json:
        show_sales(sales, queued)
    if dry_run:
        remark("Nothing was changed.")


def show(
    proposal: "Proposal",
    versions: list[int],
    found: "Preview | None" = None,
    *,
    as_json: bool,
    more: Mapping[str, Any] | None = None,
) -> None:
    """Print what changed, from when, which plans it cancelled, and what it would do to users; `more` goes into JSON."""
    from trackai_pipelines.flags.changes import scope_name
    from trackai_pipelines.flags.wording import difference, in_words, moment_in_words

    name = scope_name(proposal.flag, proposal.tenant)
    if as_json:
        previewed = {} if found is None else {"preview": found.plain()}
        typer.echo(json.dumps(plain(proposal, versions) | previewed | dict(more or {}), ensure_ascii=False))
        return
    if not proposal.records and not proposal.steps:
        remark(f"{name} is {in_words(proposal.before)} already: nothing to change.")
        return
    of = f" (version {', '.join(map(str, versions))})" if versions else ""
    since = "" if proposal.effective_from == proposal.now else f", from {moment_in_words(proposal.effective_from)}"
    changed = difference(proposal.before, proposal.after)
    said = f"stays {in_words(proposal.before)}" if changed == "nothing" else changed
    results().print(f"{name}  {said}{since}{of}", markup=False)
    for end, _ in proposal.records[1:]:
        if end is not None and end > proposal.now:
            results().print(f"{name}  inherits from {moment_in_words(end)}", markup=False)
    for one in proposal.cancelled:
        remark(
            f"This cancels version {one.id}: {in_words(one.state)} from {moment_in_words(one.effective_from)}.",
            style="yellow",
        )
    for step in proposal.steps:
        remark(f"This cancels {step.said}.", style="yellow")
    if found is not None:
        show_preview(found)


def show_preview(found: "Preview") -> None:
    """Print what a change would do, by tenant."""
    if found.gates:
        columns: tuple[str, ...] = ("tenant", "now", "then", "conversions a day")
        rows: list[tuple[object, ...]] = [
            (one.slug, json.dumps(one.before), json.dumps(one.after), f"{one.conversions_a_day:,.1f}")
            for one in found.gates
        ]
        results().print(table(columns, rows))
    elif found.tenants:
        columns = ("tenant", "users of 30 days", "gain", "lose", "switch", "unknown", "conversions of those", "value")
        rows = [
            (*(one.slug, one.users, one.gain, one.lose, one.switch, one.unknown, one.conversions),
             ", ".join(f"{currency} {value:,.2f}" for currency, value in one.value.items()) or None)
            for one in found.tenants
        ]  # fmt: skip
        results().print(table(columns, rows))
    else:
        remark("It changes nothing for anybody that is known.")


def show_described(key: str, changed: list[str], *, dry_run: bool, as_json: bool) -> None:
    """Print what of a flag's description changed."""
    if as_json:
        typer.echo(json.dumps({"key": key, "versions": [], "described": changed}))
    elif changed:
        results().print(f"{key}  {', '.join(name.replace('_', ' ') for name in changed)} changed", markup=False)
    else:
        remark(f"{key} is described so already: nothing to change.")
    if dry_run:
        remark("Nothing was changed.")


def given(**options: Any) -> dict[str, Any]:
    """Return the options that were given."""
    return {name: value for name, value in options.items() if value is not None}


def nothing_given(command: str) -> typer.BadParameter:
    """Return the error of a command that was given nothing to change."""
    return usage(f"nothing to change was given; see `trackai flags {command} --help`")


def plain(proposal: "Proposal", versions: list[int]) -> dict[str, Any]:
    """Return a change as plain data."""
    return {
        "key": proposal.flag.key,
        "tenant": proposal.tenant.slug if proposal.tenant else None,
        "versions": versions,
        "effective_from": proposal.effective_from.isoformat() if proposal.effective_from else "-infinity",
        "before": proposal.before,
        "after": proposal.after,
        "cancelled": [one.id for one in proposal.cancelled],
        "cancelled_steps": [one.step for one in proposal.steps],
    }
