"""The life of a test: which transitions there are, what starting needs and freezes, and how commands end."""

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from math import ceil
from random import Random
from typing import Any

import pytest
from experiments.shop import START, add_buyers, add_test, insert
from psycopg import Connection
from typer.testing import Result

from trackai_pipelines.experiments.creating import ChangedBy, create_test, delete_draft
from trackai_pipelines.experiments.designs import config_digest, read_design
from trackai_pipelines.experiments.life import StartTerms, change, complete_ended, start
from trackai_pipelines.experiments.refusals import ExperimentRefusedError, UnknownTestError
from trackai_pipelines.experiments.rules import NewTest

Run = Callable[..., Result]
NOW = START + timedelta(days=5)
ANA = ChangedBy("ana", "agreed")
NO_TERMS = StartTerms()
_BECOMES = {
    ("draft", "start"): "running",
    ("draft", "archive"): "archived",
    ("running", "pause"): "paused",
    ("running", "complete"): "completed",
    ("paused", "resume"): "running",
    ("paused", "complete"): "completed",
    ("paused", "archive"): "archived",
    ("completed", "archive"): "archived",
}


@pytest.fixture
def tenant(add_tenant: Callable[..., str]) -> str:
    """Return the tenant whose tests live."""
    return add_tenant("acme")


def _status(connection: Connection[Any], tenant: str, key: str) -> str:
    return read_design(connection, tenant, key).status


def test_every_transition_and_every_refusal(trackai: Run, connection: Connection[Any], tenant: str) -> None:
    """Each command on a test of each status; the other tenant's test of the same key stays as it is."""
    insert(connection, "tenants", id="t-other", slug="other", name="other")
    add_test(connection, "t-other", "checkout", sample_size=100)
    add_test(connection, tenant, "checkout", sample_size=100)
    for status in ("draft", "running", "paused", "completed", "archived"):
        for action in ("start", "pause", "resume", "complete", "archive"):
            connection.execute("UPDATE trackai.ab_tests SET status = %s WHERE tenant_id = %s", (status, tenant))
            result = trackai("experiments", action, "checkout", "--tenant", "acme")
            said = " ".join(result.output.split())
            becomes = _BECOMES.get((status, action))
            if becomes is None:
                assert result.exit_code == 2, said
                assert "checkout cannot be" in said, said
                assert _status(connection, tenant, "checkout") == status
            else:
                assert result.exit_code == 0, said
                assert _status(connection, tenant, "checkout") == becomes
    assert _status(connection, "t-other", "checkout") == "draft"
    assert read_design(connection, "t-other", "checkout").started_at is None
    events = connection.execute(
        "SELECT from_status, action, to_status FROM trackai.ab_test_events WHERE tenant_id = %s", (tenant,)
    ).fetchall()
    assert {(before, action): after for before, action, after in events} == _BECOMES
    assert len(events) == len(_BECOMES)


