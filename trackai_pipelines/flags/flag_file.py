"""Flags as a file that people review: what is in it, and how it is written and read.

What belongs here: the form of the file. What does not: applying one (applying.py). A file says everything of its flags:
what is left out is the default, but for overrides, which stay as they are where a flag names none. Kills, plans and
history stay where they are.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal

import msgspec
from psycopg import Connection
from psycopg.rows import class_row

from trackai_pipelines.database.statements import statement
from trackai_pipelines.flags.listing import overrides_of
from trackai_pipelines.flags.rules import FlagRefusedError
from trackai_pipelines.flags.scopes import KnownFlag, flag_state_at
from trackai_pipelines.flags.states import State

FORM: Literal["trackai-flags/1"] = "trackai-flags/1"


class FileRow(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A variant, or the share of a segment."""

    segment: str | None = None
    variant: str | None = None
    percentage: int
    value: str | None = None
    active: bool = True


class FileSegment(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A segment; `asks` is its condition, or what its members have bought."""

    name: str
    kind: Literal["attribute", "list", "conversions"]
    asks: dict[str, Any] | None = None


class FileOverride(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What a tenant sets differently."""

    enabled: bool | None = None
    rollout_percentage: int | None = None
    value: str | None = None
    rollouts: list[FileRow] = []
    until: datetime | None = None


class FileFlag(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A flag."""

    key: str
    name: str
    description: str | None = None
    category: Literal["UI", "Advanced", "Experimental", "Rollout"]
    owner_email: str | None = None
    value_type: Literal["boolean", "string", "integer", "number", "json"] = "boolean"
    off_value: str = "false"
    on_value: str = "true"
    enabled: bool = False
    rollout_percentage: int = 100
    bucket_by: str = "targetingKey"
    salt: str | None = None
    client_visible: bool = True
    permanent: bool = False
    track_exposures: bool = False
    expires_on: date | None = None
    requires: list[str] = []
    rollouts: list[FileRow] = []
    overrides: dict[str, FileOverride | None] = {}
    """By slug; None: the tenant inherits everything."""


class FlagFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The file."""

    form: Literal["trackai-flags/1"]
    segments: list[FileSegment] = []
    flags: list[FileFlag]


def read_file(text: bytes) -> FlagFile:
    """Return what a file says. Raises FlagRefusedError with the place of what is wrong."""
    try:
        return msgspec.json.decode(text, type=FlagFile)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FlagRefusedError(f"That is not a file of flags: {error}. `trackai flags export` writes one.") from None


def written(file: FlagFile) -> str:
    """Return the text of a file."""
    return msgspec.json.format(msgspec.json.encode(file), indent=2).decode() + "\n"


def exported(connection: Connection[Any], now: datetime, *, tenants: bool) -> FlagFile:
    """Return all flags as they are in force now, with the overrides of tenants if they are wanted."""
    with connection.cursor(row_factory=class_row(KnownFlag)) as cursor:
        flags = cursor.execute(statement("flags/export_flags")).fetchall()
    segments = connection.execute(statement("flags/all_segments")).fetchall()
    return FlagFile(
        form=FORM,
        segments=[FileSegment(name=name, kind=kind, asks=asks) for name, kind, asks in segments],
        flags=[
            _exported(flag, flag_state_at(connection, flag, now), _overrides(connection, flag, now) if tenants else {})
            for flag in flags
        ],
    )


def state_of_flag(flag: FileFlag) -> State:
    """Return the fields of a state that a file sets."""
    return {
        "off_value": flag.off_value,
        "on_value": flag.on_value,
        "enabled": flag.enabled,
        "rollout_percentage": flag.rollout_percentage,
        "bucket_by": flag.bucket_by,
        "salt": flag.key if flag.salt is None else flag.salt,
        "client_visible": flag.client_visible,
        "requires": flag.requires,
        "rollouts": rows_of(flag.rollouts),
    }


def rows_of(rows: Sequence[FileRow]) -> list[State]:
    """Return the rollouts of a state."""
    return [
        {
            "user_segment": row.segment,
            "variant_key": row.variant,
            "variant_value": row.value,
            "percentage": row.percentage,
            "active": row.active,
        }
        for row in rows
    ]


def _exported(flag: KnownFlag, state: State, overrides: Mapping[str, FileOverride]) -> FileFlag:
    same_names = ("value_type", "off_value", "on_value", "enabled", "rollout_percentage", "bucket_by", "client_visible")
    return FileFlag(
        key=flag.key,
        name=flag.name,
        description=flag.description,
        category=flag.category,  # type: ignore[arg-type]
        owner_email=flag.owner_email,
        salt=None if state["salt"] == flag.key else state["salt"],
        permanent=flag.permanent,
        track_exposures=flag.track_exposures,
        expires_on=flag.expires_on,
        requires=state["requires"],
        rollouts=_file_rows(state),
        overrides=dict(overrides),
        **{name: state[name] for name in same_names},
    )


def _overrides(connection: Connection[Any], flag: KnownFlag, now: datetime) -> dict[str, FileOverride]:
    present = [
        one for one in overrides_of(connection, flag, now) if one.effective_from is None or one.effective_from <= now
    ]
    names = ("enabled", "rollout_percentage", "value")
    return {
        one.slug: FileOverride(
            **{name: one.state[name] for name in names}, rollouts=_file_rows(one.state), until=one.effective_to
        )
        for one in present
        # A tenant that is killed and nothing else says nothing here.
        if one.state["rollouts"] or any(one.state[name] is not None for name in names)
    }


def _file_rows(state: State) -> list[FileRow]:
    return [
        FileRow(
            segment=row["user_segment"],
            variant=row["variant_key"],
            percentage=row["percentage"],
            value=row["variant_value"],
            active=row["active"],
        )
        for row in state["rollouts"]
    ]
