"""`trackai flags list`, `show`, `gates` and `history`: what there is, since when, and who set it.

What belongs here: options, and what is shown. What does not: reading (listing.py), evaluation (cli_eval.py).
"""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer

from trackai_pipelines.flags import cli_options as shared
from trackai_pipelines.terminal.output import remark, results, table


def list_flags(
    stale: Annotated[
        bool, typer.Option("--stale", help="Only flags that nobody seems to need any more, and why.")
    ] = False,
    as_json: shared.AsJson = False,
) -> None:
    """List all flags with their state, the tenants that override them, and who changed them last."""
    if stale:
        _list_stale(as_json=as_json)
        return
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.flags.listing import listed_flags
    from trackai_pipelines.flags.wording import in_words

    with shared.asked() as connection:
        flags = listed_flags(connection, utc_now())
    if as_json:
        _echo({"flags": [asdict(one) for one in flags]})
        return
    columns = ("flag", "state", "category", "tenants", "planned", "owner", "changed", "by")
    rows = [
        (one.key, in_words(one.state), one.category, one.overrides, one.plans, one.owner_email, one.changed_at,
         one.changed_by)
        for one in flags
    ]  # fmt: skip
    results().print(table(columns, rows))


def _list_stale(*, as_json: bool) -> None:
    from trackai_pipelines.flags.stale import stale_flags

    with shared.asked() as connection:
        flags = stale_flags(connection)
    if as_json:
        _echo({"flags": [asdict(one) for one in flags]})
    elif not flags:
        remark("No flag is stale.")
    else:
        rows = [(one.key, one.why, one.since, one.checks_30d, one.last_checked_at, one.owner_email) for one in flags]
        results().print(table(("flag", "why", "since", "checks of 30 days", "last check", "owner"), rows))


def show(key: shared.Key, as_json: shared.AsJson = False) -> None:
    """Show a flag: what it is, its state and groups, its overrides, and what is planned."""
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.flags.listing import history_of, overrides_of
    from trackai_pipelines.flags.scopes import the_flag
    from trackai_pipelines.flags.states import WHOLE, groups
    from trackai_pipelines.flags.wording import in_words, moment_in_words

    now = utc_now()
    with shared.asked() as connection:
        flag = the_flag(connection, key)
        history = [one for one in history_of(connection, flag, None) if one.tenant_id is None]
        overrides = overrides_of(connection, flag, now)
    present = next((one for one in history if one.when(now) == "in force"), None)
    planned = [one for one in history if one.when(now) == "planned"]
    if as_json:
        _echo(
            asdict(flag)
            | {"state": present.state if present else flag.state, "version": present.id if present else 0}
            | {"overrides": [asdict(one) for one in overrides], "planned": [asdict(one) for one in planned]}
        )
        return
    state = (present.state if present else None) or flag.state
    facts = [
        ("state", in_words(state)),
        (
            "version",
            f"{present.id}, since {moment_in_words(present.effective_from)}, {present.changed_by}" if present else None,
        ),
        ("why", present.change_reason if present else None),
        ("is", f"{flag.name}: {flag.description or 'not described'}"),
        ("category", flag.category + (f"; a gate, timed by {flag.gate.timed_by}" if flag.gate else "")),
        ("owner", flag.owner_email),
        ("values", f"{state['value_type']}: {state['off_value']!r} off, {state['on_value']!r} on"),
        ("divided by", f"{state['bucket_by']}, salt {state['salt']}"),
        ("requires", ", ".join(state["requires"]) or None),
        ("apps see it", "yes" if state["client_visible"] else "no"),
        ("goes", "never" if flag.permanent else flag.expires_on and str(flag.expires_on)),
    ]
    results().print(table((key, ""), [fact for fact in facts if fact[1] is not None]))
    rows = [
        (
            segment or "everyone",
            row["variant_key"] or WHOLE,
            f"{row['percentage']} %",
            row["variant_value"],
            row["active"],
        )
        for segment, of_group in groups(state).items()
        for row in of_group
    ]
    if rows:
        results().print(table(("group", "variant", "weight", "value", "active"), rows))
    if overrides:
        results().print(
            table(
                ("tenant", "override", "version", "from", "until", "by", "why"),
                [
                    (one.slug, in_words(one.state), str(one.version), moment_in_words(one.effective_from),
                     one.effective_to, one.changed_by, one.change_reason)
                    for one in overrides
                ],
            )
        )  # fmt: skip
    for one in planned:
        remark(
            f"Planned: {in_words(one.state)} from {moment_in_words(one.effective_from)} (version {one.id}, "
            f"{one.changed_by})."
        )


def gates(as_json: shared.AsJson = False) -> None:
    """List the flags that the pipeline itself reads: what each switches, its built-in value, and its state."""
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.flag_values.gates import GATES
    from trackai_pipelines.flags.listing import listed_flags
    from trackai_pipelines.flags.wording import in_words

    with shared.asked() as connection:
        known = {one.key: one for one in listed_flags(connection, utc_now())}
    if as_json:
        _echo(
            {
                "gates": [
                    asdict(gate) | {"state": known[gate.key].state if gate.key in known else None}
                    | {"overrides": known[gate.key].overrides if gate.key in known else 0}
                    for gate in GATES.values()
                ]
            }
        )  # fmt: skip
        return
    rows = [
        (gate.key, gate.value_type, gate.built_in, in_words(known[gate.key].state) if gate.key in known else "built in",
         known[gate.key].overrides if gate.key in known else 0, gate.timed_by, gate.says)
        for gate in GATES.values()
    ]  # fmt: skip
    results().print(table(("gate", "type", "built in", "state", "tenants", "timed by", "what it switches"), rows))


def history(key: shared.Key, tenant: shared.Tenant = None, as_json: shared.AsJson = False) -> None:
    """Show every version of a flag and of its overrides: from when, by whom and why.

    A version that is in force at no moment, because a later one replaced it, is marked as cancelled.
    """
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.flags.listing import history_of
    from trackai_pipelines.flags.scopes import the_flag, the_tenant
    from trackai_pipelines.flags.wording import in_words, moment_in_words

    now = utc_now()
    with shared.asked() as connection:
        flag = the_flag(connection, key)
        found = history_of(connection, flag, the_tenant(connection, tenant) if tenant else None)
    if as_json:
        _echo({"key": key, "versions": [asdict(one) | {"when": one.when(now)} for one in found]})
        return
    if not found:
        remark(f"{tenant or key} has no version of {key}: nothing was ever set here.")
        return
    rows = [
        (str(one.id), one.slug, in_words(one.state) if one.state or one.tenant_id else "deleted",
         moment_in_words(one.effective_from), one.when(now), one.recorded_at, one.changed_by, one.change_reason)
        for one in found
    ]  # fmt: skip
    results().print(table(("version", "tenant", "state", "from", "", "recorded", "by", "why"), rows))


def _echo(found: Any) -> None:
    typer.echo(json.dumps(found, ensure_ascii=False, default=_plain))


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
