"""What `trackai experiments show` prints, from plain rows."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from experiments.accounted import add_test, no_sums
from lifecycle.old_rows import insert
from psycopg import Connection
from psycopg.types.json import Jsonb
from typer.testing import Result

Run = Callable[..., Result]
START = datetime(2026, 3, 1, tzinfo=UTC)
DECIDED = date(2026, 3, 29)

SHOWN = """\
email-2008   completed   decided at the horizon, day 2026-03-29: winner mens
  "mens converts 118.8 % better than control (76.9 % to 170.8 %); split as planned (p 0.904); no guardrail."
variant  users   converted  rate     lift      95 % interval        p        adjusted  significance  beats control  safe to act
control  21,306  122        0.573 %
mens     21,307  267        1.253 %  +118.8 %  +76.9 % to +170.8 %  1.5e-13  3.4e-13   100.00 %      > 99.99 %      yes
womens   21,387  189        0.884 %  +54.3 %   +23.1 % to +93.5 %   0.00016  0.00017   99.98 %       99.99 %        yes
  so far, users with an open window included:
variant  users   converted  rate     lift     95 % interval       p
control  21,306  100        0.469 %
mens     21,307  200        0.939 %  +20.0 %  +10.0 % to +30.0 %  0.001
womens   21,387  200        0.935 %  +20.0 %  +10.0 % to +30.0 %  0.001
  beats control: the probability for somebody who looks once. It is not protected against looking, and decides nothing.
"""  # noqa: E501


def put(connection: Connection[Any], tenant: str, test: int, day: date, population: str, variant: str,
        figures: dict[str, Any] | None = None, **sums: Any) -> None:  # fmt: skip
    """A variant's totals, and how its conversion rate compares."""
    of = {"tenant_id": tenant, "test_id": test, "day": day, "population": population, "variant_name": variant}
    insert(connection, "ab_test_daily_totals", {**of, **no_sums(), **sums, "computed_at": START})
    row = {**of, "metric": "conversion_rate", "estimator": "plain", **(figures or {})}
    insert(connection, "ab_test_daily_results", row)


