"""The database's own rule of which version is in force: the stories, and random histories against brute force."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flag_values.reference import moment, vectors
from psycopg import Connection
from psycopg.types.json import Jsonb

STORIES = vectors("history")
_START = datetime(2026, 3, 1, tzinfo=UTC)
_INSERT = """
    INSERT INTO trackai.feature_flag_versions
        (id, flag_id, flag_key, tenant_id, effective_from, recorded_at, state, audit_id)
    VALUES (%s, %s, 'story', %s, coalesce(%s::timestamptz, '-infinity'), %s, %s, %s)
"""
_PERIODS = """
    SELECT p.version, nullif(p.effective_from, '-infinity'), nullif(p.effective_to, 'infinity'), p.state #>> '{}'
    FROM trackai.feature_flag_periods p
    WHERE p.flag_key = 'story'
    ORDER BY p.effective_from
"""
Recorded = tuple[int, int, str | None, datetime | None]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story["story"])
def test_periods_of_the_stories(connection: Connection[Any], story: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            _INSERT,
            [
                (
                    *(one["id"] + 1000, 99, None, moment(one["effective_from"]), one["recorded_at"]),
                    *(Jsonb(one["state"]), one["id"] + 1000),
                )
                for one in story["versions"]
            ],
        )
    assert connection.execute(_PERIODS).fetchall() == [
        (one["version"] + 1000, moment(one["from"]), moment(one["to"]), one["state"]) for one in story["periods"]
    ]


def _histories(dice: random.Random) -> list[Recorded]:
    made: list[Recorded] = []
    for flag in range(1000, 1060):
        for tenant in (None, "t-acme", "t-globex"):
            for _ in range(dice.randint(1, 9)):
                moment = None if dice.random() < 0.15 else _START + timedelta(hours=dice.randint(0, 12))
                made.append((0, flag, tenant, moment))
    # Scopes are written in any order among each other.
    dice.shuffle(made)
    return [(number, flag, tenant, moment) for number, (_, flag, tenant, moment) in enumerate(made, start=1000)]


def _in_force(history: Sequence[Recorded], flag: int, tenant: str | None, at: datetime) -> int | None:
    found = [
        number
        for number, of_flag, of_tenant, moment in history
        if (of_flag, of_tenant) == (flag, tenant) and (moment is None or moment <= at)
    ]
    return max(found, default=None)


def test_periods_agree_with_a_reader_by_brute_force(connection: Connection[Any]) -> None:
    history = _histories(random.Random(5))
    with connection.cursor() as cursor:
        cursor.executemany(
            _INSERT,
            [(number, flag, tenant, moment, _START, Jsonb({}), number) for number, flag, tenant, moment in history],
        )
    moments = [_START + timedelta(minutes=30 * step) for step in range(-1, 27)]
    found = connection.execute(
        """
        SELECT p.flag_id, p.tenant_id, m.at, array_agg(p.version)
        FROM unnest(%s::timestamptz[]) AS m (at)
        JOIN trackai.feature_flag_periods p ON p.effective_from <= m.at AND m.at < p.effective_to
        WHERE p.flag_key = 'story'
        GROUP BY p.flag_id, p.tenant_id, m.at
        """,
        (moments,),
    ).fetchall()
    said = {(flag, tenant, at): numbers for flag, tenant, at, numbers in found}
    by_scope: dict[tuple[int, str | None], list[Recorded]] = {}
    for one in history:
        by_scope.setdefault((one[1], one[2]), []).append(one)
    for (flag, tenant), of_scope in by_scope.items():
        for at in moments:
            expected = _in_force(of_scope, flag, tenant, at)
            assert said.get((flag, tenant, at)) == (None if expected is None else [expected])
