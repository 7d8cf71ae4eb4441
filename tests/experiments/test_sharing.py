"""Tests that share users: two whose variants go together are found, and two that are split apart are not."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any, LiteralString

import pytest
from experiments.shop import START, add_test
from psycopg import Connection, sql
from scipy.stats import chi2_contingency
from typer.testing import Result

from trackai_pipelines.experiments import sharing
from trackai_pipelines.experiments.computing import compute_tests
from trackai_pipelines.experiments.designs import designs_to_compute
from trackai_pipelines.experiments.reconcile import uneven_splits

USERS = 3_000
SPLITS: Mapping[str, LiteralString] = {
    "banner": "hashtext('b' || u) & 1",
    "checkout": "hashtext(u) & 1",
    "copy": "hashtext(u) & 1",
}
"""Which of the two variants a user u is in. The users of a fourth test are too few."""
SHARED = "SELECT day, shared_users FROM trackai.ab_test_daily_health WHERE test_id = %s ORDER BY day"


def _assign(connection: Connection[Any], tenant: str, key: str, split: LiteralString, users: int) -> int:
    test = add_test(connection, tenant, key, status="running", started_at=START, sample_size=10_000)
    connection.execute(
        sql.SQL(
            "INSERT INTO trackai.ab_test_assignments (tenant_id, test_id, user_id, variant_assigned, assigned_at)"
            " SELECT %s, %s, u, CASE {} WHEN 0 THEN 'control' ELSE 'a' END, %s"
            " FROM (SELECT 'user-' || n AS u FROM generate_series(1, %s) n) users"
        ).format(sql.SQL(split)),
        (tenant, test, START, users),
    )
    return test


def test_tests_that_share_users(
    trackai: Callable[..., Result],
    connection: Connection[Any],
    add_tenant: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    acme, globex = add_tenant("acme"), add_tenant("globex")
    tests = {key: _assign(connection, acme, key, split, USERS) for key, split in SPLITS.items()}
    few = _assign(connection, acme, "few", "hashtext(u) & 1", 1_000)
    _assign(connection, globex, "checkout", "hashtext(u) & 1", USERS)
    connection.execute(
        "INSERT INTO trackai.excluded_users (tenant_id, user_id, reason) SELECT %s, 'user-' || n, 'bot'"
        " FROM generate_series(1, 100) n",
        [acme],
    )
    for night in (1, 2):
        assert len(list(compute_tests(connection, START + timedelta(days=night, hours=1)))) == 5
    # The newest day says it, and no other.
    first, newest = connection.execute(SHARED, [tests["checkout"]]).fetchall()
    assert first == (date(2026, 3, 1), [])
    banner, copy = newest[1]
    assert (banner["test"], banner["users"], copy["test"], copy["users"]) == ("banner", 2_900, "copy", 2_900)
    table = [[0, 0], [0, 0]]
    split = sql.SQL("SELECT {}, {} FROM (SELECT 'user-' || n AS u FROM generate_series(101, %s) n) users").format(
        sql.SQL(SPLITS["checkout"]), sql.SQL(SPLITS["banner"])
    )
    for one, other in connection.execute(split, [USERS]).fetchall():
        table[one][other] += 1
    assert banner["p_value"] == pytest.approx(chi2_contingency(table, correction=False).pvalue, rel=1e-9)
    assert banner["p_value"] > 0.01
    assert copy["p_value"] < 1e-100
    assert connection.execute(SHARED, [few]).fetchall()[-1][1] == []
    # The check, doctor and people are told.
    assert [fault.split(" (p")[0] for fault in uneven_splits(connection).faults] == [
        "acme: checkout has variants that go together with those of copy",
        "acme: copy has variants that go together with those of checkout",
    ]
    shown = trackai("experiments", "show", "checkout", "--tenant", "acme").stdout
    assert "  variants go together with those of copy (p " in shown
    assert "those of banner" not in shown
    # Of large tests the same share of users of each is compared.
    monkeypatch.setattr(sharing, "SAMPLE", 1_000)
    designs = designs_to_compute(connection, acme)
    until = {design.id: date(2026, 3, 2) for design in designs}
    sharing.write_shared_users(connection, designs, until, None)
    sampled = connection.execute(SHARED, [tests["checkout"]]).fetchall()[-1][1]
    assert [one["test"] for one in sampled] == ["banner", "copy"]
    assert all(2_500 < one["users"] < 3_300 for one in sampled)
    assert sampled[0]["p_value"] > 0.001 > sampled[1]["p_value"]