def test_a_test_by_commands(trackai: Run, connection: Connection[Any], tenant: str) -> None:
    insert(connection, "campaigns", tenant_id=tenant, campaign_id="spring", name="Spring")

    def run(*arguments: str) -> str:
        result = trackai("experiments", *arguments)
        assert result.exit_code == 0, result.output
        return " ".join(result.output.split())

    def refused(*arguments: str) -> str:
        result = trackai("experiments", *arguments)
        assert result.exit_code == 2, result.output
        return " ".join(result.output.replace("│", " ").split())

    of_acme = ("--tenant", "acme")
    settings = ("--variant", "blue", "--weights", "0.75,0.25", "--campaign", "spring", "--event", "add_to_cart")
    money = ("--currency", "BRL", "--revenue-cap", "499.90", "--guardrail", "orders_per_user:0.05:proven")
    assert "checkout draft: control 0.75, blue 0.25" in run("create", "checkout", *of_acme, *settings, *money)
    add_test(connection, tenant, "alone", variant_a=None)
    design = read_design(connection, tenant, "checkout")
    assert (design.variants, design.weights, design.outcome_event) == (("control", "blue"), (0.75, 0.25), "AddToCart")
    assert (design.currency, design.revenue_cap) == ("BRL", Decimal("499.9000"))
    assert [(one.metric, one.margin, one.rule) for one in design.guardrails] == [("orders_per_user", 0.05, "proven")]

    assert "There is a test checkout already" in refused("create", "checkout", *of_acme)
    assert "no campaign 'autumn'" in refused("create", "other", *of_acme, "--campaign", "autumn")
    assert "hashes with 'checkout'" in refused("create", "other", *of_acme, "--hash-seed", "checkout")
    assert "no tenant nobody" in refused("create", "other", "--tenant", "nobody")
    assert "no list of shares" in refused("create", "other", *of_acme, "--weights", "half")
    assert "no amount" in refused("create", "other", *of_acme, "--revenue-cap", "much")
    assert "no margin" in refused("create", "other", *of_acme, "--guardrail", "orders_per_user:little")
    assert "There is no test other" in refused("start", "other", *of_acme)
    assert "has no sample size" in refused("start", "checkout", *of_acme)

    assert "checkout draft: control 0.5, a 0.5" in run("create", "checkout", *of_acme, "--variant", "a", "--replace")
    _plan_by_commands(run, refused, connection, tenant)
    assert read_design(connection, tenant, "checkout").guardrails == ()
    said = run("start", "checkout", *of_acme, "--currency", "BRL", "--by", "ana", "--reason", "agreed")
    assert "checkout draft -> running Revenue is in BRL, without a cap: 0 buyers are too few to propose one" in said
    assert "checkout is running: only drafts" in refused("create", "checkout", *of_acme, "--replace")
    assert "checkout is running: only drafts" in refused("delete", "checkout", *of_acme)
    event = connection.execute(
        "SELECT by_whom, reason, config->>'currency' FROM trackai.ab_test_events WHERE action = 'start'"
    ).fetchone()
    assert event == ("ana", "agreed", "BRL")
    assert "acme checkout running 0 0" in run("list")
    run("create", "banner", *of_acme)
    assert "banner deleted" in run("delete", "banner", *of_acme)
    assert "banner" not in run("list", *of_acme)


def _plan_by_commands(
    run: Callable[..., str], refused: Callable[..., str], connection: Connection[Any], tenant: str
) -> None:
    plan = ("plan", "checkout", "--tenant", "acme", "--baseline", "0.03")
    assert "give one of --lift and --days" in refused(*plan)
    assert "give one of --lift and --days" in refused(*plan, "--lift", "0.2", "--days", "14")
    assert "no test can find a lift" in refused(*plan, "--lift", "0").lower()
    assert "nothing to compare it with" in refused("plan", "alone", "--tenant", "acme", "--days", "1")
    said = run(*plan, "--lift", "0.2")
    assert "28,723 users find a lift of 20.0 % on conversion_rate 3.000 %, with 80 % power at 95 % confidence" in said
    assert "nobody was created lately" in said
    assert said.endswith("checkout keeps it: 28,723 users in all variants together.")
    design = read_design(connection, tenant, "checkout")
    assert (design.sample_size, design.planned_lift, design.planned_baseline) == (28_723, 0.2, 0.03)
    said = run(*plan, "--days", "29", "--users-a-day", "1000")
    assert "29,000 users find a lift from 19.9 % on" in said
    assert said.endswith("1,000 users a day take part: 29 days, and 14 more until the last window is over")
    assert read_design(connection, tenant, "checkout") == design
    run("create", "money", "--tenant", "acme", "--variant", "a", "--metric", "revenue_per_user", "--estimator", "cuped")
    money = ("plan", "money", "--tenant", "acme", "--days", "14", "--users-a-day", "10")
    assert "revenue_per_user needs a currency" in refused(*money)
    said = run(*money, "--currency", "BRL")
    assert "140 users find no lift on revenue_per_user" in said
    plain = json.loads(run(*money, "--currency", "BRL", "--json"))
    assert (plain["test"], plain["kept"], plain["sample_size"], plain["lift"]) == ("money", False, 140, None)


