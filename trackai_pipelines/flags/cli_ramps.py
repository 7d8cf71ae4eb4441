"""`trackai flags ramp`, `plans` and `cancel`: what is planned.

What belongs here: options, and what is shown. What does not: planning (ramps.py), and following plans (plans.py).
"""

import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trackai_pipelines.flags import cli_options as shared
from trackai_pipelines.terminal.authors import By, login
from trackai_pipelines.terminal.output import remark, results, table

if TYPE_CHECKING:
    from trackai_pipelines.flags.ramps import RampStep


def ramp(
    key: shared.Key,
    steps: Annotated[
        str, typer.Option(help="Shares, and when from now: 5@0d,25@2d,100@5d; d, h and m are days, hours, minutes.")
    ],
    guard: Annotated[
        str | None,
        typer.Option(
            help="What each later step waits for: match_rate, dispatch_failures or flag_errors, e.g. "
            "'match_rate>=0.7 over 2d'."
        ),
    ] = None,
    tenant: shared.Tenant = None,
    if_version: shared.IfVersion = None,
    reason: shared.Reason = None,
    by: By = "",
    dry_run: shared.DryRun = False,
    as_json: shared.AsJson = False,
) -> None:
    """Switch a flag on for growing shares. A later step may wait for a guard: a measure of the tenants that it reaches.

    A step whose guard does not hold, or has nothing to measure, is held, and cancelled after a day. Any other change of
    the flag cancels the rest of its ramp.
    """
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.flags.guards import read_guard
    from trackai_pipelines.flags.ramps import plan_ramp, read_steps
    from trackai_pipelines.flags.recording import Author, writing

    asked = read_steps(steps)
    waits_for = read_guard(guard) if guard else None
    terms = shared.wanted_by(reason=reason, if_version=if_version)
    with shared.asked() as connection:
        with writing(connection, utc_now, dry_run=dry_run) as now:
            author = Author(by or login(), reason)
            made = plan_ramp(connection, key, asked, waits_for, author, terms(now), tenant=tenant)
        if as_json:
            guarded = [{"percentage": one.percentage, "seconds": one.after.total_seconds()} for one in made.guarded]
            planned = [shared.plain(one, []) for one in made.proposals]
            typer.echo(json.dumps({"key": key, "steps": planned, "guarded": guarded, "guard": guard}))
        for proposal in () if as_json else made.proposals:
            shared.show(proposal, [], as_json=False)
        for step in () if as_json else made.guarded:
            results().print(f"{key}  {step.percentage} % in {_in(step)}, if {guard}", markup=False)
        if dry_run and not as_json:
            _preview(connection, key, asked, tenant)
    if dry_run:
        remark("Nothing was changed.")


def plans(
    key: Annotated[str | None, typer.Argument(help="The flag's key.", show_default="all flags")] = None,
    as_json: shared.AsJson = False,
) -> None:
    """Show what is planned: changes that come into force by the clock, and steps that wait for their guards."""
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.flags.listing import planned_versions
    from trackai_pipelines.flags.scopes import the_flag
    from trackai_pipelines.flags.steps import steps_of
    from trackai_pipelines.flags.wording import in_words

    now = utc_now()
    with shared.asked() as connection:
        flag = the_flag(connection, key) if key else None
        versions = planned_versions(connection, now, flag.id if flag else None)
        steps = steps_of(connection, flag.id if flag else None, decided=flag is not None)
    if as_json:
        found = {"versions": [asdict(one) for one in versions], "steps": [asdict(one) for one in steps]}
        typer.echo(json.dumps(found, ensure_ascii=False, default=str))
        return
    if versions:
        rows: list[tuple[object, ...]] = [
            (one.flag_key, one.slug, in_words(one.state), one.effective_from, str(one.version), one.changed_by,
             one.change_reason)
            for one in versions
        ]  # fmt: skip
        results().print(table(("flag", "tenant", "state", "from", "version", "by", "why"), rows))
    if steps:
        rows = [
            (one.key, one.slug, str(one.step), f"{one.change['rollout_percentage']} %", one.apply_at, one.state,
             one.waits_for, one.found, one.reason)
            for one in steps
        ]  # fmt: skip
        columns = ("flag", "tenant", "step", "share", "due", "", "guard", "measured", "why")
        results().print(table(columns, rows))
    if not versions and not steps:
        remark("Nothing is planned.")


def cancel(
    key: shared.Key,
    tenant: shared.Tenant = None,
    if_version: shared.IfVersion = None,
    reason: shared.Reason = None,
    by: By = "",
    dry_run: shared.DryRun = False,
    as_json: shared.AsJson = False,
) -> None:
    """Undo everything that is planned for a flag, or for it at a tenant; what is in force now stays."""
    from trackai_pipelines.flags.ramps import propose_cancel

    wanted = shared.wanted_by(reason=reason, if_version=if_version)
    shared.make(
        lambda connection, now: propose_cancel(connection, key, wanted(now), tenant=tenant),
        by=by, reason=reason, dry_run=dry_run, as_json=as_json,
    )  # fmt: skip


def _preview(connection: Any, key: str, steps: "list[RampStep]", tenant: str | None) -> None:
    """Print what each step would do to what is there now."""
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.flags.changes import ChangeTerms, propose
    from trackai_pipelines.flags.preview import preview
    from trackai_pipelines.flags.ramps import to_share
    from trackai_pipelines.flags.recording import writing

    for step in steps:
        with writing(connection, utc_now, dry_run=True) as now:
            terms = ChangeTerms(now=now, reason="a preview")
            proposal = propose(connection, key, to_share(step.percentage), terms, tenant=tenant)
        results().print(f"at {step.percentage} %:", markup=False)
        shared.show_preview(preview(connection, replace(proposal, steps=())))


def _in(step: "RampStep") -> str:
    seconds = int(step.after.total_seconds())
    for size, name in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds % size == 0:
            return f"{seconds // size} {name}"
    return f"{seconds} seconds"