@pytest.fixture
def hillstrom(connection: Connection[Any], add_tenant: Callable[..., str]) -> str:
    """A decided test with the published sums of an e-mail campaign."""
    tenant = add_tenant("hillstrom")
    test = add_test(connection, tenant, "email-2008", control_variant="control", variant_a="mens", variant_b="womens",
                    status="completed", start_date=START, started_at=START)  # fmt: skip
    compared = {
        "control": (21_306, 122, None),
        "mens": (21_307, 267, (1.188, 0.769, 1.708, 1.5e-13, 3.4e-13, 1.0)),
        "womens": (21_387, 189, (0.543, 0.231, 0.935, 0.000157, 0.000174, 0.99991)),
    }
    names = ("lift", "lift_ci_lower", "lift_ci_upper", "p_value", "p_value_adjusted", "probability_to_beat_control")
    for variant, (users, converted, figures) in compared.items():
        found = dict(zip(names, figures, strict=True)) if figures else {}
        put(connection, tenant, test, date(2026, 3, 10), "so_far", variant, users_count=users // 2)
        plain = dict(zip(names[:4], (0.2, 0.1, 0.3, 0.001), strict=True)) if figures else {}
        so_far = 200 if figures else 100
        put(connection, tenant, test, DECIDED, "so_far", variant, {"estimate": so_far / users, **plain},
            users_count=users, converted_users=so_far)  # fmt: skip
        put(connection, tenant, test, DECIDED, "mature", variant, {"estimate": converted / users, **found},
            users_count=users, converted_users=converted, conversions=converted)  # fmt: skip
    reason = "mens converts 118.8 % better than control (76.9 % to 170.8 %); split as planned (p 0.904); no guardrail."
    decision = {"tenant_id": tenant, "test_id": test, "decided_at": START, "decision_day": DECIDED, "kind": "horizon",
                "outcome": "winner", "winner_variant": "mens", "reason": reason, "inputs": Jsonb({})}  # fmt: skip
    insert(connection, "ab_test_decisions", decision)
    return tenant


def test_a_decision_is_shown_with_its_variants(trackai: Run, hillstrom: str) -> None:
    result = trackai("experiments", "show", "email-2008", "--tenant", "hillstrom")
    assert result.exit_code == 0, result.output
    assert result.stdout == SHOWN
    plain = json.loads(trackai("experiments", "show", "email-2008", "--tenant", "hillstrom", "--json").stdout)
    assert plain["known"]["outcome"] == "winner"
    assert plain["population"] == "mature"
    assert [one["users"] for one in plain["variants"]] == [21_306, 21_307, 21_387]
    assert plain["variants"][1]["significance"] == 100 * (1 - 3.4e-13)
    assert [one["converted"] for one in plain["beside"]] == [100, 200, 200]


def test_as_it_was_known_before_it_waited(trackai: Run, hillstrom: str) -> None:
    shown = trackai("experiments", "show", "email-2008", "--tenant", "hillstrom", "--day", "2026-03-15").stdout
    first, *rows = shown.splitlines()
    assert first.startswith("email-2008   completed, day 1   waiting: 10,653, 10,653 and 10,693")
    assert rows[1].split() == ["control", "10,653", "0"]
    assert rows[2].split() == ["mens", "10,653", "0", "no"]
    before = trackai("experiments", "show", "email-2008", "--tenant", "hillstrom", "--day", "2026-02-15")
    assert before.stdout == "email-2008   completed   no day is computed yet\n"


def test_a_test_that_waits_says_who_is_not_analysed(
    trackai: Run, connection: Connection[Any], add_tenant: Callable[..., str]
) -> None:
    tenant = add_tenant("acme")
    test = add_test(connection, tenant, "checkout", status="running", sample_size=28_723)
    for day in range(1, 10):
        for variant, users, unlinked in (("control", 8_412, 116), ("a", 8_377, 115)):
            sums = {"users_count": users * day // 9, "unlinked_users": unlinked * day // 9}
            put(connection, tenant, test, date(2026, 3, day), "so_far", variant, {"estimate": 0.03}, **sums)
            put(connection, tenant, test, date(2026, 3, day), "mature", variant)
    excluded = {"conflicting_variants": {"control": 1, "a": 3}, "excluded_user": {"control": 12}}
    health = {"day": date(2026, 3, 9), "excluded_users": Jsonb(excluded), "computed_at": START}
    health["shared_users"] = Jsonb([{"test": "banner", "users": 8_000, "p_value": 0.4}])
    health["novelty"] = Jsonb({"a": {"change": -0.105, "p_value": 0.031}})
    insert(connection, "ab_test_daily_health", {"tenant_id": tenant, "test_id": test, **health})
    for number in range(12):
        user = {"tenant_id": tenant, "user_id": f"bot{number}"}
        insert(connection, "excluded_users", {**user, "reason": "bot"})
        row = {**user, "test_id": test, "variant_assigned": "control", "assigned_at": START}
        insert(connection, "ab_test_assignments", row)
    for number in range(3):
        of = {"tenant_id": tenant, "test_id": test, "conversion_id": number, "user_id": "u1", "class": "counted"}
        sale = {"day": date(2026, 3, 5), "occurred_at": START, "currency": "USD", "value": Decimal(9)}
        insert(connection, "ab_test_outcomes", {**of, **sale, "computed_at": START})
    head, health_line, novelty, *table, note = trackai(
        "experiments", "show", "checkout", "--tenant", "acme"
    ).stdout.splitlines()
    assert head.startswith("checkout   running, day 9   waiting: 8,412 and 8,377 of 14,362 users a variant")
    assert health_line == (
        "  4 users saw both variants (0.02 %), 12 bots, 231 not linked yet (1.4 %), 8,000 users are in banner, too; "
        "3 conversions in USD have no revenue here"
    )
    assert novelty == "  second half of the window next to the first, against control: a -10.0 % (p 0.031)"
    assert table[-1] == "  mature: nobody's window is over"
    assert "not protected against looking" in note


def test_money_is_shown_for_metrics_of_money(
    trackai: Run, connection: Connection[Any], add_tenant: Callable[..., str]
) -> None:
    tenant = add_tenant("acme")
    test = add_test(connection, tenant, "price", status="running", primary_metric="revenue_per_user")
    for variant in ("control", "a"):
        put(connection, tenant, test, date(2026, 3, 1), "so_far", variant, users_count=10, revenue=Decimal("1234.5"))
        put(connection, tenant, test, date(2026, 3, 1), "mature", variant)
    connection.execute(
        "UPDATE trackai.ab_test_daily_results SET metric = 'revenue_per_user', estimate = 123.45, lift = -0.05"
        " WHERE population = 'so_far'"
    )
    _, names, control, a, *_ = trackai("experiments", "show", "price", "--tenant", "acme").stdout.splitlines()
    assert names.split()[:4] == ["variant", "users", "revenue", "revenue"]
    assert control.split() == ["control", "10", "1,234.50", "123.45"]
    assert a.split() == ["a", "10", "1,234.50", "123.45", "-5.0", "%", "no"]


def test_what_does_not_exist_is_refused(trackai: Run, hillstrom: str) -> None:
    for arguments in (["nothing", "--tenant", "hillstrom"], ["email-2008", "--tenant", "nobody"]):
        assert trackai("experiments", "show", *arguments).exit_code == 2
