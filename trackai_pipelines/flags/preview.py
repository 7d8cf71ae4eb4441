"""What a change would do to the users of the last 30 days, and to tenants: nothing is guessed.

What belongs here: reading who checked a flag, and comparing the states before and after. What does not: what is known
of a user (known_users.py), and the change (changes.py).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from psycopg import Connection

from trackai_pipelines.database.statements import statement
from trackai_pipelines.flag_values.decisions import FlagDecision, decision_of
from trackai_pipelines.flag_values.evaluation import evaluate
from trackai_pipelines.flag_values.ruleset import Ruleset, Version, ruleset_of
from trackai_pipelines.flag_values.source import Snapshot, read_snapshot
from trackai_pipelines.flags.changes import Proposal
from trackai_pipelines.flags.known_users import CheckedUser, Decide, KnownUser, Membership, membership_of
from trackai_pipelines.flags.states import State

DAYS = 30
"""How far back users are looked at: usage stays so long."""

GAIN, LOSE, SWITCH, UNKNOWN = "gain", "lose", "switch", "unknown"


@dataclass(frozen=True, slots=True)
class TenantPreview:
    """What changes for the users of a tenant."""

    slug: str
    users: int
    """Who checked the flag in the last 30 days."""
    gain: int
    lose: int
    switch: int
    unknown: int
    conversions: int
    """Of those who gain, lose or switch, in the last 30 days."""
    value: Mapping[str, Decimal]
    """Of these conversions, by currency."""


@dataclass(frozen=True, slots=True)
class GatePreview:
    """What changes for a tenant, where the tenant itself is the unit."""

    slug: str
    before: Any
    after: Any
    conversions_a_day: float


@dataclass(frozen=True, slots=True)
class Preview:
    """What a change would do: to users of flags, or to tenants where the tenant is the unit."""

    tenants: Sequence[TenantPreview] = ()
    gates: Sequence[GatePreview] = ()
    users: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """By tenant's id and user: gain, lose, switch or unknown; nothing for those whom it does not concern."""

    @property
    def said(self) -> str:
        """How many users another value is served to, in words."""
        moved = sum(one.gain + one.lose + one.switch for one in self.tenants)
        unknown = sum(one.unknown for one in self.tenants)
        return (
            f"{moved:,} of {sum(one.users for one in self.tenants):,} users of {DAYS} days are served another value"
            + (f"; of {unknown:,} it is not known" if unknown else "")
        )

    def plain(self) -> dict[str, Any]:
        """Return it as plain data; values of money are texts."""
        return {
            "tenants": [
                asdict(one) | {"value": {currency: str(value) for currency, value in one.value.items()}}
                for one in self.tenants
            ],
            "gates": [asdict(one) for one in self.gates],
        }


def preview(connection: Connection[Any], proposal: Proposal) -> Preview:
    """Return what a proposed change would do, from the moment that it is effective from."""
    worlds = _worlds(read_snapshot(connection), proposal)
    if proposal.flag.gate is not None:
        return Preview(gates=tuple(_tenants_that_change(connection, proposal, worlds)))
    return _users_that_change(connection, proposal, worlds)


@dataclass(frozen=True, slots=True)
class _Worlds:
    """All flags as they are and as they would be."""

    snapshot: Snapshot
    before: Ruleset
    after: Ruleset
    at: datetime


def _worlds(snapshot: Snapshot, proposal: Proposal) -> _Worlds:
    at = proposal.effective_from or proposal.now
    slug = proposal.tenant.slug if proposal.tenant else None
    proposed = [
        Version(snapshot.mark.version + number, proposal.flag.id, proposal.flag.key, slug, start, proposal.now, state)
        for number, (start, state) in enumerate(proposal.records, start=1)
    ]
    return _Worlds(snapshot, snapshot.ruleset, ruleset_of([*snapshot.versions, *proposed]), max(at, proposal.now))


