"""`trackai flags override`, `kill` and `unkill`: what a tenant sets differently, and off at once.

What belongs here: options. What does not: what they make of a state (altering.py), and recording it (changes.py).
"""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trackai_pipelines.flags import cli_options as shared
from trackai_pipelines.flags.cli_sales import Rematch
from trackai_pipelines.terminal.authors import By
from trackai_pipelines.terminal.failures import usage

if TYPE_CHECKING:
    from psycopg import Connection

    from trackai_pipelines.flags.changes import Alter, Proposal


def override(
    key: shared.Key,
    tenant: Annotated[str, typer.Argument(help="Slug or id.")],
    on: Annotated[bool | None, typer.Option("--on/--off", help="Switch it on or off for the tenant.")] = None,
    value: Annotated[str | None, typer.Option(help="Serve this value to the whole tenant.")] = None,
    percentage: Annotated[int | None, typer.Option(min=0, max=100, help="The share that is served here.")] = None,
    inherit: Annotated[bool, typer.Option("--inherit", help="Remove the override.")] = False,
    until: shared.Until = None,
    to_version: shared.ToVersion = None,
    effective_from: shared.EffectiveFrom = None,
    if_version: shared.IfVersion = None,
    reshuffle: shared.Reshuffle = False,
    reason: shared.Reason = None,
    by: By = "",
    rematch: Rematch = False,
    dry_run: shared.DryRun = False,
    as_json: shared.AsJson = False,
) -> None:
    """Set a flag differently for one tenant, now or at another moment; what is not given stays.

    --on means 100 % where the tenant itself is the unit, as it is of the gates. A gate's --value switches it on, too.
    """
    from trackai_pipelines.flags.altering import back_to, override_with
    from trackai_pipelines.flags.changes import propose
    from trackai_pipelines.flags.scopes import scope_versions, the_gate_or_flag
    from trackai_pipelines.flags.states import inherit as inherits

    said = shared.given(on=on, value=value, percentage=percentage, until=until)
    ways = sum((bool(said), inherit, to_version is not None))
    if ways == 0:
        raise shared.nothing_given("override")
    if ways > 1:
        raise usage("--inherit, --to-version, and what is set differently, are three things: give one of them")
    wanted = shared.wanted_by(
        reason=reason, effective_from=effective_from, until=until, if_version=if_version, reshuffle=reshuffle
    )

    def altered(connection: "Connection[Any]") -> "Alter":
        if inherit:
            return inherits
        if to_version is not None:
            return back_to(scope_versions(connection, key, tenant), to_version, tenant=True)
        bucket_by, gate = the_gate_or_flag(connection, key)
        return override_with(on=on, value=value, percentage=percentage, gate=gate, by_tenant=bucket_by == "tenant")

    def propose_override(connection: "Connection[Any]", now: datetime) -> "Proposal":
        return propose(connection, key, altered(connection), wanted(now), tenant=tenant)

    shared.make(propose_override, by=by, reason=reason, dry_run=dry_run, as_json=as_json, rematch=rematch)


def kill(
    key: shared.Key,
    tenant: shared.Tenant = None,
    if_version: shared.IfVersion = None,
    reason: shared.Reason = None,
    by: By = "",
    rematch: Rematch = False,
    dry_run: shared.DryRun = False,
    as_json: shared.AsJson = False,
) -> None:
    """Turn a flag off for every moment, past ones included; a kill goes before overrides and plans."""
    from trackai_pipelines.flags.changes import propose_kill

    wanted = shared.wanted_by(reason=reason, if_version=if_version)
    shared.make(
        lambda connection, now: propose_kill(connection, key, wanted(now), tenant=tenant),
        by=by, reason=reason, dry_run=dry_run, as_json=as_json, rematch=rematch,
    )  # fmt: skip


def unkill(
    key: shared.Key,
    tenant: shared.Tenant = None,
    if_version: shared.IfVersion = None,
    reason: shared.Reason = None,
    by: By = "",
    rematch: Rematch = False,
    dry_run: shared.DryRun = False,
    as_json: shared.AsJson = False,
) -> None:
    """Lift a kill: what was in force before is again, for every moment, without what was planned."""
    from trackai_pipelines.flags.changes import propose_unkill

    wanted = shared.wanted_by(reason=reason, if_version=if_version)
    shared.make(
        lambda connection, now: propose_unkill(connection, key, wanted(now), tenant=tenant),
        by=by, reason=reason, dry_run=dry_run, as_json=as_json, rematch=rematch,
    )  # fmt: skip
