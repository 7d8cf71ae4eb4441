"""The preview of a change equals what the change does to the same users, and names those it cannot know."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flags.changing import ANA, change, create, kill
from flags.checking import Context, answers, check_all
from psycopg import Connection

from trackai_pipelines.clock import utc_now
from trackai_pipelines.flag_values.evaluation import Evaluation
from trackai_pipelines.flag_values.stored import stored_key
from trackai_pipelines.flags.altering import change_row, set_fields
from trackai_pipelines.flags.changes import ChangeTerms, propose, propose_kill
from trackai_pipelines.flags.preview import Preview, preview
from trackai_pipelines.flags.recording import writing
from trackai_pipelines.flags.segments import define

AddTenant = Callable[..., str]
_YESTERDAY = datetime.now(UTC) - timedelta(days=1)


def _row(variant: str, segment: str | None = None, **given: Any) -> Any:
    asked = {"weight": None, "value": None, "active": None, "position": None, "remove": False}
    return change_row(variant, segment, **{**asked, **given})


def _define(connection: Connection[Any], name: str, kind: str, definition: Any = None) -> None:
    with writing(connection, utc_now) as now:
        define(connection, name, kind, definition, ANA, now)


def _contexts(tenants: Sequence[str], users: int) -> list[Context]:
    dice = random.Random(3)
    return [
        {
            "tenant": tenant,
            "targetingKey": f"user{number}@example.com" if number % 10 == 0 else f"user-{number}",
            "plan": dice.choice(["free", "premium"]),
            "country": dice.choice(["BR", "PT", "US"]),
        }
        for tenant in tenants
        for number in range(users)
    ]


@pytest.fixture
def contexts(connection: Connection[Any], add_tenant: AddTenant) -> list[Context]:
    """Users of two tenants, every tenth with a key that is not stored as it is, and three segments."""
    for slug in ("acme", "globex"):
        add_tenant(slug)
    _define(connection, "premium", "attribute", {"plan": "premium"})
    _define(connection, "brazil", "attribute", {"country": {"$in": ["BR", "PT"]}})
    _define(connection, "pilots", "list")
    found = _contexts(("acme", "globex"), 150)
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO trackai.feature_flag_segment_members VALUES (%s, 'pilots', %s)",
            [(f"t-{one['tenant']}", stored_key(one["targetingKey"])) for one in found[::4]],
        )
    return found


def _was_done(before: Evaluation, after: Evaluation) -> str | None:
    """What happened to a user, from what was served before and after."""
    if before.value == after.value:
        return None
    if not before.value_used:
        return "gain" if after.value_used else "switch"
    return "switch" if after.value_used else "lose"


def _previewed(connection: Connection[Any], key: str, alter: Any, **given: Any) -> Preview:
    with writing(connection, utc_now, dry_run=True) as now:
        terms = ChangeTerms(now=now, reason="x", reshuffle=True, **{k: v for k, v in given.items() if k != "tenant"})
        proposal = propose(connection, key, alter, terms, tenant=given.get("tenant"))
    return preview(connection, proposal)


def _same_as_done(
    connection: Connection[Any], key: str, alter: Any, contexts: Sequence[Context], **given: Any
) -> Counter[str]:
    """Preview a change, make it, and compare; return how many users of which kind the preview named."""
    found = _previewed(connection, key, alter, **given)
    before = answers(connection, key, contexts, datetime.now(UTC))
    change(connection, key, alter, reshuffle=True, **given)
    after = answers(connection, key, contexts, datetime.now(UTC))
    for context, was, becomes in zip(contexts, before, after, strict=True):
        said = found.users.get((f"t-{context['tenant']}", str(stored_key(context["targetingKey"]))))
        if said != "unknown":
            assert said == _was_done(was, becomes), context
    totals: Counter[str] = Counter()
    for one in found.tenants:
        totals += Counter(gain=one.gain, lose=one.lose, switch=one.switch, unknown=one.unknown)
    assert totals == Counter(found.users.values())
    return totals


def test_changes_of_state_percentage_and_variants_are_exact(
    connection: Connection[Any], contexts: list[Context]
) -> None:
    create(connection, "theme", value_type="string", off_value="blue", on_value="red", enabled=True, now=_YESTERDAY)
    check_all(connection, ["theme"], contexts, datetime.now(UTC))
    hashed = len(contexts) // 10
    # A hashed key whose bucket no check has shown is not known as soon as a bucket decides.
    assert _same_as_done(connection, "theme", set_fields({"rollout_percentage": 40}), contexts)["unknown"] == hashed
    check_all(connection, ["theme"], contexts, datetime.now(UTC))
    for alter, kinds in (
        (set_fields({"rollout_percentage": 60}), {"gain"}),
        (set_fields({"rollout_percentage": 20}), {"lose"}),
        (_row("a", weight=50, value="green"), {"gain", "lose", "switch"}),
        (_row("b", weight=30), {"gain"}),
        (set_fields({"rollout_percentage": 70}), {"gain"}),
        (_row("a", active=False), {"lose"}),
        (_row("a", weight=10, active=True), {"gain", "lose", "switch"}),
        (set_fields({"off_value": "black"}), {"switch"}),
        (set_fields({"enabled": False}), {"lose"}),
    ):
        assert set(_same_as_done(connection, "theme", alter, contexts)) <= kinds
        check_all(connection, ["theme"], contexts, datetime.now(UTC))
    # Nobody's bucket is in the newest check of a flag that is off; that of a plain key is computed.
    assert _same_as_done(connection, "theme", set_fields({"enabled": True}), contexts)["unknown"] == hashed
    check_all(connection, ["theme"], contexts, datetime.now(UTC))
    assert _same_as_done(connection, "theme", set_fields({"salt": "another"}), contexts)["unknown"] == hashed


def test_segments_come_from_the_newest_check(connection: Connection[Any], contexts: list[Context]) -> None:
    create(connection, "pilot", enabled=True, rollout_percentage=30, now=_YESTERDAY)
    for segment, weight in (("premium", 100), ("pilots", 50), ("brazil", 50)):
        change(connection, "pilot", _row("on", segment, weight=weight), now=_YESTERDAY)
    check_all(connection, ["pilot"], contexts, datetime.now(UTC))
    assert not _same_as_done(connection, "pilot", set_fields({"rollout_percentage": 60}), contexts)["unknown"]
    assert not _same_as_done(connection, "pilot", _row("on", "brazil", weight=80), contexts)["unknown"]
    # Who left the first group may be in the third, which no check of theirs has asked.
    check_all(connection, ["pilot"], contexts, datetime.now(UTC))
    found = _same_as_done(connection, "pilot", _row("on", "premium", remove=True), contexts)
    assert found["unknown"] > 0
    premium = sum(one["plan"] == "premium" for one in contexts)
    assert found["unknown"] <= premium
    check_all(connection, ["pilot"], contexts, datetime.now(UTC))
    _define(connection, "premium", "attribute", {"plan": {"$ne": "free"}})
    # Nobody was asked about a segment that is new.
    assert _same_as_done(connection, "pilot", _row("on", "premium", weight=100, position=0), contexts)["unknown"] > 0


def test_members_of_lists_are_known(connection: Connection[Any], contexts: list[Context]) -> None:
    create(connection, "pilot", enabled=True, rollout_percentage=0, now=_YESTERDAY)
    check_all(connection, ["pilot"], contexts, datetime.now(UTC))
    found = _same_as_done(connection, "pilot", _row("on", "pilots", weight=100), contexts)
    assert found == Counter(gain=len(contexts[::4]))


def test_a_prerequisite_is_what_the_users_own_checks_of_it_say(
    connection: Connection[Any], contexts: list[Context]
) -> None:
    create(connection, "parent", enabled=True, rollout_percentage=50, now=_YESTERDAY)
    change(connection, "parent", _row("on", "brazil", weight=100), now=_YESTERDAY)
    create(connection, "child", enabled=True, now=_YESTERDAY)
    plain = [one for one in contexts if "@" not in one["targetingKey"]]
    check_all(connection, ["child"], plain, datetime.now(UTC))
    check_all(connection, ["parent"], plain[: len(plain) // 2], datetime.now(UTC))
    found = _same_as_done(connection, "child", set_fields({}, requires=["parent"]), plain)
    # Of those who never checked it, the segment is not known; half of the others have it on whatever it is.
    assert 0 < found["unknown"] <= len(plain) // 2 + 1
    assert found["lose"] > 0


def test_overrides_concern_their_tenant_alone(connection: Connection[Any], contexts: list[Context]) -> None:
    create(connection, "pilot", enabled=True, rollout_percentage=30, now=_YESTERDAY)
    check_all(connection, ["pilot"], contexts, datetime.now(UTC))
    half = len(contexts) // 2
    for fields in ({"enabled": False}, {"enabled": True, "rollout_percentage": 90}, {"value": "true"}):
        found = _previewed(connection, "pilot", lambda state, f=fields: {**state, **f}, tenant="acme")
        assert [(one.slug, one.users) for one in found.tenants] == [("acme", half)]
        _same_as_done(connection, "pilot", lambda state, f=fields: {**state, **f}, contexts, tenant="acme")
        check_all(connection, ["pilot"], contexts, datetime.now(UTC))
    found = _previewed(connection, "pilot", set_fields({"rollout_percentage": 100}))
    assert {one.slug: (one.users, one.gain > 0) for one in found.tenants} == {
        "acme": (half, False),
        "globex": (half, True),
    }


def test_a_kill_and_a_plan(connection: Connection[Any], contexts: list[Context]) -> None:
    create(connection, "pilot", enabled=True, now=_YESTERDAY)
    check_all(connection, ["pilot"], contexts, datetime.now(UTC))
    with writing(connection, utc_now, dry_run=True) as now:
        killed = propose_kill(connection, "pilot", ChangeTerms(now=now, reason="x"))
    assert Counter(preview(connection, killed).users.values()) == Counter(lose=len(contexts))
    later = datetime.now(UTC) + timedelta(days=3)
    found = _previewed(connection, "pilot", set_fields({"enabled": False}), effective_from=later)
    assert Counter(found.users.values()) == Counter(lose=len(contexts))
    kill(connection, "pilot")
    assert preview(connection, killed).users == {}


def test_the_conversions_of_users_who_change(
    connection: Connection[Any], contexts: list[Context], add_sale: Callable[..., None]
) -> None:
    create(connection, "pilot", enabled=True, now=_YESTERDAY)
    check_all(connection, ["pilot"], contexts, datetime.now(UTC))
    recent, old = datetime.now(UTC) - timedelta(days=2), datetime.now(UTC) - timedelta(days=40)
    for number, (user, at) in enumerate((("user-1", recent), ("user-1", recent), ("user-2", old), ("user-3", recent))):
        add_sale("t-acme", f"e{number}", occurred_at=at, currency="BRL" if user == "user-1" else "USD", value="10.50")
        connection.execute(
            "INSERT INTO trackai.users (tenant_id, id) VALUES ('t-acme', %s) ON CONFLICT DO NOTHING", (user,)
        )
        connection.execute(
            "INSERT INTO trackai.user_conversions (tenant_id, user_id, conversion_id, linked_by, linked_at)"
            " SELECT 't-acme', %s, id, 'email', now() FROM trackai.conversions WHERE gateway_event_id = %s",
            (user, f"e{number}"),
        )
    acme, globex = _previewed(connection, "pilot", set_fields({"enabled": False})).tenants
    assert (acme.conversions, acme.value) == (3, {"BRL": Decimal("21.0000"), "USD": Decimal("10.5000")})
    assert (globex.conversions, globex.value) == (0, {})


def test_gates_name_tenants_and_their_conversions(connection: Connection[Any], add_tenant: AddTenant) -> None:
    for slug in ("acme", "globex", "initech"):
        add_tenant(slug)
    connection.execute(
        "INSERT INTO trackai.daily_match_rates (tenant_id, day, gateway, currency, conversions, fbc, fbp, email,"
        " unmatched, pending, value_total, value_matched, computed_at)"
        " SELECT 't-initech', current_date - d, 'stripe', 'BRL', 60, 60, 0, 0, 0, 0, 1, 1, now()"
        " FROM generate_series(1, 10) d"
    )
    # Buckets 9291, 4571 and 667.
    found = _previewed(connection, "email_matching", set_fields({"enabled": True, "rollout_percentage": 50}))
    assert [(one.slug, one.before, one.after, one.conversions_a_day) for one in found.gates] == [
        ("globex", False, True, 0.0),
        ("initech", False, True, 20.0),
    ]
    assert _previewed(connection, "email_matching", set_fields({"rollout_percentage": 50})).gates == ()


def test_random_changes_are_previewed_as_they_are_made(connection: Connection[Any], contexts: list[Context]) -> None:
    dice = random.Random(8)
    create(connection, "parent", enabled=True, rollout_percentage=60, now=_YESTERDAY)
    create(connection, "theme", value_type="string", off_value="blue", on_value="red", enabled=True, now=_YESTERDAY)
    known = 0
    for _ in range(25):
        check_all(connection, ["theme", "parent"], contexts, datetime.now(UTC))
        alter = dice.choice(
            [
                set_fields({"rollout_percentage": dice.randint(0, 100)}),
                set_fields({"enabled": dice.random() < 0.8}),
                set_fields({}, requires=["parent"]),
                set_fields({}, no_requires=["parent"]),
                _row(dice.choice("ab"), weight=dice.randint(0, 50), active=dice.random() < 0.8),
                _row(
                    "on",
                    dice.choice(["premium", "pilots", "brazil"]),
                    weight=dice.randint(0, 100),
                    position=dice.randint(0, 3),
                ),
            ]
        )
        with writing(connection, utc_now, dry_run=True) as now:
            nothing = not propose(connection, "theme", alter, ChangeTerms(now=now, reason="x", reshuffle=True)).records
        if not nothing:
            totals = _same_as_done(connection, "theme", alter, contexts)
            known += sum(totals.values()) - totals["unknown"]
    assert known > 500
