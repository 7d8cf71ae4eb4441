"""Gates have a value before anyone changes one, and each sale has one value of each, as known at any time."""

from datetime import datetime
from typing import Any

import pytest
from flag_values.reference import NOW, RECORDED, moment, own, ruleset, state, vectors, versions

from trackai_pipelines.flag_values.bucketing import bucket
from trackai_pipelines.flag_values.evaluation import evaluate
from trackai_pipelines.flag_values.gates import GATES
from trackai_pipelines.flag_values.ruleset import ruleset_of

_SALES = vectors("gates")


@pytest.mark.parametrize(("tenant", "expected"), _SALES["buckets"].items())
def test_tenants_have_these_buckets(tenant: str, expected: int) -> None:
    assert bucket("email_matching", tenant) == expected


@pytest.mark.parametrize("sale", _SALES["sales"], ids=lambda sale: f"{sale['tenant']} {sale['sale']}")
def test_the_value_of_each_sale_as_it_was_known(sale: dict[str, Any]) -> None:
    stated = [
        {**one, "state": own(**one["state"]) if one["tenant"] else _email_matching(**one["state"])}
        for one in _SALES["versions"]
    ]
    found = evaluate(
        ruleset_of(versions(stated, "email_matching")),
        "email_matching",
        tenant=sale["tenant"],
        context={},
        at=datetime.fromisoformat(sale["sale"]),
        known_at=moment(sale["known_at"]),
    )
    assert (found.value, found.flag_version, found.override_version) == (
        sale["value"],
        sale["flag_version"],
        sale["override_version"],
    )


def _email_matching(**changes: Any) -> dict[str, Any]:
    return state(salt="email_matching", bucket_by="tenant", client_visible=False, **changes)


def test_gates_without_a_row_have_their_built_in_values() -> None:
    found = {key: evaluate(ruleset({}), key, tenant="acme", context={}, at=NOW) for key in GATES}
    assert {key: answer.value for key, answer in found.items()} == {
        "email_matching": False,
        "lookback_days": 90,
        "dispatch_policy": "all",
        "dispatch_target": "meta",
        "anonymise_after_days": 0,
        "drain_batch_size": 5000,
    }
    assert {(answer.variant, answer.flag_version) for answer in found.values()} == {("off", 0)}


def test_a_gate_is_built_in_until_its_row_was_known() -> None:
    gates = ruleset({"lookback_days": state(value_type="integer", off_value="90", on_value="30")})
    found = evaluate(gates, "lookback_days", tenant="acme", context={}, at=NOW, known_at=RECORDED)
    assert (found.value, found.flag_version) == (30, 1)
    before = RECORDED.replace(year=2025)
    found = evaluate(gates, "lookback_days", tenant="acme", context={}, at=NOW, known_at=before)
    assert (found.value, found.flag_version) == (90, 0)


@pytest.mark.parametrize("everywhere", [True, False])
def test_a_killed_target_holds(everywhere: bool) -> None:
    target = state(value_type="string", off_value="meta", on_value="sandbox", enabled=False, killed=everywhere)
    gates = ruleset(
        {"dispatch_target": target}, {("dispatch_target", "acme"): own(value="meta", killed=not everywhere)}
    )
    found = evaluate(gates, "dispatch_target", tenant="acme", context={}, at=NOW)
    assert (found.value, found.variant, found.reason) == ("hold", "off", "DISABLED")


@pytest.mark.parametrize("gate", GATES.values(), ids=list(GATES))
def test_a_gates_own_values_are_allowed(gate: Any) -> None:
    for value in (gate.built_in, gate.on_value):
        if gate.value_type == "integer":
            assert gate.least <= int(value) <= gate.most
        else:
            assert value in (gate.allowed or ("true", "false"))
