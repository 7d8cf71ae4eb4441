"""What a flag is: every reference value, and the rules that those leave open."""

from typing import Any

import pytest
from flag_values.reference import NOW, attribute, own, row, ruleset, state, vectors

from trackai_pipelines.flag_values.decisions import Evaluation, slots
from trackai_pipelines.flag_values.evaluation import evaluate

_REFERENCE = vectors("evaluation")
_SEGMENTS = {name: attribute(condition) for name, condition in _REFERENCE["segments"].items()}
_TENANTS = {context["tenant"] for context in _REFERENCE["contexts"]}
_FLAGS = {flag["key"]: state(**flag, segments=_SEGMENTS) for flag in _REFERENCE["flags"]}
_PLAIN = ruleset(_FLAGS)
_OVERRIDDEN = ruleset(
    _FLAGS, {(key, slug): own(**override) for key, override in _REFERENCE["overrides"].items() for slug in _TENANTS}
)


@pytest.mark.parametrize("expected", _REFERENCE["results"], ids=lambda one: f"{one['flag']} {one['context']}")
def test_reference_values(expected: dict[str, Any]) -> None:
    context = _REFERENCE["contexts"][expected["context"]]
    flags = _OVERRIDDEN if expected["overrides"] else _PLAIN
    found = evaluate(flags, expected["flag"], tenant=context["tenant"], context=context, at=NOW)
    fields = ("value", "variant", "reason", "error_code", "segment", "bucket", "prerequisite")
    assert {name: getattr(found, name) for name in fields} == {name: expected.get(name) for name in fields}
    assert type(found.value) is type(expected["value"])
    assert (found.value_used is None) == (found.error_code is not None)


@pytest.mark.parametrize("expected", vectors("ranges"))
def test_reference_slots(expected: dict[str, Any]) -> None:
    rows = [
        row(None, key, weight, active=number not in expected["inactive"])
        for number, (key, weight) in enumerate(zip(("control", "a", "b", "c"), expected["weights"], strict=False))
    ]
    found = slots(state(value_type="string", rollout_percentage=expected["rollout_percentage"]), rows)
    assert [[slot.start, slot.end, slot.variant] for slot in found] == expected["ranges"]


def _answer(flag: dict[str, Any], context: dict[str, Any], tenant: str = "acme", **tenants: Any) -> Evaluation:
    flags = ruleset({"flag": flag}, {("flag", slug): override for slug, override in tenants.items()})
    return evaluate(flags, "flag", tenant=tenant, context=context, at=NOW)


def test_an_archived_flag_and_one_that_clients_may_not_see_are_not_found() -> None:
    archived = _answer(state(archived=True, killed=True), {})
    hidden = ruleset({"flag": state(client_visible=False, requires=["seen"]), "seen": state(requires=["flag"])})
    invisible = evaluate(hidden, "flag", tenant="acme", context={}, at=NOW, visible_only=True)
    assert archived == invisible == Evaluation(None, None, "ERROR", "FLAG_NOT_FOUND")
    assert evaluate(ruleset({"flag": state()}), "flag", tenant="acme", context={}, at=NOW, visible_only=True).value


def test_a_tenants_own_rows_replace_those_of_everyone_even_where_none_is_active() -> None:
    everyone = state(value_type="string", off_value="none", rollouts=[row(None, "a", 100)])
    assert _answer(everyone, {}).value == "a"
    assert _answer(everyone, {}, acme=own(rollouts=[row(None, "b", 100)])).value == "b"
    assert _answer(everyone, {}, acme=own(rollouts=[row(None, "b", 100, active=False)])).variant == "off"
    assert _answer(everyone, {}, acme=own(rollouts=[])).value == "a"
    assert _answer(everyone, {}, tenant="globex", acme=own(rollouts=[row(None, "b", 100)])).value == "a"


def test_a_tenants_segment_is_its_own_and_a_missing_one_has_nobody() -> None:
    rows = [row("staff", None, 100)]
    flag = state(rollout_percentage=0, rollouts=rows, segments={"staff": attribute({"role": "staff"})})
    context = {"role": "staff"}
    assert _answer(flag, context).segment == "staff"
    assert _answer(flag, context, acme=own(rollouts=rows, segments={})).reason == "DEFAULT"
    unreadable = {"staff": attribute({"role": {"$regex": "."}})}
    assert _answer(flag, context, acme=own(rollouts=rows, segments=unreadable)).value is False


def test_the_order_of_groups_is_that_of_their_first_rows_active_or_not() -> None:
    rows = [row("a", "control", 50, active=False), row("b", None, 0), row("a", "new", 50), row(None, "all", 100)]
    segments = {"a": attribute({}), "b": attribute({})}
    found = _answer(state(rollouts=rows, segments=segments), {"targetingKey": "user-1"})
    assert (found.segment, found.reason) == ("a", "SPLIT")
    rows[2]["active"] = False
    found = _answer(state(rollouts=rows, segments=segments), {})
    assert (found.segment, found.value, found.reason) == ("b", False, "TARGETING_MATCH")


