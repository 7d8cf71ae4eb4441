"""All flags in one snapshot: their history, the tenants, and the members of segments.

What belongs here: reading a snapshot from the database, and what of the last one stays. What does not: when it is read
(`feed`), and members of segments that are too large to be kept (`members`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Connection
from psycopg.pq import TransactionStatus
from psycopg.rows import class_row, kwargs_row

from trackai_pipelines.database.statements import statement
from trackai_pipelines.flag_values.gates import GATES
from trackai_pipelines.flag_values.members import FlagTenant, Members, read_members
from trackai_pipelines.flag_values.ruleset import Ruleset, Version, ruleset_of

TIMED_BY_SALE = frozenset(key for key, gate in GATES.items() if gate.timed_by_sale)
"""Gates whose checks are not counted: what they were for a sale can be computed at any time."""


class Mark(NamedTuple):
    """By what is seen that something has changed."""

    version: int
    tenants: int
    tenants_changed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that evaluation reads, as of one moment."""

    mark: Mark
    versions: Sequence[Version]
    ruleset: Ruleset
    tenants: Mapping[str, FlagTenant]
    """By slug and by id; where one's id is another's slug, the slug wins."""
    members: Members = field(default_factory=Members)
    flag_ids: Mapping[str, int] = field(default_factory=dict)
    """By key; of flags that had one key after another, the last one's."""


def snapshot_of(mark: Mark, versions: Sequence[Version], tenants: Sequence[FlagTenant], members: Members) -> Snapshot:
    """Return the snapshot of these."""
    return Snapshot(
        mark,
        versions,
        ruleset_of(versions),
        {tenant.id: tenant for tenant in tenants} | {tenant.slug: tenant for tenant in tenants},
        members,
        {version.flag_key: version.flag_id for version in sorted(versions, key=lambda version: version.flag_id)},
    )


def look(connection: Connection[Any]) -> Mark:
    """Return the present mark."""
    with connection.cursor(row_factory=kwargs_row(Mark)) as cursor:
        mark = cursor.execute(statement("flag_values/look")).fetchone()
    assert mark is not None
    return mark


def read_snapshot(connection: Connection[Any], last: Snapshot | None = None, *, members_too: bool = True) -> Snapshot:
    """Return what is there now, in one snapshot of the database; in a transaction of the caller's, as that sees it.

    Of the `last` one, the versions stay where the tenants are the same, since versions never change. Its members stay
    without `members_too`, unless other segments are in use now.
    """
    alone = connection.info.transaction_status is TransactionStatus.IDLE
    with connection.transaction():
        # Not possible once a transaction has begun.
        if alone:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        mark = look(connection)
        kept = last.versions if last and last.mark[1:] == mark[1:] else ()
        versions = (*kept, *_versions(connection, last.mark.version if last and kept else 0))
        with connection.cursor(row_factory=class_row(FlagTenant)) as cursor:
            tenants = cursor.execute(statement("flag_values/tenants")).fetchall()
        segments = frozenset(_segments(versions))
        if last and not members_too and kept and last.members.segments == segments:
            members = last.members
        else:
            members = read_members(connection, segments, tenants)
    return snapshot_of(mark, versions, tenants, members)


def _versions(connection: Connection[Any], after: int) -> list[Version]:
    with connection.cursor(row_factory=class_row(Version)) as cursor:
        return cursor.execute(statement("flag_values/versions"), {"after": after}).fetchall()


def _segments(versions: Sequence[Version]) -> Iterator[str]:
    """Yield the segments with members that any state names, planned and past ones included."""
    for version in versions:
        for name, segment in (version.state or {}).get("segments", {}).items():
            if segment["kind"] != "attribute":
                yield name