def _draft(connection: Connection[Any], tenant: str, key: str, **columns: Any) -> None:
    new = NewTest(test_key=key, name=key, variants=("control", "a"), start_date=START, **{"sample_size": 99, **columns})
    create_test(connection, tenant, new, ANA, START)


def test_what_starting_needs(connection: Connection[Any], tenant: str) -> None:
    def refused(key: str, terms: StartTerms = NO_TERMS) -> str:
        with pytest.raises(ExperimentRefusedError) as error:
            start(connection, tenant, key, ANA, NOW, terms)
        assert _status(connection, tenant, key) == "draft"
        return str(error.value)

    add_test(connection, tenant, "alone", variant_a=None, sample_size=99)
    assert "nothing to compare it with" in refused("alone")
    _draft(connection, tenant, "over", end_date=NOW)
    assert "2026-03-06 00:00 UTC, is over" in refused("over")
    _draft(connection, tenant, "ours")
    assert "--since is for tests whose assignments" in refused("ours", StartTerms(since=START))
    _draft(connection, tenant, "theirs", assigned_by="outside", end_date=NOW - timedelta(days=1))
    assert "in the future" in refused("theirs", StartTerms(since=NOW + timedelta(seconds=1)))
    assert "before the start date of theirs, 2026-03-01 00:00 UTC" in refused(
        "theirs", StartTerms(since=START - timedelta(1))
    )
    assert "is over" in refused("theirs")
    started = start(connection, tenant, "theirs", ANA, NOW, StartTerms(since=START + timedelta(days=1))).design
    assert (started.started_at, started.status) == (START + timedelta(days=1), "running")


def test_the_currency_is_told_by_the_sales_before(connection: Connection[Any], tenant: str) -> None:
    def started(key: str, terms: StartTerms = NO_TERMS, **columns: Any) -> str | None:
        _draft(connection, tenant, key, **columns)
        return start(connection, tenant, key, ANA, NOW, terms).design.currency

    with pytest.raises(ExperimentRefusedError, match="revenue_per_user needs a currency, and there are no sales"):
        started("revenue", primary_metric="revenue_per_user")
    assert started("rate") is None
    with pytest.raises(ExperimentRefusedError, match="A revenue cap of capped needs a currency"):
        started("capped", StartTerms(revenue_cap=Decimal(5)))
    add_buyers(connection, tenant, [Decimal(10)] * 2, NOW - timedelta(days=28))
    assert started("brl") == "BRL"
    sale = {"tenant_id": tenant, "gateway": "stripe", "value": 1, "currency": "USD"}
    early, late = NOW - timedelta(days=28, microseconds=1), NOW
    insert(connection, "conversions", **sale, gateway_event_id="early", occurred_at=early)
    insert(connection, "conversions", **sale, gateway_event_id="late", occurred_at=late)
    assert started("still") == "BRL"
    insert(connection, "conversions", **sale, gateway_event_id="in", occurred_at=late - timedelta(microseconds=1))
    with pytest.raises(ExperimentRefusedError, match="are in BRL and USD: give --currency"):
        started("mixed")
    with pytest.raises(ExperimentRefusedError, match="'R\\$' is no currency"):
        start(connection, tenant, "mixed", ANA, NOW, StartTerms(currency="R$"))
    assert start(connection, tenant, "mixed", ANA, NOW, StartTerms(currency="EUR")).design.currency == "EUR"
    assert started("given", currency="USD") == "USD"


