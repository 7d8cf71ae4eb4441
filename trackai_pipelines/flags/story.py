"""Which value each gate had for one sale, since when, and who set it and why.

What belongs here: the gates' part of `trackai explain`, as it was decided and as it is known now where these differ.
What does not: what was decided with the values (matching/story.py, delivery/story.py).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row, dict_row

from trackai_pipelines.clock import Clock, utc_now
from trackai_pipelines.database.statements import statement
from trackai_pipelines.domain import StoryPart
from trackai_pipelines.flag_values.evaluation import evaluate
from trackai_pipelines.flag_values.gates import GATES
from trackai_pipelines.flag_values.ruleset import Ruleset, Version, ruleset_of

# Names of the moments in sale_moments.sql: the gate's value counts at the first, and was known at the second.
_MOMENTS = {
    "email_matching": ("sold_at", "decided_at"),
    "lookback_days": ("sold_at", "decided_at"),
    "dispatch_policy": ("decided_at", "decided_at"),
    "dispatch_target": ("delivered_at", "delivered_at"),
    "anonymise_after_days": ("anonymised_at", "anonymised_at"),
    "drain_batch_size": ("decided_at", "decided_at"),
}


@dataclass(frozen=True, slots=True)
class SignedVersion(Version):
    """A version with who recorded it, and why."""

    changed_by: str | None
    change_reason: str | None


@dataclass(frozen=True, slots=True)
class GateValue:
    """What a gate was for a sale, and the version that it is from; None: built in."""

    value: Any
    version: SignedVersion | None


def story(
    connection: Connection[Any], tenant_id: str, conversion_id: int, *, clock: Clock = utc_now
) -> Iterator[StoryPart]:
    """Yield the value of each gate for the sale; two lines where what is known now is not what was decided."""
    with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        given = {"tenant_id": tenant_id, "conversion_id": conversion_id, "keys": list(GATES)}
        moments = cursor.execute(statement("flags/sale_moments"), given).fetchone()
        with connection.cursor(row_factory=class_row(SignedVersion)) as signed:
            versions = signed.execute(statement("flags/gate_versions"), given).fetchall()
    if moments is None:
        return
    by_id = {version.id: version for version in versions}
    ruleset = ruleset_of(versions)
    rows: list[tuple[object, ...]] = []
    for key in GATES:
        at, decided_at = (moments[name] for name in _MOMENTS[key])
        now = value_of(ruleset, by_id, key, moments, at or clock(), None)
        then = value_of(ruleset, by_id, key, moments, at or clock(), decided_at) if decided_at else now
        name = key.removesuffix("_days").replace("_", " ")
        if then == now:
            rows.append((name, f"{_plain(key, now.value)} {_since(now)}"))
        else:
            rows.append((name, f"{_plain(key, then.value)} when decided {_since(then)}"))
            rows.append(("", f"{_plain(key, now.value)} as known now {_recorded(now)}"))
    yield StoryPart(columns=("gate", "value for this sale"), rows=rows)


def value_of(
    ruleset: Ruleset,
    by_id: Mapping[int, SignedVersion],
    key: str,
    moments: Mapping[str, Any],
    at: datetime,
    known_at: datetime | None,
) -> GateValue:
    """Return a gate's value for the sale's tenant and run at a moment, from what was recorded until `known_at`."""
    answer = evaluate(
        ruleset, key, tenant=moments["tenant"], context={"run": moments["run_id"]}, at=at, known_at=known_at
    )
    # A tenant that inherits has nothing of its own to name.
    own = by_id.get(answer.override_version)
    version = own if own is not None and own.state is not None else by_id.get(answer.flag_version)
    # A run that is not known has no bucket.
    value = GATES[key].built_in if answer.error_code else answer.value
    return GateValue(value, version)


def _plain(key: str, value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if key == "anonymise_after_days" and value in (0, "0"):
        return "as the policy says"
    return f"{value} days" if key.endswith("_days") else str(value)


def _since(found: GateValue) -> str:
    """Return e.g. `(version 41, since 2026-03-01, ana: "pilot ended")`."""
    version = found.version
    if version is None:
        return "(built in)"
    since = "the beginning" if version.effective_from is None else _moment(version.effective_from)
    return f"(version {version.id}, since {since}, {_who(version)}{_why(version)})"


def _recorded(found: GateValue) -> str:
    """Return e.g. `(version 57, recorded 2026-03-08 by ana, effective from 2026-03-02: "agreed with acme")`."""
    version = found.version
    if version is None:
        return "(built in)"
    since = "the beginning" if version.effective_from is None else _moment(version.effective_from)
    recorded = f"recorded {_moment(version.recorded_at)} by {_who(version)}"
    return f"(version {version.id}, {recorded}, effective from {since}{_why(version)})"


def _who(version: SignedVersion) -> str:
    return version.changed_by or "somebody whose entry is in the archive"


def _why(version: SignedVersion) -> str:
    return f': "{version.change_reason}"' if version.change_reason else ""


def _moment(at: datetime) -> str:
    """Return a midnight as its day alone."""
    is_midnight = at.timetz() == time(tzinfo=UTC)
    return f"{at:%Y-%m-%d}" if is_midnight else f"{at:%Y-%m-%d %H:%M:%S} UTC"
