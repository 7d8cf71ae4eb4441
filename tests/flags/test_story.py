"""Which value each gate had for a sale, as it was decided and as it is known now."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from declared import TABLES
from flags.changing import change, kill, unkill
from matching.facts import SALE, insert_click, insert_sale
from psycopg import Connection

from trackai_pipelines.database.partitions import create_partitions_ahead
from trackai_pipelines.flags.domain import FLAGS
from trackai_pipelines.flags.recording import Author
from trackai_pipelines.flags.states import inherit
from trackai_pipelines.flags.story import story
from trackai_pipelines.matching.drain import drain

AddTenant = Callable[..., str]
DAY = timedelta(days=1)
MIDNIGHT = SALE.replace(hour=0)
BUILT_IN = {
    "email matching": "off (built in)",
    "lookback": "90 days (built in)",
    "dispatch policy": "all (built in)",
    "dispatch target": "meta (built in)",
    "anonymise after": "as the policy says (built in)",
    "drain batch size": "5000 (built in)",
}


@pytest.fixture
def in_march(connection: Connection[Any]) -> None:
    """The log takes decisions of these days, and gates may be changed then."""
    create_partitions_ahead(connection, TABLES, today=SALE.date())
    for gate in ("email_matching", "dispatch_policy", "dispatch_target", "drain_batch_size"):
        connection.execute("SELECT trackai.ensure_gate(%s)", [gate])
    connection.execute("UPDATE trackai.feature_flags SET created_at = '2020-01-01', updated_at = '2020-01-01'")


def told(connection: Connection[Any], tenant: str, sale: int, now: datetime = SALE) -> list[tuple[Any, ...]]:
    (part,) = story(connection, tenant, sale, clock=lambda: now)
    return list(part.rows)


def of_gate(rows: list[tuple[object, ...]], name: str) -> list[object]:
    """The lines of one gate."""
    at = [row[0] for row in rows].index(name)
    return [rows[at][1], *(said for gate, said in rows[at + 1 : at + 2] if gate == "")]


def test_gates_that_nobody_changed_are_built_in(connection: Connection[Any], add_tenant: AddTenant) -> None:
    tenant = add_tenant("acme")
    sale = insert_sale(connection, tenant, "evt_1")
    assert dict(told(connection, tenant, sale)) == BUILT_IN
    drain(connection, run_id="test")
    assert FLAGS.story
    (part,) = FLAGS.story(connection, tenant, sale)
    assert dict(part.rows) == BUILT_IN  # type: ignore[arg-type]
    assert list(story(connection, tenant, sale + 1)) == []


@pytest.mark.usefixtures("in_march")
def test_a_backdated_change_shows_what_was_decided_and_what_is_known(
    connection: Connection[Any], add_tenant: AddTenant
) -> None:
    tenant = add_tenant("acme")
    ana = Author("ana", "pilot ended")
    change(connection, "email_matching", {"enabled": True}, now=MIDNIGHT - 9 * DAY)
    _, (off,) = change(connection, "email_matching", {"enabled": False}, now=MIDNIGHT - 8 * DAY, author=ana)
    sale = insert_sale(connection, tenant, "evt_1")
    drain(connection, run_id="test", clock=lambda: SALE + timedelta(minutes=1))
    (decided,) = of_gate(told(connection, tenant, sale), "email matching")
    assert decided == f'off (version {off}, since 2026-03-02, ana: "pilot ended")'
    _, (on,) = change(
        connection,
        "email_matching",
        {"enabled": True, "rollout_percentage": 100},
        tenant="acme",
        now=MIDNIGHT + DAY,
        effective_from=MIDNIGHT - 7 * DAY,
        author=Author("ana", "agreed with acme"),
    )
    then, known = of_gate(told(connection, tenant, sale), "email matching")
    assert then == f'off when decided (version {off}, since 2026-03-02, ana: "pilot ended")'
    assert known == (
        f'on as known now (version {on}, recorded 2026-03-11 by ana, effective from 2026-03-03: "agreed with acme")'
    )
    # Decided once more, it is what is known.
    connection.execute("INSERT INTO trackai.match_queue SELECT tenant_id, id, 'rematch' FROM trackai.conversions")
    drain(connection, run_id="again", clock=lambda: SALE + 2 * DAY)
    (again,) = of_gate(told(connection, tenant, sale), "email matching")
    assert again == f'on (version {on}, since 2026-03-03, ana: "agreed with acme")'
    change(connection, "email_matching", inherit, tenant="acme", now=SALE + 3 * DAY, effective_from=SALE)
    _, inherits = of_gate(told(connection, tenant, sale), "email matching")
    assert str(inherits).startswith(f"off as known now (version {off}, recorded 2026-03-02 by ana")


@pytest.mark.usefixtures("in_march")
def test_each_gate_has_its_moment(connection: Connection[Any], add_tenant: AddTenant) -> None:
    tenant = add_tenant("acme", lookback_days=30)
    insert_click(connection, tenant, SALE - DAY, fbclid="k")
    sale = insert_sale(connection, tenant, "evt_1", fbclid="k")
    decided_at = SALE + timedelta(hours=1)
    change(connection, "dispatch_policy", {"enabled": True, "value": "matched"}, tenant="acme", now=decided_at - DAY)
    drain(connection, run_id="test", clock=lambda: decided_at)
    change(connection, "dispatch_policy", {"enabled": True, "value": "all"}, tenant="acme", now=decided_at + DAY)
    change(connection, "dispatch_target", {"enabled": True, "value": "sandbox"}, tenant="acme", now=SALE + 5 * DAY)
    now = SALE + 6 * DAY
    rows = told(connection, tenant, sale, now)
    then, known = of_gate(rows, "lookback")
    # Of the tenant's INSERT, which came later than the sale.
    assert then == "90 days when decided (built in)"
    assert str(known).startswith("30 days as known now (version ")
    assert str(known).endswith('effective from the beginning: "set as a column of the tenant")')
    (policy,) = of_gate(rows, "dispatch policy")
    assert str(policy).startswith("matched (version ")
    # Nothing was sent yet: the present value will decide.
    (target,) = of_gate(rows, "dispatch target")
    assert str(target).startswith("sandbox (version ")
    kill(connection, "dispatch_target", now=now)
    (held,) = of_gate(told(connection, tenant, sale, now), "dispatch target")
    assert str(held).startswith("hold (version ")
    unkill(connection, "dispatch_target", now=now + DAY)
    (lifted,) = of_gate(told(connection, tenant, sale, now + 2 * DAY), "dispatch target")
    assert str(lifted).startswith("sandbox (version ")


@pytest.mark.usefixtures("in_march")
def test_a_batch_size_is_that_of_the_run(connection: Connection[Any], add_tenant: AddTenant) -> None:
    tenant = add_tenant("acme")
    sale = insert_sale(connection, tenant, "evt_1")
    change(
        connection,
        "drain_batch_size",
        {
            "enabled": True,
            "rollouts": [
                {"user_segment": None, "variant_key": name, "variant_value": value, "percentage": 50, "active": True,
                 "position": place}
                for place, (name, value) in enumerate({"small": "500", "large": "9000"}.items())
            ],
        },
        now=SALE - DAY,
    )  # fmt: skip
    drain(connection, run_id="run-1", clock=lambda: SALE + timedelta(hours=1))
    (found,) = of_gate(told(connection, tenant, sale), "drain batch size")
    assert str(found).split()[0] in ("500", "9000")


@pytest.mark.usefixtures("in_march")
def test_moments_of_a_day_are_written_out(connection: Connection[Any], add_tenant: AddTenant) -> None:
    tenant = add_tenant("acme")
    sale = insert_sale(connection, tenant, "evt_1")
    _, (on,) = change(connection, "email_matching", {"enabled": True}, now=datetime(2026, 3, 1, 8, 30, tzinfo=UTC))
    (found,) = of_gate(told(connection, tenant, sale), "email matching")
    assert found == f'on (version {on}, since 2026-03-01 08:30:00 UTC, ana: "because")'
