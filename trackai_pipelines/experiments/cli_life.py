"""`trackai experiments start`, `pause`, `resume`, `complete`, `archive` and `list`.

What belongs here: options, and what is shown. What does not: what the transitions require (life.py).
"""

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from trackai_pipelines.experiments import cli_options as shared
from trackai_pipelines.experiments.cli_create import Amount
from trackai_pipelines.terminal.authors import By, login
from trackai_pipelines.terminal.failures import usage
from trackai_pipelines.terminal.moments import MOMENT_FORMATS, utc
from trackai_pipelines.terminal.output import remark, results, table

if TYPE_CHECKING:
    from trackai_pipelines.experiments.life import Action, Started


def start(
    key: shared.Key,
    tenant: shared.Tenant,
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=MOMENT_FORMATS,
            metavar="TIME",
            help="When it began, UTC; only of tests whose assignments come in files.",
            show_default="now",
        ),
    ] = None,
    currency: Annotated[
        str | None, typer.Option(help="Of revenue.", show_default="the one currency of the sales before")
    ] = None,
    revenue_cap: Amount = None,
    no_revenue_cap: Annotated[bool, typer.Option("--no-revenue-cap", help="Compare revenue as it is.")] = False,
    reason: shared.Reason = None,
    by: By = "",
) -> None:
    """Start a draft: from now on users are assigned, and what is compared and how is frozen.

    Unless a cap of a user's revenue is given, it is what one buyer in a thousand spent more than, over as many days
    before the start as the window has.
    """
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.experiments.chosen import tenant_of
    from trackai_pipelines.experiments.creating import ChangedBy
    from trackai_pipelines.experiments.life import StartTerms
    from trackai_pipelines.experiments.life import start as start_test

    if no_revenue_cap and revenue_cap is not None:
        raise usage("--revenue-cap and --no-revenue-cap are two things: give one of them")
    terms = StartTerms(since=utc(since), currency=currency, revenue_cap=revenue_cap, capped=not no_revenue_cap)
    now = utc_now()
    with shared.opened() as connection:
        author = ChangedBy(by or login(), reason)
        started = start_test(connection, tenant_of(connection, tenant), key, author, now, terms)
    results().print(f"{key}  draft -> running", markup=False)
    _say_money(started)
    if started.design.assigned_by == "outside" and since is None and started.design.start_date < now:
        remark(f"Users who were assigned before {now:%Y-%m-%d %H:%M:%S} UTC do not count.", style="yellow")


def pause(key: shared.Key, tenant: shared.Tenant, reason: shared.Reason = None, by: By = "") -> None:
    """Pause a test: nobody new is assigned, and what its users buy still counts."""
    _change(key, tenant, "pause", reason, by)


def resume(key: shared.Key, tenant: shared.Tenant, reason: shared.Reason = None, by: By = "") -> None:
    """Resume a paused test: users are assigned again."""
    _change(key, tenant, "resume", reason, by)


def complete(key: shared.Key, tenant: shared.Tenant, reason: shared.Reason = None, by: By = "") -> None:
    """Complete a test: nobody new is assigned, and results go on until every user's window is over."""
    _change(key, tenant, "complete", reason, by)


def archive(key: shared.Key, tenant: shared.Tenant, reason: shared.Reason = None, by: By = "") -> None:
    """Archive a completed or paused test, or a draft: its results stay as they are now."""
    _change(key, tenant, "archive", reason, by)


def list_tests(tenant: shared.AnyTenant = None, as_json: shared.AsJson = False) -> None:
    """List tests with their users, conversions, and what was decided."""
    from trackai_pipelines.experiments.chosen import tenant_of
    from trackai_pipelines.experiments.listing import listed_tests

    with shared.opened() as connection:
        tests = listed_tests(connection, None if tenant is None else tenant_of(connection, tenant))
    if as_json:
        shared.echo({"tests": [asdict(one) for one in tests]})
        return
    columns = ("tenant", "test", "status", "users", "conversions", "from", "to", "winner", "reason")
    rows = [
        (one.slug, one.test_key, one.status, one.users_assigned, one.total_conversions, one.start_date, one.end_date,
         one.winner, one.reason)
        for one in tests
    ]  # fmt: skip
    results().print(table(columns, rows))


def _change(key: str, tenant: str, action: "Action", reason: str | None, by: str) -> None:
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.experiments.chosen import tenant_of
    from trackai_pipelines.experiments.creating import ChangedBy
    from trackai_pipelines.experiments.life import change

    with shared.opened() as connection:
        author = ChangedBy(by or login(), reason)
        changed = change(connection, tenant_of(connection, tenant), key, action, author, utc_now())
    results().print(f"{key}  {changed.status}", markup=False)


def _say_money(started: "Started") -> None:
    from trackai_pipelines.experiments.currencies import LEAST_BUYERS

    design, proposed = started.design, started.proposed
    if design.currency is None:
        remark("There are no sales to tell a currency from, so revenue is not measured.")
    elif design.revenue_cap is None:
        few = f": {proposed.buyers:,} buyers are too few to propose one, it takes {LEAST_BUYERS:,}" if proposed else ""
        remark(f"Revenue is in {design.currency}, without a cap{few}.")
    else:
        of = f": one in a thousand of {proposed.buyers:,} buyers spent more" if proposed else ""
        remark(f"Revenue is in {design.currency}, at most {design.revenue_cap:,.2f} of a user{of}.")
