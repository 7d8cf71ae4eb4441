"""Reference values, computed elsewhere and met by the code as they are, and versions to try things with.

`hash` and `conditions` hold cases of GrowthBook's SDKs (MIT licence, GrowthBook, Inc.).
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from trackai_pipelines.flag_values.ruleset import Ruleset, Version, ruleset_of

RECORDED = datetime(2026, 3, 1, tzinfo=UTC)
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)

_STATE: dict[str, Any] = {
    "value_type": "boolean",
    "off_value": "false",
    "on_value": "true",
    "bucket_by": "targetingKey",
    "enabled": True,
    "rollout_percentage": 100,
    "killed": False,
    "client_visible": True,
    "archived": False,
    "rollouts": [],
    "requires": [],
    "segments": {},
}
_OWN: dict[str, Any] = {
    "enabled": None,
    "rollout_percentage": None,
    "value": None,
    "killed": False,
    "rollouts": [],
    "segments": {},
}


def vectors(name: str) -> Any:
    """Return the values of `vectors/<name>.json`."""
    return json.loads((Path(__file__).parent / "vectors" / f"{name}.json").read_text())


def state(**changes: Any) -> dict[str, Any]:
    """Return the state of a boolean flag that is on for everyone, with changes."""
    return {**_STATE, "salt": "flag", **changes}


def own(**changes: Any) -> dict[str, Any]:
    """Return the state of a tenant that has nothing of its own, with changes."""
    return {**_OWN, **changes}


def row(
    segment: str | None, variant: str | None, percentage: int, *, active: bool = True, value: str | None = None
) -> Any:
    """Return a rollout row of a state."""
    return {
        "user_segment": segment,
        "variant_key": variant,
        "variant_value": value,
        "percentage": percentage,
        "active": active,
    }


def attribute(condition: Mapping[str, Any]) -> dict[str, Any]:
    """Return a segment by attribute."""
    return {"kind": "attribute", "condition": condition}


def ruleset(
    flags: Mapping[str, Mapping[str, Any] | None], tenants: Mapping[tuple[str, str], Mapping[str, Any] | None] = {}
) -> Ruleset:
    """Return a ruleset of flags' states by key, and of tenants' by key and slug, all from the beginning.

    The versions are numbered in this order, from 1 on.
    """
    ids = {key: number for number, key in enumerate(flags, 1)}
    scopes = [(key, None, state) for key, state in flags.items()]
    scopes += [(key, slug, state) for (key, slug), state in tenants.items()]  # type: ignore[misc]
    return ruleset_of(
        Version(number, ids[key], key, slug, None, RECORDED, state)
        for number, (key, slug, state) in enumerate(scopes, 1)
    )


def versions(stated: Iterable[Mapping[str, Any]], key: str) -> list[Version]:
    """Return versions of one flag as reference values write them."""
    return [
        Version(
            one["id"],
            1,
            key,
            one.get("tenant"),
            moment(one["effective_from"]),
            datetime.fromisoformat(one["recorded_at"]),
            one["state"],
        )
        for one in stated
    ]


def moment(text: str | None) -> datetime | None:
    """Return a moment; None for infinity, in either direction."""
    return None if text in (None, "-infinity") else datetime.fromisoformat(text)
