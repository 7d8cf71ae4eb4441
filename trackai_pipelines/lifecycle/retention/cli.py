"""`trackai retention`: show what is to leave or lose its personal fields, then do it.

What belongs here: options, and how a plan is shown. What does not: making plans (plan.py), and carrying them out
(apply.py).
"""

import json
from dataclasses import asdict
from datetime import date, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trackai_pipelines.terminal.failures import usage
from trackai_pipelines.terminal.output import fail, remark, results, table
from trackai_pipelines.terminal.workspace import ready_database, workspace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trackai_pipelines.flag_values.client import Flags
    from trackai_pipelines.lifecycle.retention.plan import Plan, Step

_DAY = ["%Y-%m-%d"]


def retention(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only store and show the plan; nothing changes.")] = False,
    day: Annotated[
        datetime | None,
        typer.Option(formats=_DAY, metavar="DAY", help="Count ages to this UTC day. Only a dry run may look ahead.",
                     show_default="today"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the plan as one JSON object.")] = False,
) -> None:  # fmt: skip
    """Anonymise, archive, drop and delete what retention_policies call old; the plan is shown first.

    What has to stay in the database is shown as blocked, with the reason; that is no failure. Exit code 1 when a step
    failed. Safe to repeat, and to kill: the next run finishes what this one left.
    """
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.database.pooler import connect_directly
    from trackai_pipelines.flag_values.client import open_flags
    from trackai_pipelines.lifecycle.mover import only_mover
    from trackai_pipelines.lifecycle.retention.plan import plan_retention
    from trackai_pipelines.settings import Settings

    settings, today = Settings(), utc_now().date()
    asked = day.date() if day else today
    if asked > today and not dry_run:
        raise usage(f"{asked} is in the future: add --dry-run to see what would be old then")
    url = ready_database(settings)
    with connect_directly(url, name="trackai retention") as connection, open_flags(url) as flags:
        if dry_run:
            plan = plan_retention(connection, workspace().tables, today=asked, dry_run=True, flags=flags)
            _show(plan, as_json=as_json)
        else:
            # The lock covers planning, too: a plan that another run carries out meanwhile would be out of date.
            with only_mover(connection):
                plan = _plan_and_apply(connection, url, settings.archive_url, asked, flags, as_json=as_json)
    _conclude(plan)


def _plan_and_apply(connection: Any, url: str, archive_url: str, day: date, flags: "Flags", *, as_json: bool) -> "Plan":
    from trackai_pipelines.lifecycle.archive.store import open_store
    from trackai_pipelines.lifecycle.retention.apply import apply_plan
    from trackai_pipelines.lifecycle.retention.plan import plan_retention

    store = open_store(archive_url)
    plan = plan_retention(connection, workspace().tables, today=day, dry_run=False, flags=flags)
    if not as_json:
        _show(plan, as_json=False)
    done = apply_plan(connection, url, store, workspace().tables, plan)
    if as_json:
        _show(done, as_json=True)
    elif done.of("done", "failed"):
        rows = [(*_what(step), step.rows_done, step.state, step.outcome) for step in done.of("done", "failed")]
        results().print(table(("action", "table", "day", "rows", "state", "outcome"), rows))
    return done


def _show(plan: "Plan", *, as_json: bool) -> None:
    if as_json:
        steps = [{**asdict(step), "day": str(step.day)} for step in plan.steps]
        typer.echo(json.dumps({"plan": plan.id, "day": str(plan.day), "dry_run": plan.dry_run, "steps": steps}))
    elif plan.steps:
        rows = [(*_what(step), step.rows, _size(step.bytes), step.reason, step.blocked_by or "") for step in plan.steps]
        results().print(table(("action", "table", "day", "rows", "size", "reason", "blocked"), rows))
    else:
        remark(f"Nothing is old enough on {plan.day}.")


def _what(step: "Step") -> tuple[str, str, str]:
    return step.action, step.table_name, f"{'before ' if step.action == 'anonymise' else ''}{step.day}"


def _size(size: int | None) -> str:
    return "" if size is None else f"{size / 10**6:,.1f} MB"


def _conclude(plan: "Plan") -> None:
    """How it went, on stderr; exit code 1 when a step failed."""
    failed, blocked = plan.of("failed"), plan.of("blocked")
    if plan.dry_run:
        remark(f"Nothing was changed; {_steps(plan.of('planned'))} would be done, {_steps(blocked)} blocked.")
        return
    remark(f"{_steps(plan.of('done'))} done, {_steps(blocked)} blocked, {_steps(failed)} failed, as of {plan.day}.")
    if failed:
        fail("\n".join(_failures(failed)))


def _failures(steps: "Sequence[Step]") -> "Iterator[str]":
    """Return a sentence for each reason, however many steps failed by it."""
    for outcome, alike in groupby(sorted(steps, key=lambda step: step.outcome or ""), key=lambda step: step.outcome):
        first, *others = alike
        more = f" and {_steps(others)} more" if others else ""
        yield f"{first.title}{more} failed: {outcome}"


def _steps(steps: "Sequence[Step]") -> str:
    return f"{len(steps):,} step{'' if len(steps) == 1 else 's'}"