def test_the_cap_is_what_one_buyer_in_a_thousand_exceeds(connection: Connection[Any], tenant: str) -> None:
    random = Random(5)
    values = [Decimal(random.randrange(100, 90_000)) / 100 for _ in range(1_003)]
    add_buyers(connection, tenant, values[:999], NOW - timedelta(days=14))
    add_buyers(connection, tenant, [Decimal(5_000)], NOW, prefix="later")
    add_buyers(connection, tenant, [Decimal(6_000)], NOW - timedelta(days=14, seconds=1), prefix="earlier")

    def started(key: str, terms: StartTerms = NO_TERMS, **columns: Any) -> tuple[Decimal | None, int | None]:
        _draft(connection, tenant, key, **columns)
        found = start(connection, tenant, key, ANA, NOW, terms)
        return found.design.revenue_cap, found.proposed.buyers if found.proposed else None

    assert started("few") == (None, 999)
    add_buyers(connection, tenant, values[999:], NOW - timedelta(days=14), prefix="more")
    # One of them buys twice: their revenue is the sum.
    connection.execute("UPDATE trackai.user_conversions SET user_id = 'buyer0' WHERE user_id = 'more0'")
    spent = sorted([values[0] + values[999], *values[1:999], *values[1_000:]])
    assert started("many") == (spent[ceil(0.999 * len(spent)) - 1].quantize(Decimal("0.0001")), 1_002)
    assert started("own", revenue_cap=Decimal(7)) == (Decimal(7), None)
    assert started("given", StartTerms(revenue_cap=Decimal(8)), revenue_cap=Decimal(7)) == (Decimal(8), None)
    assert started("none", StartTerms(capped=False), revenue_cap=Decimal(7)) == (None, None)
    assert started("other event", outcome_event="Subscribe") == (None, 0)
    assert started("clicked", outcome_scope="attributed") == (None, 0)


def test_starting_freezes_what_is_compared(connection: Connection[Any], tenant: str) -> None:
    _draft(connection, tenant, "checkout")
    design = start(connection, tenant, "checkout", ANA, NOW, StartTerms()).design
    assert (design.started_at, design.config_digest) == (NOW, config_digest(design))
    assert not design.configuration_changed
    paused = change(connection, tenant, "checkout", "pause", ANA, NOW + timedelta(days=1))
    change(connection, tenant, "checkout", "resume", ANA, NOW + timedelta(days=2))
    done = change(connection, tenant, "checkout", "complete", ANA, NOW + timedelta(days=3))
    assert (done.started_at, done.completed_at, done.config_digest) == (
        NOW,
        NOW + timedelta(days=3),
        paused.config_digest,
    )
    (period,) = connection.execute("SELECT period::text FROM trackai.v_ab_test_periods").fetchone() or ("",)
    assert period == (
        '{["2026-03-06 00:00:00+00","2026-03-07 00:00:00+00"),["2026-03-08 00:00:00+00","2026-03-09 00:00:00+00")}'
    )


def test_a_test_completes_by_itself_after_its_end(connection: Connection[Any], tenant: str) -> None:
    for key, status, days in (("ended", "running", 2), ("paused", "paused", 2), ("open", "running", None)):
        end = None if days is None else START + timedelta(days=days)
        add_test(connection, tenant, key, status=status, end_date=end, started_at=START)
    assert complete_ended(connection, START + timedelta(days=2) - timedelta(microseconds=1)) == []
    done = complete_ended(connection, NOW)
    assert [(one.test_key, one.status, one.completed_at) for one in done] == [
        ("ended", "completed", NOW),
        ("paused", "completed", NOW),
    ]
    assert complete_ended(connection, NOW) == []
    by = connection.execute("SELECT DISTINCT action, by_whom, reason FROM trackai.ab_test_events").fetchall()
    assert by == [("complete", "trackai", "end_date is over")]


def test_a_draft_can_be_deleted_until_somebody_is_assigned(connection: Connection[Any], tenant: str) -> None:
    _draft(connection, tenant, "checkout")
    delete_draft(connection, tenant, "checkout")
    with pytest.raises(UnknownTestError):
        delete_draft(connection, tenant, "checkout")
    test = add_test(connection, tenant, "checkout")
    insert(connection, "ab_test_assignments", tenant_id=tenant, test_id=test, user_id="u1", variant_assigned="a")
    with pytest.raises(ExperimentRefusedError, match="Users are assigned to checkout already"):
        delete_draft(connection, tenant, "checkout")
