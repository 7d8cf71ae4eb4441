"""The rules by example, re-matching, late facts, deleted clicks and the explanation of one sale."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from matching.facts import SALE, decided, insert_backlog, insert_click, insert_sale, log_of
from psycopg import Connection, errors

from trackai_pipelines.facts.story import find_conversion
from trackai_pipelines.matching.drain import drain, work_waiting
from trackai_pipelines.matching.rematch import enqueue_rematch
from trackai_pipelines.matching.story import Attempt, Decision, decision_on

AddTenant = Callable[..., str]


def _fbc(click: str, tail: str = "") -> str:
    return f"fb.1.1700000000000.{click}{tail}"


@pytest.mark.parametrize(
    ("click_at", "outcome"),
    [
        (timedelta(minutes=4), "hit"),
        (timedelta(minutes=5), "hit"),
        (timedelta(minutes=5, microseconds=1), "outside_window"),
        (timedelta(minutes=6), "outside_window"),
        (timedelta(days=-90), "outside_window"),
        (timedelta(days=-90, microseconds=1), "hit"),
        (timedelta(days=-91), "outside_window"),
    ],
)
def test_window_is_open_below_and_closed_above(
    connection: Connection, add_tenant: AddTenant, click_at: timedelta, outcome: str
) -> None:
    tenant = add_tenant("acme", lookback_days=90)
    insert_click(connection, tenant, SALE + click_at, fbclid="AbC")
    sale = insert_sale(connection, tenant, "e", fbclid="AbC")
    drain(connection, run_id="test")
    assert log_of(connection, sale)[0] == (1, "fbc", outcome)


@pytest.mark.parametrize(
    ("sale_fbc", "click", "strategy"),
    [
        (_fbc("AbC"), {"fbclid": "AbC"}, "fbc"),
        (_fbc("abc"), {"fbclid": "AbC"}, "unmatched"),
        (_fbc("AbC", ".AQYBAQIA"), {"fbclid": "AbC"}, "fbc"),
        (_fbc("AbC", "."), {"fbc": "fb.2.1600000000000.AbC"}, "fbc"),
        (_fbc("AbC"), {"fbc": "garbage", "fbclid": " AbC\n"}, "fbc"),
        (_fbc("AbC"), {"fbc": _fbc("other"), "fbclid": "AbC"}, "unmatched"),
    ],
)
def test_click_key_is_the_fbclid_wherever_it_stands(
    connection: Connection, add_tenant: AddTenant, sale_fbc: str, click: dict[str, str], strategy: str
) -> None:
    tenant = add_tenant("acme")
    insert_click(connection, tenant, SALE - timedelta(hours=1), **click)
    insert_sale(connection, tenant, "e", fbc=sale_fbc)
    drain(connection, run_id="test")
    assert decided(connection)["e"][0] == strategy


def test_newest_click_wins_and_among_equals_the_highest_id(connection: Connection, add_tenant: AddTenant) -> None:
    tenant = add_tenant("acme")
    insert_click(connection, tenant, SALE - timedelta(hours=2), fbclid="AbC")
    insert_click(connection, tenant, SALE - timedelta(hours=1), fbclid="AbC")
    newest = insert_click(connection, tenant, SALE - timedelta(hours=1), fbclid="AbC")
    insert_sale(connection, tenant, "e", fbclid="AbC")
    drain(connection, run_id="test")
    assert decided(connection)["e"] == ("fbc", newest)


def test_malformed_fbc_is_logged_and_fbp_takes_over(connection: Connection, add_tenant: AddTenant) -> None:
    tenant = add_tenant("acme")
    insert_click(connection, tenant, SALE, fbp="fb.1.1700000000000.99")
    sale = insert_sale(connection, tenant, "e", fbc="garbage", fbp="fb.1.1700000000000.99.AQ")
    drain(connection, run_id="test")
    assert log_of(connection, sale) == [(1, "fbc", "malformed_key"), (2, "fbp", "hit")]


def test_other_tenants_clicks_are_no_candidates(connection: Connection, add_tenant: AddTenant) -> None:
    tenant, other = add_tenant("acme"), add_tenant("other")
    insert_click(connection, other, SALE, fbclid="AbC")
    sale = insert_sale(connection, tenant, "e", fbclid="AbC")
    drain(connection, run_id="test")
    assert log_of(connection, sale) == [(1, "fbc", "no_candidate"), (2, "fbp", "no_key")]


def test_email_is_tried_only_where_the_tenant_wants_it(connection: Connection, add_tenant: AddTenant) -> None:
    for slug, wanted in (("with", True), ("without", False)):
        tenant = add_tenant(slug, email_matching=wanted)
        click = insert_click(connection, tenant, SALE - timedelta(days=1))
        connection.execute(
            "INSERT INTO trackai.identities (tenant_id, email_hash, click_id) VALUES (%s, %s, %s)",
            (tenant, "a" * 64, click),
        )
        insert_sale(connection, tenant, slug, customer_email_hash="a" * 64)
    drain(connection, run_id="test")
    assert {event: strategy for event, (strategy, _) in decided(connection).items()} == {
        "with": "email",
        "without": "unmatched",
    }


def test_late_click_and_late_identity_rematch_by_themselves(connection: Connection, add_tenant: AddTenant) -> None:
    tenant = add_tenant("acme", email_matching=True)
    by_click = insert_sale(connection, tenant, "click", fbclid="AbC")
    insert_sale(connection, tenant, "identity", customer_email_hash="a" * 64)
    drain(connection, run_id="first")
    insert_click(connection, tenant, SALE - timedelta(days=100), fbclid="AbC")
    drain(connection, run_id="too early")
    assert decided(connection)["click"][0] == "unmatched"
    assert len(log_of(connection, by_click)) == 3, "a click that cannot match makes no attempt"

    click = insert_click(connection, tenant, SALE, fbclid="AbC", external_id="landing-1")
    connection.execute(
        "INSERT INTO trackai.identities (tenant_id, email_hash, click_external_id) VALUES (%s, %s, 'landing-1')",
        (tenant, "a" * 64),
    )
    report = drain(connection, run_id="late")
    assert decided(connection) == {"click": ("fbc", click), "identity": ("email", click)}
    assert report.rematched == 2
    assert log_of(connection, by_click)[3:] == [(4, "fbc", "hit")]


def test_identity_that_names_its_click_before_the_click_is_here(connection: Connection, add_tenant: AddTenant) -> None:
    tenant = add_tenant("acme", email_matching=True)
    insert_sale(connection, tenant, "e", customer_email_hash="a" * 64)
    connection.execute(
        "INSERT INTO trackai.identities (tenant_id, email_hash, click_external_id) VALUES (%s, %s, 'landing-1')",
        (tenant, "a" * 64),
    )
    drain(connection, run_id="first")
    assert decided(connection)["e"] == ("unmatched", None)
    click = insert_click(connection, tenant, SALE, external_id="landing-1")
    drain(connection, run_id="second")
    assert decided(connection)["e"] == ("email", click)


def test_matched_conversion_keeps_its_click(connection: Connection, add_tenant: AddTenant) -> None:
    tenant = add_tenant("acme")
    first = insert_click(connection, tenant, SALE - timedelta(hours=1), fbclid="AbC")
    insert_sale(connection, tenant, "e", fbclid="AbC")
    drain(connection, run_id="test")
    insert_click(connection, tenant, SALE, fbclid="AbC")
    assert enqueue_rematch(connection, SALE.date(), SALE.date()) == 0
    drain(connection, run_id="test")
    assert decided(connection)["e"] == ("fbc", first)


def test_rematch_numbers_on_and_refuses_an_empty_range(connection: Connection, add_tenant: AddTenant) -> None:
    tenant = add_tenant("acme")
    sale = insert_sale(connection, tenant, "e", fbclid="AbC")
    drain(connection, run_id="test")
    assert enqueue_rematch(connection, SALE.date() - timedelta(days=3), SALE.date()) == 1
    drain(connection, run_id="test")
    assert [attempt for attempt, _, _ in log_of(connection, sale)] == [1, 2, 3, 4]
    with pytest.raises(ValueError, match="is empty"):
        enqueue_rematch(connection, date(2026, 3, 2), date(2026, 3, 1))


def test_rematch_mends_a_conversion_that_was_never_queued(connection: Connection, add_tenant: AddTenant) -> None:
    tenant = add_tenant("acme")
    insert_sale(connection, tenant, "e")
    connection.execute("DELETE FROM trackai.match_queue")
    drain(connection, run_id="test")
    assert decided(connection) == {}
    enqueue_rematch(connection, SALE.date(), SALE.date())
    drain(connection, run_id="test")
    assert decided(connection) == {"e": ("unmatched", None)}


def test_suspended_tenant_stays_pending_and_costs_no_one_else(connection: Connection, add_tenant: AddTenant) -> None:
    away, here = add_tenant("away", status="suspended"), add_tenant("here")
    insert_backlog(connection, [away, here], 200)
    report = drain(connection, run_id="test", batch_size=7)
    assert report.conversions == 100
    assert work_waiting(connection).conversions == 0
    connection.execute("UPDATE trackai.tenants SET status = 'active', updated_at = now() WHERE id = %s", (away,))
    assert work_waiting(connection).conversions == 100
    assert drain(connection, run_id="test").conversions == 100


def test_tenants_take_turns(connection: Connection, add_tenant: AddTenant) -> None:
    large, small = add_tenant("a-large"), add_tenant("b-small")
    insert_backlog(connection, [large], 1_000)
    insert_sale(connection, small, "small")
    decided_after: list[bool] = []
    drain(
        connection,
        run_id="test",
        batch_size=100,
        on_batch=lambda _: decided_after.append("small" in decided(connection)),
    )
    assert decided_after.index(True) == 1, "the small tenant is served after one batch of the large one's backlog"


def test_deleting_a_click_keeps_conversion_and_attribution(connection: Connection, add_tenant: AddTenant) -> None:
    tenant = add_tenant("acme")
    click = insert_click(connection, tenant, SALE, fbclid="AbC")
    insert_sale(connection, tenant, "e", fbclid="AbC")
    drain(connection, run_id="test")
    before = connection.execute("SELECT strategy, matched_at FROM trackai.matched_attributions").fetchall()
    connection.execute("DELETE FROM trackai.clicks WHERE id = %s", (click,))
    assert connection.execute("SELECT strategy, matched_at FROM trackai.matched_attributions").fetchall() == before
    assert decided(connection)["e"] == ("fbc", None)
    drain(connection, run_id="test")
    assert decided(connection)["e"] == ("fbc", None)
    decision, _ = explained(connection, "acme", "e")
    assert "deleted" in decision.sentence


def test_conversions_are_immutable(connection: Connection, add_tenant: AddTenant) -> None:
    insert_sale(connection, add_tenant("acme"), "e")
    with pytest.raises(errors.RestrictViolation, match="immutable"):
        connection.execute("UPDATE trackai.conversions SET value = 1")


def explained(connection: Connection, tenant: str, event_id: str) -> tuple[Decision, list[Attempt]]:
    """What was decided about a conversion that is there, and the attempts."""
    found = find_conversion(connection, tenant, "hotmart", event_id)
    assert found is not None
    decision = decision_on(connection, *found)
    assert decision is not None
    return decision


def test_explanations(connection: Connection, add_tenant: AddTenant) -> None:
    tenant = add_tenant("acme", email_matching=True)
    insert_click(connection, tenant, SALE - timedelta(days=200), fbclid="old")
    click = insert_click(connection, tenant, SALE, fbclid="AbC")
    insert_sale(connection, tenant, "hit", fbclid="AbC")
    insert_sale(connection, tenant, "miss", fbclid="old", fbp="x")
    drain(connection, run_id="run-1")
    insert_sale(connection, tenant, "waiting")
    insert_sale(connection, add_tenant("away", status="suspended"), "suspended")

    decision, attempts = explained(connection, tenant, "hit")
    assert decision.sentence == f"Matched by fbc to click {click}."
    assert [(attempt.outcome, attempt.run_id) for attempt in attempts] == [("hit", "run-1")]
    decision, attempts = explained(connection, "acme", "miss")
    assert [attempt.outcome for attempt in attempts] == ["outside_window", "malformed_key", "no_key"]
    assert all(attempt.meaning for attempt in attempts)
    assert decision.window == (SALE - timedelta(days=90), SALE + timedelta(minutes=5))
    assert decision.sentence.startswith("Unmatched")
    decision, _ = explained(connection, "acme", "waiting")
    assert decision.sentence.startswith("Pending")
    decision, _ = explained(connection, "away", "suspended")
    assert "suspended" in decision.sentence
    connection.execute("DELETE FROM trackai.match_queue")
    decision, _ = explained(connection, "acme", "waiting")
    assert decision.sentence.startswith("Never queued")
    assert find_conversion(connection, "acme", "hotmart", "unheard of") is None
