"""Totals in the database become results and one decision, which late data and changed settings can only add to."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import erfc, sqrt
from typing import Any, LiteralString

import numpy as np
import pytest
from experiments.courses import START, totals
from experiments.shop import add_test, insert
from numpy.typing import NDArray
from psycopg import Connection, sql
from psycopg.rows import dict_row

from trackai_pipelines.experiments.deciding import Decided, Undecided
from trackai_pipelines.experiments.designs import Design, config_digest, read_design
from trackai_pipelines.experiments.results import decision_in_force, standing_of, write_results

FIRST = START.date()
Sums = dict[str, NDArray[Any]]


@pytest.fixture
def tenant(add_tenant: Callable[..., str]) -> str:
    """Return the tenant of the tests."""
    return add_tenant("acme")


def _started(connection: Connection[Any], tenant: str, **columns: object) -> Design:
    """Return a running test of 1,000 users a variant."""
    settings = {"status": "running", "started_at": START, "sample_size": 2_000, "currency": "BRL"} | columns
    number = add_test(connection, tenant, "checkout", **settings)
    digest = config_digest(read_design(connection, tenant, "checkout"))
    connection.execute("UPDATE trackai.ab_tests SET config_digest = %s WHERE id = %s", (digest, number))
    return read_design(connection, tenant, "checkout")


def _insert_totals(connection: Connection[Any], test: Design, sums: Sums) -> None:
    """Put totals in the place of those that there are."""
    key = (test.tenant_id, test.id)
    connection.execute("DELETE FROM trackai.ab_test_daily_totals WHERE tenant_id = %s AND test_id = %s", key)
    names = (
        "tenant_id",
        "test_id",
        "day",
        "population",
        "variant_name",
        "computed_at",
        *sums,
        "mature_users",
        "revenue",
    )
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    query = sql.SQL("COPY trackai.ab_test_daily_totals ({}) FROM STDIN").format(columns)
    with connection.cursor() as cursor, cursor.copy(query) as copy:
        for at, population, place in np.ndindex(sums["users_count"].shape):
            row = [Decimal(str(values[at, population, place])).normalize() for values in sums.values()]
            more = [row[0], sums["capped_revenue"][at, population, place]]
            which = (FIRST + timedelta(days=at), ("so_far", "mature")[population], test.variants[place])
            copy.write_row([*key, *which, START, *(f"{value:f}" for value in row), f"{more[0]:f}", more[1]])


def _write(connection: Connection[Any], test: Design, day: int, since: int = 1) -> Decided | Undecided:
    """Write results as of the night after a day of the test, from another of its days on."""
    now = START + timedelta(days=day, hours=1)
    return write_results(connection, test, FIRST + timedelta(days=since - 1), now)


def _rows(connection: Connection[Any], table: str, columns: LiteralString = "*") -> list[dict[str, Any]]:
    order = sql.SQL("day, population DESC, metric, estimator, variant_name" if "daily_results" in table else "1, 2, 3")
    query = sql.SQL("SELECT {} FROM {} ORDER BY {}").format(sql.SQL(columns), sql.Identifier("trackai", table), order)
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query).fetchall()


def _decisions(connection: Connection[Any]) -> list[tuple[Any, ...]]:
    return connection.execute(
        "SELECT decided_at, decision_day, kind, outcome, winner_variant FROM trackai.ab_test_decisions ORDER BY id"
    ).fetchall()


def _variants(connection: Connection[Any], columns: LiteralString) -> list[tuple[Any, ...]]:
    query = sql.SQL("SELECT variant_name, {} FROM trackai.ab_test_results ORDER BY variant_name DESC")
    return connection.execute(query.format(sql.SQL(columns))).fetchall()


def test_results_are_there_before_the_decision_and_stay_as_decided(connection: Connection[Any], tenant: str) -> None:
    test = _started(connection, tenant)
    assert isinstance(_write(connection, test, 1), Undecided)
    for table in ("ab_test_results", "ab_test_daily_results", "ab_test_daily_health", "ab_test_decisions"):
        assert _rows(connection, table) == []
    sums = totals(test, 30, users=[100, 100], rates=[0.1, 0.15], assigned_days=12)
    _insert_totals(connection, test, {name: values[:10] for name, values in sums.items()})
    waiting = _write(connection, test, 10)
    assert isinstance(waiting, Undecided)
    assert waiting == standing_of(connection, test)
    figures = "users_count, conversions, conversion_rate, avg_order_value, winner, result_day, population, safe_to_act"
    day10 = FIRST + timedelta(days=9)
    assert _variants(connection, figures) == [
        ("control", 1_000, 100, 0.1, Decimal("50.0000"), False, day10, "so_far", False),
        ("a", 1_000, 150, 0.15, Decimal("50.0000"), False, day10, "so_far", False),
    ]
    _insert_totals(connection, test, {name: values[:24] for name, values in sums.items()})
    decided = _write(connection, test, 24, since=11)
    assert isinstance(decided, Decided)
    assert (decided.outcome, decided.kind, decided.winner_variant) == ("winner", "horizon", "a")
    assert decided == decision_in_force(connection, test) == standing_of(connection, test)
    as_decided = _variants(
        connection, "users_count, winner, result_day, population, safe_to_act, statistical_significance"
    )
    day24 = FIRST + timedelta(days=23)
    assert [row[:-1] for row in as_decided] == [
        ("control", 1_000, False, day24, "mature", True),
        ("a", 1_000, True, day24, "mature", True),
    ]
    assert as_decided[0][-1] is None
    assert as_decided[1][-1] == pytest.approx(100 * (1 - 0.00073 / 0.9), abs=0.01)
    kept = _rows(connection, "ab_test_results")
    _insert_totals(connection, test, sums)
    assert _write(connection, test, 30, since=25) == decided
    assert _rows(connection, "ab_test_results") == kept
    assert len(_decisions(connection)) == 1


def test_nobody_should_act_on_a_test_that_was_not_split_as_planned(connection: Connection[Any], tenant: str) -> None:
    test = _started(connection, tenant)
    _insert_totals(connection, test, totals(test, 30, users=[100, 140], rates=[0.1, 0.15], assigned_days=12))
    decided = _write(connection, test, 30)
    assert isinstance(decided, Decided)
    assert decided.outcome == "sample_ratio_mismatch"
    assert _variants(connection, "winner, safe_to_act") == [("control", False, False), ("a", False, False)]


def test_a_row_for_each_day_population_variant_metric_and_estimator(connection: Connection[Any], tenant: str) -> None:
    test = _started(connection, tenant, variant_b="b", sample_size=3_000)
    _insert_totals(connection, test, totals(test, 20, users=[100, 90, 100], rates=[0.1, 0.2, 0.0]))
    _write(connection, test, 20)
    rows = _rows(connection, "ab_test_daily_results")
    assert len(rows) == 20 * 2 * 3 * 7
    figures = [name for name, value in rows[0].items() if isinstance(value, float) or value is None]
    assert len(figures) == 16
    # NULL says that nothing can be said. NaN would be above every number to PostgreSQL.
    assert all(row[name] is None or np.isfinite(row[name]) for row in rows for name in figures)
    for row in rows:
        if row["variant_name"] == "control":
            assert [name for name in figures if row[name] is not None] in ([], ["estimate"])
    last = {row["variant_name"]: row for row in rows[-7 * 3 * 2 :] if _is(row, "so_far", "conversion_rate", "plain")}
    assert (last["b"]["lift"], last["b"]["lift_ci_upper"], last["b"]["p_value_always_valid"]) == (-1, None, None)
    assert last["a"]["p_value_decision"] == pytest.approx(min(1, last["a"]["p_value_always_valid"] / 0.1))
    assert last["a"]["p_value_adjusted"] == pytest.approx(2 * last["a"]["p_value_decision"])
    assert (last["a"]["variance_reduction"], last["a"]["probability_to_beat_control"]) == (None, pytest.approx(1))


def _is(row: dict[str, Any], population: str, metric: str, estimator: str) -> bool:
    return (row["population"], row["metric"], row["estimator"]) == (population, metric, estimator)


def test_only_days_that_may_have_changed_are_written(connection: Connection[Any], tenant: str) -> None:
    test = _started(connection, tenant, sample_size=100_000)
    _insert_totals(connection, test, totals(test, 9, users=[100, 100], rates=[0.1, 0.11]))
    _write(connection, test, 9)
    whole = _rows(connection, "ab_test_daily_results")
    connection.execute("UPDATE trackai.ab_test_daily_results SET estimate = 7")
    _write(connection, test, 9, since=6)
    rows = _rows(connection, "ab_test_daily_results")
    assert [row["estimate"] == 7 for row in rows] == [row["day"] < FIRST + timedelta(days=5) for row in rows]
    assert [row for row in rows if row["estimate"] != 7] == whole[len(whole) // 9 * 5 :]


def _late(sums: Sums, variant: int, day: int, more: int) -> Sums:
    """Return totals to which so many converted users are added from a day of the test on."""
    changed = {name: values.copy() for name, values in sums.items()}
    for name in ("converted_users", "conversions", "conversion_squares"):
        changed[name][day - 1 :, :, variant] += more
    return changed


def test_late_data_for_the_day_of_the_decision_make_another_one(connection: Connection[Any], tenant: str) -> None:
    test = _started(connection, tenant, variant_b="b", sample_size=3_000)
    sums = totals(test, 30, users=[100] * 3, rates=[0.1, 0.14, 0.13], assigned_days=10)
    _insert_totals(connection, test, {name: values[:24] for name, values in sums.items()})
    first = _write(connection, test, 24)
    assert isinstance(first, Decided)
    assert first.winner_variant == "a"
    # After the day of the decision: nothing. On it: another winner, and the row of the first one stays.
    _insert_totals(connection, test, _late(sums, 2, 25, 500))
    assert _write(connection, test, 26, since=25) == first
    _insert_totals(connection, test, _late(sums, 2, 24, 40))
    second = _write(connection, test, 27, since=24)
    assert isinstance(second, Decided)
    assert second.reason.endswith("(The decision of 2026-03-24 was: winner a. Data that came later changed it.)")
    assert _variants(connection, "winner, result_day") == [
        ("control", False, date(2026, 3, 24)),
        ("b", True, date(2026, 3, 24)),
        ("a", False, date(2026, 3, 24)),
    ]
    again = _write(connection, test, 28, since=28)
    assert again == second
    assert _decisions(connection) == [
        (START + timedelta(days=day, hours=1), date(2026, 3, 24), "horizon", "winner", winner)
        for day, winner in ((24, "a"), (27, "b"))
    ]


def test_an_early_decision_that_late_data_refute_is_not_opened_again(connection: Connection[Any], tenant: str) -> None:
    test = _started(connection, tenant, sample_size=20_000)
    sums = totals(test, 12, users=[200, 200], rates=[0.1, 0.2])
    _insert_totals(connection, test, {name: values[:7] for name, values in sums.items()})
    early = _write(connection, test, 7)
    assert isinstance(early, Decided)
    assert (early.kind, early.outcome) == ("early", "winner")
    assert _variants(connection, "winner, population") == [("control", False, "so_far"), ("a", True, "so_far")]
    # By day 8 the difference would be there again, and that is too late.
    sums["converted_users"][6, 0, 0] = 280
    _insert_totals(connection, test, sums)
    refuted = _write(connection, test, 12, since=7)
    assert isinstance(refuted, Decided)
    assert (refuted.kind, refuted.outcome, refuted.decision_day) == ("early", "not_significant", date(2026, 3, 7))
    assert _variants(connection, "winner, population") == [("control", False, "so_far"), ("a", False, "so_far")]


def test_a_changed_configuration_takes_the_winner_away_until_it_is_restored(
    connection: Connection[Any], tenant: str
) -> None:
    test = _started(connection, tenant)
    _insert_totals(connection, test, totals(test, 24, users=[100, 100], rates=[0.1, 0.15]))
    _write(connection, test, 24)
    connection.execute("UPDATE trackai.ab_tests SET weights = '{0.4,0.6}'")
    changed = _write(connection, read_design(connection, tenant, "checkout"), 25, since=25)
    assert isinstance(changed, Decided)
    assert (changed.outcome, changed.winner_variant) == ("configuration_changed", None)
    assert changed.reason.endswith("was: winner a. Its configuration was changed since.)")
    assert _variants(connection, "winner") == [("control", False), ("a", False)]
    connection.execute("UPDATE trackai.ab_tests SET weights = NULL")
    restored = _write(connection, read_design(connection, tenant, "checkout"), 26, since=26)
    assert isinstance(restored, Decided)
    assert restored.reason.endswith("was: configuration changed. Its configuration is again what starting froze.)")
    assert _variants(connection, "winner") == [("control", False), ("a", True)]
    assert len(_decisions(connection)) == 3


def test_health_is_written_beside_what_is_known(connection: Connection[Any], tenant: str) -> None:
    test = _started(connection, tenant, sample_size=100_000)
    shares = {"unlinked_users": [0.02, 0.03], "attributed_users": [0.5, 0.4]}
    _insert_totals(connection, test, totals(test, 20, users=[100, 102], rates=[0.1, 0.2], shares=shares))
    for day in (19, 20):
        insert(
            *(connection, "ab_test_daily_health"),
            tenant_id=tenant,
            test_id=test.id,
            day=FIRST + timedelta(days=day - 1),
            computed_at=START,
            excluded_users=f'{{"conflicting_variants": {{"control": 3, "a": 200}}, "excluded_user": {{"a": {day}}}}}',
        )
    _write(connection, test, 20, since=20)
    rows = _rows(connection, "ab_test_daily_health")
    assert [row["srm_p_value"] is None for row in rows] == [True, False]
    last = rows[-1]
    assert last["excluded_users"]["conflicting_variants"] == {"control": 3, "a": 200}
    # With two variants, chi-square is (n - m)² / (n + m).
    assert last["srm_p_value"] == pytest.approx(erfc(40 / sqrt(4_040) / sqrt(2)))
    assert last["srm_p_value_before_exclusions"] == pytest.approx(erfc((2_260 - 2_003) / sqrt(4_263) / sqrt(2)))
    assert last["linkage_p_value"] == pytest.approx(_of_shares(40, 2_000, 61, 2_040))
    assert last["tracking_p_value"] == pytest.approx(_of_shares(100, 200, 163, 408))
    assert list(last["novelty"]) == ["a"]
    assert last["novelty"]["a"]["change"] == pytest.approx(0, abs=0.05)
    assert last["computed_at"] == datetime.fromisoformat("2026-03-21T01:00:00Z")


def _of_shares(x: int, n: int, y: int, m: int) -> float:
    """Return the p-value of the pooled test of two shares."""
    p = (x + y) / (n + m)
    return erfc(abs(x / n - y / m) / sqrt(p * (1 - p) * (1 / n + 1 / m)) / sqrt(2))


def test_tests_of_two_tenants_stay_apart(
    connection: Connection[Any], tenant: str, add_tenant: Callable[..., str]
) -> None:
    other = add_tenant("other")
    tests = [_started(connection, tenant), _started(connection, other)]
    for test, rates in zip(tests, ([0.1, 0.15], [0.15, 0.1]), strict=True):
        _insert_totals(connection, test, totals(test, 24, users=[100, 100], rates=rates))
    outcomes = [_write(connection, test, 24) for test in tests]
    assert [one.outcome for one in outcomes if isinstance(one, Decided)] == ["winner", "control_better"]
    winners = connection.execute("SELECT tenant_id, variant_name FROM trackai.ab_test_results WHERE winner").fetchall()
    assert sorted(winners) == sorted([(tenant, "a"), (other, "control")])
    assert decision_in_force(connection, tests[1]) == outcomes[1]