def _tenants_that_change(connection: Connection[Any], proposal: Proposal, worlds: _Worlds) -> Iterator[GatePreview]:
    key = proposal.flag.key
    given = {
        "first": proposal.now.date() - timedelta(days=DAYS),
        "tenant_id": proposal.tenant.id if proposal.tenant else None,
    }
    for slug, conversions in connection.execute(statement("flags/conversions_of_tenants"), given).fetchall():
        before, after = (
            evaluate(ruleset, key, tenant=slug, context={}, at=worlds.at).value
            for ruleset in (worlds.before, worlds.after)
        )
        if before != after:
            yield GatePreview(slug, before, after, float(conversions) / DAYS)


def _users_that_change(connection: Connection[Any], proposal: Proposal, worlds: _Worlds) -> Preview:
    since = proposal.now - timedelta(days=DAYS)
    key = proposal.flag.key
    seen: Counter[str] = Counter()
    changes: dict[tuple[str, str], str] = {}
    slugs = {tenant.id: tenant.slug for tenant in worlds.snapshot.tenants.values()}
    deciding: dict[str, tuple[Decide, Decide]] = {}
    for user in _known_users(connection, proposal, worlds, since, slugs):
        if user.slug not in deciding:
            deciding[user.slug] = (
                _decide(worlds.before, user.slug, worlds.at),
                _decide(worlds.after, user.slug, worlds.at),
            )
        before, after = deciding[user.slug]
        seen[user.tenant_id] += 1
        change = _change(user, key, before, after)
        if change is not None:
            changes[user.tenant_id, user.user_id] = change
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for (tenant_id, _), change in changes.items():
        counts[tenant_id][change] += 1
    sales = _conversions(connection, [place for place, change in changes.items() if change != UNKNOWN], since)
    tenants = [
        TenantPreview(
            slug=slugs[tenant_id],
            users=users,
            gain=counts[tenant_id][GAIN],
            lose=counts[tenant_id][LOSE],
            switch=counts[tenant_id][SWITCH],
            unknown=counts[tenant_id][UNKNOWN],
            conversions=sum(count for count, _ in sales[tenant_id].values()),
            value={currency: value for currency, (_, value) in sales[tenant_id].items()},
        )
        for tenant_id, users in sorted(seen.items(), key=lambda one: slugs[one[0]])
    ]
    return Preview(tenants=tenants, users=changes)


def _change(user: KnownUser, key: str, before: Decide, after: Decide) -> str | None:
    """Return whether a user gains, loses or switches a value; None where it stays."""
    then, now = before(key), after(key)
    was, becomes = user.possible(key, before), user.possible(key, after)
    if len(was) > 1 or len(becomes) > 1:
        return UNKNOWN
    (old,), (new,) = was, becomes
    if old == new:
        return None
    if old == then.off.value:
        return GAIN if new != now.off.value else SWITCH
    return LOSE if new == now.off.value else SWITCH


def _decide(ruleset: Ruleset, slug: str, at: datetime) -> Decide:
    return cache(lambda key: ruleset.decision(key, slug, at))