def test_members_of_lists() -> None:
    segments = {"beta": {"kind": "list", "condition": None}, "buyers": {"kind": "conversions", "condition": None}}
    flag = state(rollout_percentage=0, rollouts=[row("beta", None, 100), row("buyers", None, 100)], segments=segments)
    members = {("acme", "beta"): {"user-1", "7"}, ("globex", "buyers"): {"user-1"}}

    def segment(tenant: str | None, key: object) -> str | None:
        context = {"targetingKey": key}
        return evaluate(
            ruleset({"flag": flag}), "flag", tenant=tenant, context=context, at=NOW, members=members
        ).segment

    assert segment("acme", "user-1") == segment("acme", 7) == "beta"
    assert segment("globex", "user-1") == "buyers"
    assert {segment("acme", key) for key in (None, "", True, 7.0, "user-2")} == {None}
    assert segment(None, "user-1") is None


def test_the_tenant_of_a_context_is_the_one_that_asks() -> None:
    rows = [row("ours", None, 100)]
    flag = state(rollout_percentage=0, rollouts=rows, segments={"ours": attribute({"tenant": "acme"})})
    assert _answer(flag, {"tenant": "globex"}).value is True
    assert _answer(flag, {"tenant": "acme"}, tenant="globex").value is False
    context = {"tenant": "globex"}
    assert _answer(state(bucket_by="tenant", rollout_percentage=50), context).bucket is not None
    assert context == {"tenant": "globex"}


@pytest.mark.parametrize(
    ("unit", "code"),
    [
        (None, "TARGETING_KEY_MISSING"),
        ("", "TARGETING_KEY_MISSING"),
        (1.5, "INVALID_CONTEXT"),
        (False, "INVALID_CONTEXT"),
        (["user-1"], "INVALID_CONTEXT"),
        pytest.param(10**5_000, "INVALID_CONTEXT", id="more digits than Python writes"),
        (0, None),
        (-7, None),
    ],
)
def test_a_unit_is_a_text_or_an_integer(unit: object, code: str | None) -> None:
    flag = state(rollout_percentage=50, bucket_by="account")
    assert _answer(flag, {"account": unit}).error_code == code
    assert _answer({**flag, "rollout_percentage": 100}, {"account": unit}).error_code is None


def test_a_flag_is_off_where_what_it_requires_fails_is_absent_or_requires_it() -> None:
    flags = ruleset(
        {
            "split": state(rollout_percentage=50),
            "needs_split": state(requires=["split"]),
            "chicken": state(requires=["egg"]),
            "egg": state(requires=["chicken"]),
            "text": state(value_type="string", on_value="true"),
            "needs_text": state(requires=["text"]),
            "chain": state(requires=["also_on", "on"]),
            "also_on": state(requires=["on"], rollouts=[row(None, "a", 100)]),
            "on": state(),
        }
    )
    blocked = {
        key: evaluate(flags, key, tenant=None, context={}, at=NOW).prerequisite
        for key in ("needs_split", "chicken", "egg", "needs_text", "chain")
    }
    assert blocked == {"needs_split": "split", "chicken": "egg", "egg": "chicken", "needs_text": "text", "chain": None}
    assert evaluate(flags, "chain", tenant=None, context={}, at=NOW).value is True


def test_what_a_required_flag_was_is_asked_of_the_same_moment() -> None:
    flags = ruleset({"flag": state(requires=["below"]), "below": state()}, {("below", "acme"): own(enabled=False)})
    assert evaluate(flags, "flag", tenant="globex", context={}, at=NOW).value is True
    assert evaluate(flags, "flag", tenant="acme", context={}, at=NOW).prerequisite == "below"


def test_each_check_gets_its_own_copy_of_an_object() -> None:
    rows = [row(None, "a", 50, value='{"deep": {"n": 1}}'), row(None, "b", 50, value='{"deep": {"n": 1}}')]
    flag = state(value_type="json", off_value="{}", on_value='{"deep": {"n": 1}}')
    for context, changes in (({}, {}), ({"targetingKey": "user-1"}, {"rollouts": rows})):
        flags = ruleset({"flag": {**flag, **changes}})
        for _ in range(2):
            found = evaluate(flags, "flag", tenant=None, context=context, at=NOW)
            assert found.value == {"deep": {"n": 1}}
            found.value["deep"]["n"] = 2


def test_equal_objects_are_not_a_used_value() -> None:
    flag = state(value_type="json", off_value='{"a": 1, "b": 2}', on_value='{"b":2,"a":1}')
    assert _answer(flag, {}).value_used is False


def test_metadata_names_versions_and_what_decided() -> None:
    flag = state(rollouts=[row("staff", None, 100)], segments={"staff": attribute({})}, requires=["flag"])
    assert _answer(flag, {}).metadata == {"flagVersion": 1, "overrideVersion": 0, "prerequisite": "flag"}
    found = _answer({**flag, "requires": []}, {}, acme=own(enabled=True))
    assert found.metadata == {"flagVersion": 1, "overrideVersion": 2, "segment": "staff"}
