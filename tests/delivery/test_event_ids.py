"""Which conversions are one event: those with one id, unless their gateway says that they are two sales."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from delivery.sales import recipient, sale
from delivery.scenes import Tokens, outcomes, send_due
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from trackai_pipelines.capi_sandbox.client import Sandbox
from trackai_pipelines.delivery.account import account_for
from trackai_pipelines.delivery.dry_run import dry_run
from trackai_pipelines.delivery.events import encoded, event_of, registry_event_id
from trackai_pipelines.delivery.health import health
from trackai_pipelines.delivery.prepare import IdOwner, Prepared, with_own_ids
from trackai_pipelines.delivery.replay import enqueue_days
from trackai_pipelines.delivery.story import dispatch_story
from trackai_pipelines.domain import Checkup, Finding, Level
from trackai_pipelines.settings import CapiSettings

AddTenant = Callable[..., str]


def insert(
    connection: Connection,
    tenant: str,
    event: str,
    *,
    sale_key: str | None,
    gateway: str = "mercadopago",
    order: str | None = "curso-violao",
    value: str | None = "97.00",
    minutes_ago: int = 60,
    action_source: str | None = None,
) -> int:
    """An attributed sale; its id."""
    row = connection.execute(
        """
        WITH made AS (
            INSERT INTO trackai.conversions
                (tenant_id, gateway, gateway_event_id, sale_key, order_id, value, currency, occurred_at,
                 customer_email_hash, action_source)
            VALUES (%s, %s, %s, %s, %s, %s, 'BRL', %s, %s, %s)
            RETURNING tenant_id, id
        ), attributed AS (
            INSERT INTO trackai.matched_attributions (tenant_id, conversion_id, strategy)
            SELECT tenant_id, id, 'unmatched' FROM made
        )
        SELECT id FROM made
        """,
        (
            tenant,
            gateway,
            event,
            sale_key,
            order,
            value,
            datetime.now(UTC) - timedelta(minutes=minutes_ago),
            hashlib.sha256(event.encode()).hexdigest(),
            action_source,
        ),
    ).fetchone()
    assert row is not None
    return int(row[0])


def ids(connection: Connection) -> dict[int, str]:
    """The registered id of each conversion."""
    found = connection.execute("SELECT conversion_id, event_id FROM trackai.dedupe_registry").fetchall()
    assert len(dict(found)) == len(found), "a conversion has one id"
    return dict(found)


def dry_ids(connection: Connection, folder: Path) -> dict[int, str]:
    """The id that a dry run shows for each event that would be sent."""
    found = dry_run(connection, folder, tokens=Tokens(), settings=CapiSettings())
    assert found.folder == folder
    lines = [json.loads(line) for line in (folder / "diff.jsonl").read_text().splitlines()]
    return {line["conversion_id"]: line["event_id"] for line in lines if line["change"] != "refused"}


def digest(*parts: str) -> str:
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


BASE = ("t-acme", "curso-violao", "Purchase", "97.00", "BRL")
DOUBLED = [("failed", "duplicate_event")]
SENT = [("success", None)]


@pytest.fixture
def acme(add_tenant: AddTenant) -> str:
    """A tenant with a pixel."""
    return add_tenant("acme", pixel_id="1001")


def test_two_payments_of_one_reference_are_two_events(
    database_url: str, connection: Connection, acme: str, box: Sandbox, tmp_path: Path
) -> None:
    first = insert(connection, acme, "1310000011", sale_key="1310000011", minutes_ago=60)
    second = insert(connection, acme, "1310000012", sale_key="1310000012", minutes_ago=30)
    expected = {first: digest(*BASE), second: digest(*BASE, "mercadopago", "1310000012")}
    assert dry_ids(connection, tmp_path / "dry") == expected
    send_due(database_url, box.base_url)
    assert outcomes(connection) == {first: SENT, second: SENT}
    assert ids(connection) == expected
    assert box.pixel("1001").accepted == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"sale_key": None}, {"sale_key": None}),
        ({"sale_key": "s-1"}, {"sale_key": None}),
        ({"sale_key": None}, {"sale_key": "s-1"}),
        ({"sale_key": "s-1"}, {"sale_key": "s-2", "gateway": "stripe"}),
        ({"sale_key": "s-1"}, {"sale_key": "s-1", "gateway": "stripe"}),
    ],
)
def test_what_no_gateway_calls_two_sales_is_one_event(
    database_url: str,
    connection: Connection,
    acme: str,
    box: Sandbox,
    tmp_path: Path,
    one: dict[str, Any],
    other: dict[str, Any],
) -> None:
    first = insert(connection, acme, "e-1", minutes_ago=60, **one)
    second = insert(connection, acme, "e-2", minutes_ago=30, **other)
    assert dry_ids(connection, tmp_path / "dry") == {first: digest(*BASE)}
    send_due(database_url, box.base_url)
    assert outcomes(connection) == {first: SENT, second: DOUBLED}
    ((message,),) = connection.execute(
        "SELECT message FROM trackai.dispatch_attempts WHERE failure = 'duplicate_event'"
    ).fetchall()
    assert f"same_event_as conversion {first} (mercadopago e-1)" in message


def test_doctor_and_explain_name_the_sale_that_it_is_the_same_event_as(
    database_url: str, connection: Connection, acme: str, box: Sandbox
) -> None:
    def finding() -> Finding:
        (found,) = [f for f in health(Checkup(connection, datetime.now(UTC), ())) if f.check == "same events"]
        return found

    insert(connection, acme, "e-1", sale_key="s-1", minutes_ago=60)
    insert(connection, acme, "e-2", sale_key="s-2", minutes_ago=50)
    # Another gateway may report the same sale.
    insert(connection, acme, "e-3", sale_key="s-3", gateway="stripe", minutes_ago=40)
    send_due(database_url, box.base_url)
    assert finding().level == Level.OK
    held_back = insert(connection, acme, "e-4", sale_key=None, minutes_ago=30)
    send_due(database_url, box.base_url)
    assert finding().level == Level.WARN
    assert "acme mercadopago e-4 same_event_as e-1" in finding().said
    told = dispatch_story(connection, acme, held_back)
    assert told is not None
    assert "same_event_as conversion" in told.verdict
    assert "(mercadopago e-1)" in told.verdict


@pytest.mark.parametrize(
    ("source", "days", "sent"), [("physical_store", 61, 1), ("physical_store", 63, 0), ("app", 8, 0)]
)
def test_a_sale_in_a_store_has_62_days(
    database_url: str, connection: Connection, acme: str, box: Sandbox, source: str, days: int, sent: int
) -> None:
    one = insert(connection, acme, "e-1", sale_key=None, minutes_ago=days * 24 * 60, action_source=source)
    send_due(database_url, box.base_url)
    assert len(box.events("1001")) == sent
    told = dispatch_story(connection, acme, one)
    assert told is not None
    assert told.verdict.startswith("Sent" if sent else "Never due")
    # A replay queues what Meta takes, and nothing else.
    connection.execute("DELETE FROM trackai.dispatch_attempts")
    today = datetime.now(UTC).date()
    assert enqueue_days(connection, today - timedelta(days=64), today) == sent
    account = account_for(connection, datetime.now(UTC) - timedelta(days=70))
    assert account.unexplained == 0


def test_the_one_that_was_registered_first_keeps_the_id_whatever_the_times_of_the_sales(
    database_url: str, connection: Connection, acme: str, box: Sandbox, tmp_path: Path
) -> None:
    late = insert(connection, acme, "e-2", sale_key="s-2", minutes_ago=30)
    send_due(database_url, box.base_url)
    early = insert(connection, acme, "e-1", sale_key="s-1", minutes_ago=90)
    expected = {late: digest(*BASE), early: digest(*BASE, "mercadopago", "e-1")}
    assert dry_ids(connection, tmp_path / "dry") == {early: expected[early]}
    send_due(database_url, box.base_url)
    assert ids(connection) == expected
    # Sent again on request, each has the id that it had.
    today = datetime.now(UTC).date()
    enqueue_days(connection, today - timedelta(days=1), today, resend_already_sent=True)
    assert dry_ids(connection, tmp_path / "again") == expected
    send_due(database_url, box.base_url)
    assert ids(connection) == expected
    assert outcomes(connection) == {late: SENT * 2, early: SENT * 2}


def test_a_sale_that_was_held_back_before_is_sent_by_a_replay(
    database_url: str, connection: Connection, acme: str, box: Sandbox
) -> None:
    first = insert(connection, acme, "e-1", sale_key="s-1", minutes_ago=60)
    second = insert(connection, acme, "e-2", sale_key="s-2", minutes_ago=30)
    send_due(database_url, box.base_url)
    # As an earlier version left it.
    connection.execute("DELETE FROM trackai.dedupe_registry WHERE conversion_id = %s", (second,))
    connection.execute(
        "UPDATE trackai.dispatch_attempts SET status = 'failed', failure = 'duplicate_event' WHERE conversion_id = %s",
        (second,),
    )
    today = datetime.now(UTC).date()
    enqueue_days(connection, today - timedelta(days=1), today)
    send_due(database_url, box.base_url)
    assert outcomes(connection) == {first: SENT, second: [*DOUBLED, *SENT]}


def test_the_id_that_is_sent_by_order_is_apart_too(
    database_url: str, connection: Connection, add_tenant: AddTenant, box: Sandbox
) -> None:
    tenant = add_tenant("acme", pixel_id="1001", sent_event_id="order")
    insert(connection, tenant, "e-1", sale_key="s-1", minutes_ago=60)
    insert(connection, tenant, "e-2", sale_key="s-2", minutes_ago=30)
    send_due(database_url, box.base_url)
    sent = sorted(event.event_id for event in box.events("1001"))
    assert sent == ["curso-violao.Purchase", "mercadopago:e-2.Purchase"]


def test_an_owner_that_is_gone_is_taken_for_the_same_event() -> None:
    one = sale(sale_key="s-1")
    event_id = registry_event_id("t-acme", one)
    own, doubled = with_own_ids(recipient(), [_prepared(one)], {event_id: IdOwner(99, None, None, None)})
    assert own == []
    assert [closed.problem.failure for closed in doubled if closed.problem] == ["duplicate_event"]


def _prepared(one: Any) -> Prepared:
    text = encoded(event_of(recipient(), one))
    event_id = registry_event_id("t-acme", one)
    return Prepared(one.conversion_id, one.occurred_at, 1, None, event_id, text, 0, stored=False, sale=one)


# A sale that arrives: gateway, whether it has a key of its own, order, value, minutes ago.
ARRIVAL = st.tuples(
    st.sampled_from(["stripe", "hotmart"]),
    st.booleans(),
    st.sampled_from(["o-1", "o-2", None]),
    st.sampled_from(["10.00", "20.00"]),
    st.integers(1, 600),
)
# What happens between arrivals: a dispatch, one whose answers nobody recorded, a replay of all days.
STEP = st.sampled_from(["send", "die", "replay", "nothing"])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(course=st.lists(st.tuples(ARRIVAL, STEP), min_size=1, max_size=9))
def test_any_order_of_arrivals_deliveries_deaths_and_replays(
    database_url: str, connection: Connection, add_tenant: AddTenant, box: Sandbox, course: list[Any]
) -> None:
    """What is sent is what the rule says of the order of registration, and an id never changes."""
    ((number,),) = connection.execute("SELECT count(*) FROM trackai.tenants").fetchall()
    tenant = add_tenant(f"w{number}", pixel_id=str(5000 + number))
    arrived: dict[int, tuple[str, bool, str, str, str]] = {}
    known: dict[int, str] = {}
    for place, ((gateway, has_key, order, value, ago), step) in enumerate(course):
        event = f"e-{place}"
        sale_key = f"key-{place}" if has_key else None
        one = insert(
            connection, tenant, event, gateway=gateway, sale_key=sale_key, order=order, value=value, minutes_ago=ago
        )
        arrived[one] = (gateway, has_key, order or f"{gateway}:{event}", value, event)
        if step == "replay":
            today = datetime.now(UTC).date()
            enqueue_days(connection, today - timedelta(days=1), today)
        if step != "nothing":
            send_due(database_url, box.base_url)
        if step == "die":
            _forget_answers(connection, tenant)
        now = {one: event_id for one, event_id in ids(connection).items() if one in arrived}
        assert known.items() <= now.items()
        known = now
    send_due(database_url, box.base_url)
    known = {one: event_id for one, event_id in ids(connection).items() if one in arrived}
    owners = {event_id: one for one, event_id in known.items()}
    for one, (gateway, has_key, order, value, event) in arrived.items():
        base = (tenant, order, "Purchase", value, "BRL")
        owner = owners[digest(*base)]
        if owner == one:
            continue
        other_gateway, other_has_key, *_ = arrived[owner]
        two_sales = gateway == other_gateway and has_key and other_has_key
        assert known.get(one) == (digest(*base, gateway, event) if two_sales else None)
    tried = outcomes(connection)
    assert {one for one in arrived if ("success", None) in tried[one]} == set(known)


def _forget_answers(connection: Connection, tenant: str) -> None:
    """Leave the tenant as a worker does that died after it had sent: attempts are pending, and the events queued."""
    connection.execute(
        """
        WITH forgotten AS (
            UPDATE trackai.dispatch_attempts d
            SET status = 'pending', http_status = NULL, fbtrace_id = NULL, completed_at = NULL
            WHERE tenant_id = %s AND status = 'success'
            RETURNING *
        )
        INSERT INTO trackai.dispatch_queue (tenant_id, occurred_at, conversion_id, attempts)
        SELECT f.tenant_id, c.occurred_at, c.id, max(f.attempt)
        FROM forgotten f JOIN trackai.conversions c ON c.tenant_id = f.tenant_id AND c.id = f.conversion_id
        GROUP BY 1, 2, 3
        ON CONFLICT DO NOTHING
        """,
        (tenant,),
    )
