"""Bits of users: those of all users that are meant are set, however few bits there are."""

import pytest
from psycopg import Connection

from trackai_pipelines.database.statements import statement
from trackai_pipelines.experiments import user_bits

USERS = [f"user-{number}" for number in range(1000)]
PASS = (
    "SELECT u FROM unnest(%(users)s::text[]) u"
    ' WHERE get_bit(%(bits)s, hashtextextended(u COLLATE "C", 7) & %(mask)s) = 1 ORDER BY u'
)


@pytest.mark.parametrize(
    ("chosen", "most_bits", "fewest", "most"), [(0, 1 << 27, 0, 0), (20, 1 << 27, 20, 80), (20, 8, 20, 1000)]
)
def test_those_who_are_meant_pass(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, chosen: int, most_bits: int, fewest: int, most: int
) -> None:
    monkeypatch.setattr(user_bits, "_MOST_BITS", most_bits)
    with connection.transaction():
        connection.execute(statement("experiments/stage_touched_users"))
        connection.execute("INSERT INTO pg_temp.touched_users (user_id) SELECT unnest(%s::text[])", [USERS[:chosen]])
        bits = user_bits.read_user_bits(connection, "experiments/pack_touched_users")
        passed = [user for (user,) in connection.execute(PASS, {"users": USERS, **bits})]
    assert set(USERS[:chosen]) <= set(passed)
    assert fewest <= len(passed) <= most
