"""What is known of users who checked a flag, and what they may be served.

Contexts are not kept. A user's newest check says which segment decided and which bucket the unit had; what it does not
say stays unknown. What belongs here: that knowledge, and the values that are possible under it. What does not:
comparing two states (preview.py).
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from trackai_pipelines.flag_values.bucketing import bucket_after
from trackai_pipelines.flag_values.decisions import FlagDecision, Group
from trackai_pipelines.flag_values.evaluation import TARGETING_KEY
from trackai_pipelines.flag_values.stored import is_hashed
from trackai_pipelines.flags.states import same

# More than one value is possible where nothing is known.
_ANYTHING = frozenset((object(), object()))

Possible = frozenset[Any]
Decide = Callable[[str], FlagDecision]
"""The decision of a flag for the tenant that is looked at."""


class CheckedUser(NamedTuple):
    """The newest check of a flag by a user."""

    tenant_id: str
    user_id: str
    flag_id: int
    flag_version: int
    override_version: int
    user_segment: str | None
    reason: str | None
    bucket: int | None
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Membership:
    """Which segments a check says that its user is in, or is not; each with the condition that was asked."""

    groups: Mapping[str, tuple[bool, Group]] = field(default_factory=dict)

    def says(self, group: Group) -> bool | None:
        """Return whether the user is in a group's segment; None: not known."""
        found = self.groups.get(group.segment or "")
        return found[0] if found and same(found[1].condition, group.condition) else None


def membership_of(check: CheckedUser, decision: FlagDecision) -> Membership:
    """Return what a check says about segments; `decision` is the one that answered it."""
    if check.reason not in ("SPLIT", "TARGETING_MATCH", "DEFAULT", "STATIC") or decision.decided is not None:
        return Membership()
    found: dict[str, tuple[bool, Group]] = {}
    for group in decision.groups:
        if group.segment is not None and group.kind == "attribute":
            found[group.segment] = (group.segment == check.user_segment, group)
        if group.segment == check.user_segment:
            break
    return Membership(found)


@dataclass(frozen=True, slots=True)
class KnownUser:
    """A user of a tenant, with what each flag's check says."""

    tenant_id: str
    slug: str
    user_id: str
    checks: Mapping[str, tuple[CheckedUser, FlagDecision, Membership]]
    """By flag: the newest check, the decision that answered it, and what that says about segments."""
    members: Mapping[tuple[str, str], Collection[str]]
    """Users by tenant's id and segment, of segments with members."""

    def possible(self, key: str, decide: Decide, path: tuple[str, ...] = ()) -> Possible:
        """Return the values that a flag may have for the user: one where enough is known."""
        decision = decide(key)
        if decision.always is not None:
            return frozenset((decision.always.value,))
        found: Possible = frozenset()
        for required in decision.requires:
            if required in path or required == key:
                return frozenset((decision.off.value,))
            needed = self.possible(required, decide, (*path, key))
            if True not in needed:
                return frozenset((decision.off.value,))
            if len(needed) > 1:
                found |= {decision.off.value}
        if decision.decided is not None:
            return found | {decision.decided.value}
        for group in decision.groups:
            inside = self._is_in(key, group)
            if inside is not False:
                found |= self._served(key, decision, group)
            if inside:
                break
        return found

    def _is_in(self, key: str, group: Group) -> bool | None:
        if group.segment is None:
            return True
        if group.kind != "attribute":
            return self.user_id in self.members.get((self.tenant_id, group.segment), ())
        return self.checks[key][2].says(group) if key in self.checks else None

    def _served(self, key: str, decision: FlagDecision, group: Group) -> Possible:
        if group.answer is not None:
            return frozenset((group.answer.value,))
        bucket = self._bucket(key, decision)
        return _ANYTHING if bucket is None else frozenset((decision.in_bucket(group, bucket).value,))

    def _bucket(self, key: str, decision: FlagDecision) -> int | None:
        if key in self.checks:
            check, then, _ = self.checks[key]
            if check.bucket is not None and (then.salt, then.bucket_by) == (decision.salt, decision.bucket_by):
                return check.bucket
        if decision.bucket_by == "tenant":
            return bucket_after(decision.salted, self.slug)
        if decision.bucket_by == TARGETING_KEY and not is_hashed(self.user_id):
            return bucket_after(decision.salted, self.user_id)
        return None
