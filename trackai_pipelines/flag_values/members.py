"""Who is in a segment by list or by conversions.

What belongs here: the members that are kept in memory, and how the others are looked up. What does not: when they are
read again (`feed`), and who becomes a member.

Small segments of tenants are kept whole, up to MOST_KEPT members of all together, so that a check needs no statement.
A user of a larger one is looked up by a statement at each check: by the primary key, in well below a millisecond.
"""

import threading
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import Connection

from trackai_pipelines.database.statements import statement
from trackai_pipelines.flag_values.stored import is_hashed, stored_key

MOST_KEPT = 100_000
"""Members in memory: about 10 MB, read in a tenth of a second, during which no change of a flag is seen."""

Place = tuple[str, str]
"""A tenant's slug and a segment."""


@dataclass(frozen=True, slots=True)
class FlagTenant:
    """What evaluation, and storing what it did, need of a tenant."""

    id: str
    slug: str
    default_country: str | None


@dataclass(frozen=True, slots=True)
class Members:
    """The members of segments, as far as they are kept."""

    segments: frozenset[str] = frozenset()
    """The segments that were asked for."""
    kept: Mapping[Place, Container[str]] = field(default_factory=dict)
    large: frozenset[Place] = frozenset()
    known: bool = True
    """False where the database was not asked: then everybody has to be looked up."""
    asks: bool = field(init=False)
    """Whether there are users who have to be looked up."""

    def __post_init__(self) -> None:
        # Kept, because every check asks.
        object.__setattr__(self, "asks", bool(self.large) or not self.known)


@dataclass(frozen=True, slots=True)
class _WithContacts:
    """Members of whom some are hashes of contacts (`stored_key`)."""

    users: frozenset[str]
    default_country: str | None

    def __contains__(self, user: object) -> bool:
        return user in self.users or stored_key(str(user), self.default_country) in self.users


def read_members(
    connection: Connection[Any], segments: Collection[str], tenants: Iterable[FlagTenant], *, most: int = MOST_KEPT
) -> Members:
    """Return the members of these segments, of these tenants."""
    if not segments:
        return Members()
    by_id = {tenant.id: tenant for tenant in tenants}
    kept: dict[Place, set[str]] = {}
    large: set[Place] = set()
    wanted: list[tuple[str, str]] = []
    counts = connection.execute(statement("flag_values/member_counts"), {"segments": sorted(segments)})
    for tenant_id, segment, members in counts.fetchall():
        place = (by_id[tenant_id].slug, segment)
        most -= members
        if most < 0:
            large.add(place)
        else:
            kept[place] = set()
            wanted.append((tenant_id, segment))
    given = {"tenant_ids": [tenant_id for tenant_id, _ in wanted], "segments": [segment for _, segment in wanted]}
    for tenant_id, segment, user in connection.execute(statement("flag_values/members"), given):
        kept[by_id[tenant_id].slug, segment].add(user)
    countries = {tenant.slug: tenant.default_country for tenant in by_id.values()}
    found = {(slug, segment): _container(users, countries[slug]) for (slug, segment), users in kept.items()}
    return Members(frozenset(segments), found, frozenset(large))


def _container(users: Collection[str], default_country: str | None) -> Container[str]:
    whole = frozenset(users)
    return _WithContacts(whole, default_country) if any(map(is_hashed, whole)) else whole


class Lookup:
    """Looks users up by a statement each, from any thread, on one connection that is opened when it is needed."""

    def __init__(self, connect: Callable[[], Connection[Any]]) -> None:
        self._connect = connect
        self.forget()

    def forget(self) -> None:
        """Begin again, for a forked child; the parent's connection is left alone."""
        self._lock = threading.Lock()
        self._connection: Connection[Any] | None = None

    def has(self, tenant: FlagTenant, segment: str, user: str) -> bool:
        """Return whether a user is a member. Raises psycopg.Error."""
        users = [user, stored_key(user, tenant.default_country)]
        given = {"tenant_id": tenant.id, "segment": segment, "user_ids": users}
        with self._lock:
            try:
                # The connection may be an old one, whose server has been started again since.
                return self._asked(given)
            except psycopg.OperationalError:
                self._close()
                return self._asked(given)

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._close()

    def _asked(self, given: Mapping[str, Any]) -> bool:
        if self._connection is None:
            self._connection = self._connect()
        row = self._connection.execute(statement("flag_values/is_member"), given).fetchone()
        assert row is not None
        return bool(row[0])

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Asked(Mapping[Place, Container[str]]):
    """The members of a tenant's segments for one check; `statements` says afterwards how many were needed for it."""

    __slots__ = ("_lookup", "_members", "_tenant", "statements")

    def __init__(self, members: Members, lookup: Lookup, tenant: FlagTenant) -> None:
        self._members = members
        self._lookup = lookup
        self._tenant = tenant
        self.statements = 0

    def __getitem__(self, place: Place) -> Container[str]:
        if place in self._members.large or not self._members.known:
            return _LookedUp(self, place[1])
        return self._members.kept[place]

    def __iter__(self) -> Iterator[Place]:
        yield from self._members.kept
        yield from self._members.large

    def __len__(self) -> int:
        return len(self._members.kept) + len(self._members.large)

    def look_up(self, segment: str, user: str) -> bool:
        """Look a user up. Raises psycopg.Error."""
        self.statements += 1
        return self._lookup.has(self._tenant, segment, user)


class _LookedUp:
    __slots__ = ("_asked", "_segment")

    def __init__(self, asked: Asked, segment: str) -> None:
        self._asked = asked
        self._segment = segment

    def __contains__(self, user: object) -> bool:
        return self._asked.look_up(self._segment, str(user))
