"""`trackai flags create`, `set`, `variant` and `archive`: changes of a flag for all tenants.

What belongs here: options. What does not: what they make of a state (altering.py), and recording it (changes.py).
"""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from trackai_pipelines.flags import cli_options as shared
from trackai_pipelines.flags.cli_sales import Rematch
from trackai_pipelines.terminal.authors import By, login
from trackai_pipelines.terminal.days import DAY_FORMAT
from trackai_pipelines.terminal.failures import usage

if TYPE_CHECKING:
    from psycopg import Connection

    from trackai_pipelines.flags.changes import Proposal

_Category = Annotated[
    Literal["UI", "Advanced", "Experimental", "Rollout"] | None, typer.Option(help="What kind of flag it is.")
]
_Name = Annotated[str | None, typer.Option(help="Shown to people.")]
_Description = Annotated[str | None, typer.Option(help="What it switches.")]
_Owner = Annotated[str | None, typer.Option(metavar="EMAIL", help="The address of the team that owns it.")]
_ExpiresOn = Annotated[
    datetime | None,
    typer.Option(formats=DAY_FORMAT, metavar="DAY", help="When it should be removed; it is stale after."),
]
_Permanent = Annotated[bool | None, typer.Option(help="It stays, so it is never stale.")]
_TrackExposures = Annotated[bool | None, typer.Option(help="Keep which user was served which variant, for 400 days.")]
_ClientVisible = Annotated[bool | None, typer.Option(help="Whether keys of web and mobile apps may ask for it.")]
_On = Annotated[bool | None, typer.Option("--on/--off", help="Switch it on or off.")]
_Percentage = Annotated[int | None, typer.Option(min=0, max=100, help="The share that is served.")]
_OffValue = Annotated[str | None, typer.Option(help="What is served where it is off.")]
_OnValue = Annotated[str | None, typer.Option(help="What is served where it is on and has no variants.")]
_BucketBy = Annotated[
    str | None, typer.Option(metavar="ATTRIBUTE", help="What is divided: targetingKey, tenant, run, or an attribute.")
]
_Salt = Annotated[str | None, typer.Option(help="What is hashed with the unit; the key at first.")]
_Requires = Annotated[
    list[str] | None, typer.Option("--requires", metavar="KEY", help="A flag that has to be on; may be repeated.")
]


def create(
    key: shared.Key,
    name: _Name = None,
    description: _Description = None,
    category: _Category = None,
    owner: _Owner = None,
    value_type: Annotated[
        Literal["boolean", "string", "integer", "number", "json"],
        typer.Option("--type", help="Type of its values."),
    ] = "boolean",
    off_value: _OffValue = None,
    on_value: _OnValue = None,
    on: _On = None,
    percentage: _Percentage = None,
    bucket_by: _BucketBy = None,
    salt: _Salt = None,
    requires: _Requires = None,
    client_visible: _ClientVisible = None,
    permanent: _Permanent = None,
    track_exposures: _TrackExposures = None,
    expires_on: _ExpiresOn = None,
    reason: shared.Reason = None,
    by: By = "",
    as_json: shared.AsJson = False,
) -> None:
    """Create a flag; it is off unless you say otherwise. A key that was ever used is never used again."""
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.flags.creating import NewFlag, create_flag
    from trackai_pipelines.flags.recording import Author, writing

    state = shared.given(
        off_value=off_value,
        on_value=on_value,
        enabled=on,
        rollout_percentage=percentage,
        bucket_by=bucket_by,
        salt=salt,
        client_visible=client_visible,
        requires=requires,
    )
    flag = NewFlag(
        key=key,
        name=name or key,
        category=category or "Experimental",
        value_type=value_type,
        state=state,
        described=_described(description, owner, expires_on, permanent, track_exposures),
    )
    with shared.asked() as connection, writing(connection, utc_now) as now:
        proposal, versions = create_flag(connection, flag, Author(by or login(), reason), now)
    shared.show(proposal, versions, as_json=as_json)