def _known_users(
    connection: Connection[Any], proposal: Proposal, worlds: _Worlds, since: datetime, slugs: Mapping[str, str]
) -> Iterator[KnownUser]:
    """Yield the users who checked the flag, with what their checks of it and of the flags that it requires say."""
    flags = _with_required(worlds, proposal)
    keys = {worlds.snapshot.flag_ids[key]: key for key in flags if key in worlds.snapshot.flag_ids}
    tenant_id = proposal.tenant.id if proposal.tenant else None
    members = _members(connection, flags, worlds, tenant_id)
    versions = {version.id: version for version in worlds.snapshot.versions}
    given = {"since": since, "flags": list(keys), "tenant_id": tenant_id}

    @cache
    def answered(flag_id: int, flag_version: int, override_version: int) -> FlagDecision:
        flag, override = versions.get(flag_version), versions.get(override_version)
        return decision_of(keys[flag_id], flag.state if flag else None, override.state if override else None, 0, 0)

    @cache
    def said(flag_id: int, flag_version: int, override_version: int, segment: str | None, reason: str) -> Membership:
        decision = answered(flag_id, flag_version, override_version)
        return membership_of(
            CheckedUser("", "", flag_id, flag_version, override_version, segment, reason, None, proposal.now), decision
        )

    for (of_tenant, user_id), checks in _newest_checks(connection, given).items():
        by_key = {
            keys[flag_id]: (
                check,
                answered(*check[2:5]),
                said(*check[2:5], check.user_segment, check.reason or ""),
            )
            for flag_id, check in checks.items()
        }
        if proposal.flag.key in by_key and of_tenant in slugs:
            yield KnownUser(of_tenant, slugs[of_tenant], user_id, by_key, members)


def _newest_checks(
    connection: Connection[Any], given: Mapping[str, Any]
) -> dict[tuple[str, str], dict[int, CheckedUser]]:
    """Return by tenant and user the newest check of each flag; of one moment, that of the newest version."""
    with connection.transaction():
        # 100,000 users are grouped in memory, and not on disk.
        connection.execute("SET LOCAL work_mem = '64MB'")
        rows = connection.execute(statement("flags/preview_users"), given).fetchall()
    found: dict[tuple[str, str], dict[int, CheckedUser]] = {}
    for check in map(CheckedUser._make, rows):
        of_user = found.setdefault(check[:2], {})
        known = of_user.get(check.flag_id)
        if known is None or (known.last_at, known.flag_version) < (check.last_at, check.flag_version):
            of_user[check.flag_id] = check
    return found


def _with_required(worlds: _Worlds, proposal: Proposal) -> set[str]:
    """Return the flag and those that it requires, in either world, at any depth."""
    found, left = set(), [proposal.flag.key]
    while left:
        key = left.pop()
        if key in found:
            continue
        found.add(key)
        for ruleset in (worlds.before, worlds.after):
            left += ruleset.decision(key, None, worlds.at).requires
        state = proposal.after if key == proposal.flag.key and proposal.tenant is None else None
        left += (state or {}).get("requires", [])
    return found


def _members(
    connection: Connection[Any], flags: Iterable[str], worlds: _Worlds, tenant_id: str | None
) -> dict[tuple[str, str], set[str]]:
    segments = {
        name
        for ruleset in (worlds.before, worlds.after)
        for key in flags
        for version in _all_versions(ruleset, key)
        for name, segment in _segments(version.state).items()
        if segment["kind"] != "attribute"
    }
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    if segments:
        given = {"segments": sorted(segments), "tenant_id": tenant_id}
        for of_tenant, segment, user in connection.execute(statement("flags/preview_members"), given):
            found[of_tenant, segment].add(user)
    return found


def _all_versions(ruleset: Ruleset, key: str) -> Iterator[Version]:
    flag = ruleset.flags.get(key)
    if flag is not None:
        yield from flag.everyone
        for own in flag.tenants.values():
            yield from own


def _segments(state: Mapping[str, Any] | None) -> Mapping[str, State]:
    found: Mapping[str, State] = (state or {}).get("segments", {})
    return found


def _conversions(
    connection: Connection[Any], users: Sequence[tuple[str, str]], since: datetime
) -> Mapping[str, dict[str, tuple[int, Decimal]]]:
    """Return by tenant and currency how many conversions users had, and their value."""
    found: dict[str, dict[str, tuple[int, Decimal]]] = defaultdict(dict)
    if users:
        given = {"tenants": [one for one, _ in users], "users": [one for _, one in users], "since": since}
        for tenant_id, currency, count, value in connection.execute(statement("flags/preview_conversions"), given):
            found[tenant_id][currency] = (count, value)
    return found
