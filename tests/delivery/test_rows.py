"""Rows of delivery's statements are read by the names of their columns: each value arrives in its own field."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from delivery.scenes import Tokens, insert_sales
from psycopg import Connection
from psycopg.rows import dict_row, kwargs_row
from psycopg.types.json import Jsonb

from trackai_pipelines.database.statements import statement
from trackai_pipelines.delivery.account import account_for
from trackai_pipelines.delivery.backlog import backlog_of
from trackai_pipelines.delivery.circuit import Circuit
from trackai_pipelines.delivery.dry_run import dry_run
from trackai_pipelines.delivery.events import AttributedSale, Recipient
from trackai_pipelines.delivery.prepare import Doubt, QueuedEvent, next_events, queued_event
from trackai_pipelines.settings import CapiSettings

AddTenant = Callable[..., str]

NOW = datetime.now(UTC).replace(microsecond=0)
RECIPIENT = Recipient(
    tenant_id="t-acme",
    slug="acme",
    pixel_id="1001",
    sent_event_id="order",
    limited_data_use=True,
    ldu_country=1,
    ldu_state=1000,
    opt_out=False,
    test_event_code="TEST1",
)
CIRCUIT = Circuit(
    state="open",
    consecutive_failures=7,
    opened_at=NOW - timedelta(minutes=3),
    retry_at=NOW + timedelta(minutes=1),
    reason="a wrong token",
    cooldown_seconds=61.5,
    wait_until=NOW + timedelta(minutes=2),
    refusal="100/2804050",
)
SALE = AttributedSale(
    conversion_id=71,
    gateway="stripe",
    gateway_event_id="evt_1",
    sale_key="sale-1",
    order_id="order-1",
    event_name="Lead",
    value=Decimal("12.3400"),
    currency="BRL",
    occurred_at=NOW - timedelta(hours=1),
    fbclid="sale-fbclid",
    fbc="sale-fbc",
    fbp="sale-fbp",
    email_hash="a" * 64,
    phone_hash="b" * 64,
    customer_information={"fn": "c" * 64},
    client_ip="203.0.113.1",
    client_user_agent="sale-agent",
    event_source_url="https://shop.example/thanks",
    contents=[{"id": "sku-1", "quantity": 2, "price": 6.17}],
    action_source="app",
    limited_data_use=True,
    opt_out=False,
    click_fbclid="click-fbclid",
    click_fbc="click-fbc",
    click_fbp="click-fbp",
    click_ip="203.0.113.2",
    click_user_agent="click-agent",
    click_created_at=NOW - timedelta(hours=2),
)


def _insert(connection: Connection, tenant: str, sale: AttributedSale) -> None:
    """The sale, its click and its attribution, with the fields of the sale and nothing else."""
    row: dict[str, Any] = {
        **asdict(sale),
        "tenant": tenant,
        "information": Jsonb(sale.customer_information),
        "items": Jsonb(sale.contents),
    }
    connection.execute(
        "INSERT INTO trackai.clicks (id, tenant_id, fbclid, fbc, fbp, ip, user_agent, created_at)"
        " VALUES (3, %(tenant)s, %(click_fbclid)s, %(click_fbc)s, %(click_fbp)s, %(click_ip)s, %(click_user_agent)s,"
        " %(click_created_at)s)",
        row,
    )
    connection.execute(
        "INSERT INTO trackai.conversions (id, tenant_id, gateway, gateway_event_id, order_id, event_name, value,"
        " currency, occurred_at, fbclid, fbc, fbp, customer_email_hash, customer_phone_hash, customer_information,"
        " client_ip, client_user_agent, event_source_url, sale_key, contents, action_source, limited_data_use, opt_out)"
        " VALUES (%(conversion_id)s, %(tenant)s, %(gateway)s, %(gateway_event_id)s, %(order_id)s, %(event_name)s,"
        " %(value)s, %(currency)s, %(occurred_at)s, %(fbclid)s, %(fbc)s, %(fbp)s, %(email_hash)s, %(phone_hash)s,"
        " %(information)s, %(client_ip)s, %(client_user_agent)s, %(event_source_url)s, %(sale_key)s, %(items)s,"
        " %(action_source)s, %(limited_data_use)s, %(opt_out)s)",
        row,
    )
    connection.execute(
        "INSERT INTO trackai.matched_attributions (tenant_id, conversion_id, click_id, strategy)"
        " VALUES (%(tenant)s, %(conversion_id)s, 3, 'fbc')",
        row,
    )


def test_every_column_of_a_queued_event_arrives_in_its_own_field(connection: Connection, add_tenant: AddTenant) -> None:
    values = [str(value) for value in asdict(SALE).values()]
    assert len(set(values)) == len(values), "two fields with one value would hide that they were swapped"
    tenant = add_tenant("acme", pixel_id="1001")
    _insert(connection, tenant, SALE)
    connection.execute(
        "UPDATE trackai.dispatch_queue SET event_id = 'an id', event = '{}', keys = 5, refusals = 2, refusal = '100',"
        " attempts = 4, not_before = now(), others_accepted = true"
    )
    connection.execute(
        "INSERT INTO trackai.dispatch_attempts (tenant_id, event_id, conversion_id, attempt, status, failure, keys,"
        " completed_at) VALUES (%s, 'an id', 71, 4, 'failed', 'timeout', 5, clock_timestamp())",
        (tenant,),
    )
    with connection.cursor(row_factory=kwargs_row(queued_event)) as cursor:
        rows = cursor.execute(statement("delivery/next_events"), next_events(tenant, NOW)).fetchall()
    doubt = Doubt("100", times=2, alone=True, others_accepted=True, only_one=True)
    assert rows == [QueuedEvent("an id", "{}", keys=5, attempts=4, doubt=doubt, due=True, sale=SALE)]


def _insert_blocked_tenant(connection: Connection, add_tenant: AddTenant) -> None:
    """RECIPIENT with one event that waits behind CIRCUIT."""
    columns = {name: value for name, value in asdict(RECIPIENT).items() if name not in ("tenant_id", "slug")}
    insert_sales(connection, add_tenant("acme", **columns), 1)
    connection.execute(
        "INSERT INTO trackai.dispatch_circuits (tenant_id, state, consecutive_failures, opened_at, retry_at, reason,"
        " cooldown_seconds, wait_until, refusal, held_by, held_until)"
        " VALUES ('t-acme', %(state)s, %(consecutive_failures)s, %(opened_at)s, %(retry_at)s, %(reason)s,"
        " %(cooldown_seconds)s, %(wait_until)s, %(refusal)s, 'worker', now() + interval '1 h')",
        asdict(CIRCUIT),
    )


def test_every_column_of_a_tenant_arrives_in_its_own_field(connection: Connection, add_tenant: AddTenant) -> None:
    _insert_blocked_tenant(connection, add_tenant)
    held = {"tenant_id": "t-acme", "holder": "worker", "seconds": 60, "now": NOW}
    for name, parameters in (("keep_hold", held), ("waiting_tenants", None)):
        with connection.cursor(row_factory=dict_row) as cursor:
            row = cursor.execute(statement(f"delivery/{name}"), parameters).fetchone()
        assert row is not None
        assert Recipient.from_row(row) == RECIPIENT, name
        assert Circuit.from_row(row) == CIRCUIT, name
        assert row["status"] == "active", name


def test_the_circuit_of_a_backlog_and_of_an_account_is_read_by_name(
    connection: Connection, add_tenant: AddTenant, tmp_path: Any
) -> None:
    _insert_blocked_tenant(connection, add_tenant)
    (backlog,) = backlog_of(connection, now=NOW)
    assert backlog.circuit == CIRCUIT
    assert backlog.has_pixel
    assert not backlog.ahead
    assert backlog.held
    (place,) = account_for(connection, clock=lambda: NOW).places
    reason = f"the circuit is open (the next try is at {CIRCUIT.retry_at:%Y-%m-%d %H:%M:%S} UTC): a wrong token"
    assert place.reason == backlog.reason == reason
    found = dry_run(connection, tmp_path, tokens=Tokens(), settings=CapiSettings(), clock=lambda: NOW)
    assert found.held_back == {"acme": reason}
