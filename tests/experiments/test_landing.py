"""Files of assignments, of tests that are split elsewhere, and of users who do not count."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice, permutations
from pathlib import Path
from random import Random
from typing import Any, LiteralString

import pytest
from experiments.shop import START, add_test, insert
from ingest.landing_zone import counts, load_all, write, write_jsonl
from psycopg import Connection, sql
from psycopg.rows import dict_row

from trackai_pipelines.experiments.creating import ChangedBy
from trackai_pipelines.experiments.designs import read_design
from trackai_pipelines.experiments.life import StartTerms, start


@pytest.fixture
def landing(tmp_path: Path, add_tenant: Callable[..., str]) -> Path:
    """A landing folder, with the tenants acme and globex there."""
    add_tenant("acme")
    add_tenant("globex")
    folder = tmp_path / "landing"
    folder.mkdir()
    return folder


def _rows(connection: Connection[Any], table: str, order: LiteralString = "tenant_id, user_id") -> list[dict[str, Any]]:
    query = sql.SQL("SELECT * FROM {} ORDER BY {}").format(sql.Identifier("trackai", table), sql.SQL(order))
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query).fetchall()


def _reasons(connection: Connection[Any]) -> list[str]:
    query = "SELECT reason FROM trackai.ingest_rejects ORDER BY source, line"
    return [reason for (reason,) in connection.execute(query)]


def _assigned(**given: Any) -> dict[str, Any]:
    usual = {"tenant": "acme", "test_key": "checkout", "user_id": "u1", "variant": "a"}
    return {**usual, "assigned_at": "2026-03-02T10:00:00Z", **given}


def test_assignments_and_what_is_refused_of_them(database_url: str, connection: Connection[Any], landing: Path) -> None:
    test = add_test(connection, "t-acme", "checkout", status="running", started_at=START)
    theirs = add_test(connection, "t-globex", "checkout", status="archived", variant_a="b")
    add_test(connection, "t-acme", "banner")
    tomorrow = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    path = write_jsonl(
        landing / "acme" / "ab_assignments_1.jsonl",
        _assigned(user_id=42),
        _assigned(user_id="u2", variant="control", assigned_at="2020-01-01T00:00:00Z"),
        _assigned(test_key="payment"),
        _assigned(test_key=None),
        _assigned(variant="b"),
        _assigned(variant=""),
        _assigned(user_id=" "),
        _assigned(assigned_at=None),
        _assigned(assigned_at="yesterday"),
        _assigned(assigned_at="1999-12-31T00:00:00Z"),
        _assigned(assigned_at=tomorrow),
        _assigned(test_key="banner"),
        _assigned(tenant="globex"),
    )
    write_jsonl(landing / "ab_assignments_2.jsonl", _assigned(tenant="globex", user_id="42", variant="b"))
    assert [counts(report) for report in load_all(database_url, landing)] == [(1, 0, 0), (2, 0, 11)]
    assert [(row["tenant_id"], row["test_id"], row["user_id"], row["variant_assigned"], row["source"])
            for row in _rows(connection, "ab_test_assignments")] == [
        ("t-acme", test, "42", "a", "acme/ab_assignments_1.jsonl"),
        ("t-acme", test, "u2", "control", "acme/ab_assignments_1.jsonl"),
        ("t-globex", theirs, "42", "b", "ab_assignments_2.jsonl"),
    ]  # fmt: skip
    said = _reasons(connection)
    for reason, beginning in zip(
        said,
        (
            "unknown test: acme has no test 'payment'",
            "unknown test: acme has no test ''",
            "variant is not one of the test's: 'b' in 'checkout'",
            "variant is not one of the test's: '' in 'checkout'",
            "no user id",
            "no or impossible time: assigned_at is missing",
            "no or impossible time: assigned_at is missing",
            "no or impossible time: assigned_at 1999-12-31T00:00:00Z is before the year 2000",
            "no or impossible time: assigned_at",
            "test is a draft: 'banner'",
            "tenant 'globex' contradicts",
        ),
        strict=True,
    ):
        assert reason.startswith(beginning), reason
    assert counts(load_all(database_url, landing, path)[0]) == (0, 2, 11)
    users = "SELECT user_id, exclusion FROM trackai.v_ab_test_users WHERE test_id = %s ORDER BY 1"
    assert connection.execute(users, (test,)).fetchall() == [("42", None), ("u2", "outside_test_period")]


def test_the_order_of_files_does_not_matter(database_url: str, connection: Connection[Any], landing: Path) -> None:
    """Users who come back, earlier, later, with another variant; each file alone, together, and twice."""
    add_test(connection, "t-acme", "checkout", status="running", started_at=START, variant_b="b")
    random = Random(11)
    known: dict[str, dict[str, datetime]] = {}
    files = []
    for number in range(4):
        records = []
        for _ in range(30):
            user, variant = f"u{random.randrange(25)}", random.choice(["a", "a", "a", "b", "control"])
            at = START + timedelta(minutes=random.randrange(5))
            records.append(_assigned(user_id=user, variant=variant, assigned_at=at.isoformat()))
            seen = known.setdefault(user, {})
            seen[variant] = min(seen.get(variant, at), at)
        files.append(write_jsonl(landing / f"ab_assignments_{number}.jsonl", *records))
    expected = {
        user: (min(seen.values()), *(("conflicting_variants", None) if len(seen) > 1 else (None, *seen)))
        for user, seen in known.items()
    }
    for order in islice(permutations(files), 0, 24, 5):
        load_all(database_url, landing, *order[:2])
        for path in order[2:]:
            load_all(database_url, landing, path)
        users = connection.execute("SELECT user_id, assigned_at, exclusion, variant_name FROM trackai.v_ab_test_users")
        found = {user: (at, why, None if why else variant) for user, at, why, variant in users}
        assert found == expected
        stored = len(_rows(connection, "ab_test_assignments")) + len(_rows(connection, "ab_test_reassignments"))
        assert all(counts(report)[0] == 0 for report in load_all(database_url, landing))
        assert stored == len(_rows(connection, "ab_test_assignments")) + len(_rows(connection, "ab_test_reassignments"))
        connection.execute("TRUNCATE trackai.ab_test_assignments, trackai.ab_test_reassignments")


def test_what_is_new_and_what_repeats_is_counted(database_url: str, connection: Connection[Any], landing: Path) -> None:
    add_test(connection, "t-acme", "checkout", status="running", started_at=START)

    def load(*records: dict[str, Any]) -> tuple[int, int, int]:
        path = write_jsonl(landing / "ab_assignments.jsonl", *records)
        return counts(load_all(database_url, landing, path)[0])

    at = "2026-03-02T{}:00:00Z".format
    assert load(_assigned(assigned_at=at(12))) == (1, 0, 0)
    assert load(_assigned(assigned_at=at(12)), _assigned(assigned_at=at(13))) == (0, 2, 0)
    assert load(_assigned(assigned_at=at(11))) == (1, 0, 0)
    assert load(_assigned(assigned_at=at(11)), _assigned(variant="control", assigned_at=at(15))) == (1, 1, 0)
    assert load(_assigned(variant="control", assigned_at=at(16))) == (0, 1, 0)
    assert load(_assigned(variant="control", assigned_at=at(14))) == (1, 0, 0)
    assert load(_assigned(user_id="u2"), _assigned(user_id="u2", variant="control")) == (2, 0, 0)
    changes = _rows(connection, "ab_test_reassignments", "created_at")
    assert [(row["variant_assigned"], row["assigned_at"].hour) for row in changes] == [
        ("a", 11),
        ("control", 15),
        ("control", 14),
        ("control", 10),
    ]


def test_users_who_do_not_count(database_url: str, connection: Connection[Any], landing: Path) -> None:
    insert(connection, "excluded_users", tenant_id="t-acme", user_id="u0", reason="bot", created_by="ana")
    lines = ["user_id,reason", "u0,other", "u1,bot", "u2,", "u3,enemy", ",bot", "u1,employee"]
    path = write(landing / "acme" / "excluded_users.csv", "\n".join(lines))
    assert counts(load_all(database_url, landing)[0]) == (2, 2, 2)
    excluded = _rows(connection, "excluded_users")
    assert [(row["tenant_id"], row["user_id"], row["reason"], row["created_by"]) for row in excluded] == [
        ("t-acme", "u0", "bot", "ana"),
        ("t-acme", "u1", "bot", "acme/excluded_users.csv"),
        ("t-acme", "u2", "other", "acme/excluded_users.csv"),
    ]
    assert [reason.partition(":")[0] for reason in _reasons(connection)] == [
        "reason is 'enemy'; expected one of bot, employee, test_account, other",
        "no user id",
    ]
    assert counts(load_all(database_url, landing, path)[0]) == (0, 4, 2)


def _test(**given: Any) -> dict[str, Any]:
    usual = {"tenant": "acme", "test_key": "email-2008", "control_variant": "none", "variant_a": "mens"}
    return {**usual, "start_date": "2026-03-01", **given}


def test_tests_that_are_split_elsewhere(database_url: str, connection: Connection[Any], landing: Path) -> None:
    insert(connection, "campaigns", tenant_id="t-acme", campaign_id="spring", name="Spring")
    add_test(connection, "t-acme", "ours")
    settings = {
        "name": "E-mail", "description": "two\tlines\n", "hypothesis": "more", "campaign_id": "spring",
        "variant_b": "womens", "weights": [0.5, 0.25, 0.25], "end_date": "2027-03-20T12:00:00.5Z", "sample_size": 60000,
        "confidence_level": 90, "min_statistical_power": "85.5", "window_days": 7, "pre_days": 0,
        "primary_metric": "revenue_per_user", "estimator": "cuped", "outcome_event": "add_to_cart",
        "outcome_scope": "attributed", "currency": "USD", "revenue_cap": 499.9, "planned_lift": -0.2,
        "planned_baseline": 0.65,
    }  # fmt: skip
    full = write_jsonl(landing / "ab_tests_1.jsonl", _test(**settings), _test(test_key="small"))
    assert counts(load_all(database_url, landing)[0]) == (2, 0, 0)
    design = read_design(connection, "t-acme", "email-2008")
    assert (design.variants, design.weights) == (("none", "mens", "womens"), (0.5, 0.25, 0.25))
    assert (design.status, design.assigned_by, design.sample_size) == ("draft", "outside", 60_000)
    assert design.end_date == datetime(2027, 3, 20, 12, 0, 0, 500_000, UTC)
    assert (design.confidence_level, design.min_statistical_power, design.planned_lift) == (90, 85.5, -0.2)
    assert (design.window_days, design.pre_days, design.outcome_event) == (7, 0, "AddToCart")
    assert (design.currency, design.revenue_cap) == ("USD", Decimal("499.9"))
    (row, small, _) = _rows(connection, "ab_tests", "created_by NULLS LAST, test_key")
    assert (row["description"], row["campaign_id"], row["created_by"]) == ("two\tlines", "spring", "ab_tests_1.jsonl")
    assert (small["name"], small["control_variant"], small["weights"]) == ("small", "none", None)
    events = _rows(connection, "ab_test_events", "test_id")
    assert [(one["test_id"], one["action"], one["to_status"], one["by_whom"]) for one in events] == [
        (row["id"], "create", "draft", "ab_tests_1.jsonl"),
        (small["id"], "create", "draft", "ab_tests_1.jsonl"),
    ]

    # Starting fixes what the file left open: the file is repeated all the same.
    connection.execute("UPDATE trackai.ab_tests SET sample_size = 100")
    connection.execute("UPDATE trackai.ab_tests SET sample_size = 60000 WHERE test_key = 'email-2008'")
    start(connection, "t-acme", "small", ChangedBy(), datetime.now(UTC), StartTerms(currency="BRL"))
    assert counts(load_all(database_url, landing, full)[0]) == (0, 2, 0)
    others = [settings | {"window_days": 8}, settings | {"weights": "0.4,0.3,0.3"}, settings | {"end_date": None}]
    path = write_jsonl(
        landing / "ab_tests_2.jsonl",
        *(_test(**changed) for changed in others),
        _test(test_key="ours"),
        _test(test_key="twice"),
        _test(test_key="twice", name="Another"),
    )
    assert counts(load_all(database_url, landing, path)[0]) == (1, 1, 4)
    assert _reasons(connection) == [
        "test_key exists with other settings: 'email-2008' has another window_days",
        "test_key exists with other settings: 'email-2008' has another weights",
        "test_key exists with other settings: 'ours' has another variants",
        "test_key exists with other settings: 'twice' has another name",
    ]
    assert len(_rows(connection, "ab_test_events", "test_id")) == 4


def test_what_is_refused_of_tests(database_url: str, connection: Connection[Any], landing: Path) -> None:
    add_test(connection, "t-acme", "seed", hash_seed="taken")
    refused = [
        (_test(test_key=None), "test_key is missing"),
        (_test(start_date=None, control_variant=None, variant_a=None), "control_variant and start_date is missing"),
        (_test(variant_a=None, variant_b="b"), "variants are given in order"),
        (_test(variant_a="none"), "Two variants have one name"),
        (_test(weights="0.5"), "2 variants need as many weights"),
        (_test(weights="half,half"), "weights is 'half,half'"),
        (_test(weights=0.5), "weights is '0.5'"),
        (_test(window_days=7.5), "window_days is 7.5"),
        (_test(sample_size="many"), "sample_size"),
        (_test(end_date="2026-02-01"), "The test would end"),
        (_test(assigned_by="trackai"), "files bring tests that are split outside"),
        (_test(currency="EURO"), "'EURO' is no currency"),
        (_test(revenue_cap=-1), "revenue_cap is negative"),
        (_test(test_key="taken"), "the database refused the row"),
    ]
    path = write_jsonl(landing / "ab_tests.jsonl", *(record for record, _ in refused), _test(campaign_id="autumn"))
    report = load_all(database_url, landing, path)[0]
    assert counts(report) == (1, 0, len(refused))
    assert sum(report.left_out.values()) == 1
    said = "\n".join(_reasons(connection))
    for _, reason in refused:
        assert reason in said
    assert read_design(connection, "t-acme", "email-2008").status == "draft"