def set_flag(
    key: shared.Key,
    on: _On = None,
    percentage: _Percentage = None,
    off_value: _OffValue = None,
    on_value: _OnValue = None,
    bucket_by: _BucketBy = None,
    salt: _Salt = None,
    requires: _Requires = None,
    no_requires: Annotated[
        list[str] | None, typer.Option("--no-requires", metavar="KEY", help="A flag that need not be on any more.")
    ] = None,
    client_visible: _ClientVisible = None,
    name: _Name = None,
    description: _Description = None,
    category: _Category = None,
    owner: _Owner = None,
    expires_on: _ExpiresOn = None,
    permanent: _Permanent = None,
    track_exposures: _TrackExposures = None,
    to_version: shared.ToVersion = None,
    tenant: Annotated[
        str | None, typer.Option(metavar="TENANT", help="With --to-version: the tenant whose version it is.")
    ] = None,
    effective_from: shared.EffectiveFrom = None,
    if_version: shared.IfVersion = None,
    reshuffle: shared.Reshuffle = False,
    reason: shared.Reason = None,
    by: By = "",
    rematch: Rematch = False,
    dry_run: shared.DryRun = False,
    as_json: shared.AsJson = False,
) -> None:
    """Change a flag for all tenants, now or at another moment; what is not given stays.

    A change cancels what was planned for the time after it, and says so. One that changes nothing writes nothing.
    """
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.flags.altering import back_to, set_fields
    from trackai_pipelines.flags.changes import propose
    from trackai_pipelines.flags.creating import describe
    from trackai_pipelines.flags.recording import Author, writing
    from trackai_pipelines.flags.scopes import scope_versions

    fields = shared.given(
        enabled=on,
        rollout_percentage=percentage,
        off_value=off_value,
        on_value=on_value,
        bucket_by=bucket_by,
        salt=salt,
        client_visible=client_visible,
    )
    described = shared.given(name=name, category=category) | _described(
        description, owner, expires_on, permanent, track_exposures
    )
    changes_state = bool(fields or requires or no_requires)
    if to_version is not None and (changes_state or described):
        raise usage("--to-version goes back to a whole state; change something else in a second step")
    if tenant is not None and to_version is None:
        raise usage(f"a tenant's own values are set by `trackai flags override {key} {tenant}`")
    author = Author(by or login(), reason)
    if to_version is None and not changes_state:
        if not described:
            raise shared.nothing_given("set")
        with shared.asked() as connection, writing(connection, utc_now, dry_run=dry_run) as now:
            changed = describe(connection, key, described, author, now)
        shared.show_described(key, changed, dry_run=dry_run, as_json=as_json)
        return
    wanted = shared.wanted_by(reason=reason, effective_from=effective_from, if_version=if_version, reshuffle=reshuffle)

    def propose_set(connection: "Connection[Any]", now: datetime) -> "Proposal":
        if described:
            describe(connection, key, described, author, now)
        alter = (
            set_fields(fields, requires=requires or (), no_requires=no_requires or ())
            if to_version is None
            else back_to(scope_versions(connection, key, tenant), to_version, tenant=tenant is not None)
        )
        return propose(connection, key, alter, wanted(now), tenant=tenant)

    shared.make(propose_set, by=by, reason=reason, dry_run=dry_run, as_json=as_json, rematch=rematch)


def variant(
    key: shared.Key,
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="The variant; `on` is the one row of a segment that has no variants."),
    ],
    weight: Annotated[
        int | None, typer.Option(min=0, max=100, help="Its share in per cent, before the flag's own percentage.")
    ] = None,
    value: Annotated[str | None, typer.Option(help="What it serves; a boolean or text flag needs none.")] = None,
    segment: Annotated[str | None, typer.Option(metavar="SEGMENT", help="Only for users of this segment.")] = None,
    tenant: shared.Tenant = None,
    active: Annotated[
        bool | None, typer.Option("--active/--inactive", help="An inactive one keeps its place and serves nothing.")
    ] = None,
    position: Annotated[
        int | None, typer.Option(min=0, help="Its place among all rows, from 0; segments are asked in this order.")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Remove it.")] = False,
    effective_from: shared.EffectiveFrom = None,
    if_version: shared.IfVersion = None,
    reshuffle: shared.Reshuffle = False,
    reason: shared.Reason = None,
    by: By = "",
    dry_run: shared.DryRun = False,
    as_json: shared.AsJson = False,
) -> None:
    """Add, change or remove a variant, or the share of a segment; a tenant's own rows replace those of all."""
    from trackai_pipelines.flags.altering import change_row
    from trackai_pipelines.flags.changes import propose

    if not remove and not shared.given(weight=weight, value=value, active=active, position=position):
        raise shared.nothing_given("variant")
    wanted = shared.wanted_by(reason=reason, effective_from=effective_from, if_version=if_version, reshuffle=reshuffle)
    alter = change_row(name, segment, weight=weight, value=value, active=active, position=position, remove=remove)
    shared.make(
        lambda connection, now: propose(connection, key, alter, wanted(now), tenant=tenant),
        by=by, reason=reason, dry_run=dry_run, as_json=as_json,
    )  # fmt: skip


def archive(
    key: shared.Key,
    effective_from: shared.EffectiveFrom = None,
    if_version: shared.IfVersion = None,
    reason: shared.Reason = None,
    by: By = "",
    dry_run: shared.DryRun = False,
    as_json: shared.AsJson = False,
) -> None:
    """Archive a flag: callers get their own default. Its history stays, and its key is never used again."""
    from trackai_pipelines.flags.altering import set_fields
    from trackai_pipelines.flags.changes import propose

    wanted = shared.wanted_by(reason=reason, effective_from=effective_from, if_version=if_version)
    shared.make(
        lambda connection, now: propose(connection, key, set_fields({"archived": True}), wanted(now)),
        by=by, reason=reason, dry_run=dry_run, as_json=as_json,
    )  # fmt: skip


def _described(
    description: str | None,
    owner: str | None,
    expires_on: datetime | None,
    permanent: bool | None,
    track_exposures: bool | None,
) -> dict[str, Any]:
    return shared.given(
        description=description,
        owner_email=owner,
        expires_on=expires_on.date() if expires_on else None,
        permanent=permanent,
        track_exposures=track_exposures,
    )
