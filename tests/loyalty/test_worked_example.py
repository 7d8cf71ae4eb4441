"""The worked example: every event comes out right, again when it is replayed, and is explained."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from loyalty.evaluator import Entry, evaluate_creator, world_of_vectors
from loyalty.rewarding import insert
from loyalty.worlds import events_of, found_program, play_out, post
from psycopg import Connection

from trackai_pipelines.database.connection import connect
from trackai_pipelines.loyalty.cli_standing import lines
from trackai_pipelines.loyalty.correcting import corrections
from trackai_pipelines.loyalty.refusals import LoyaltyRefusedError
from trackai_pipelines.loyalty.replaying import replay
from trackai_pipelines.loyalty.standing import standing
from trackai_pipelines.loyalty.what_if import OtherRules, what_if

EXAMPLE = json.loads((Path(__file__).parent / "vectors" / "loyalty.json").read_text())["worked_example"]
NOW = datetime(2025, 3, 2, 12, tzinfo=UTC)
ZONES = {"acme": "UTC", "bella": "America/Sao_Paulo"}
FIRST, LAST = date(2023, 9, 1), date(2025, 3, 1)


@pytest.fixture(scope="module")
def example(shared_database_url: str) -> Iterator[Connection[Any]]:
    """The worked example, evaluated day by day as files arrived; a test leaves it as it was."""
    with connect(shared_database_url) as connection:
        for slug, zone in ZONES.items():
            connection.execute(
                "INSERT INTO trackai.tenants (id, slug, name) VALUES (%s, %s, %s)", [f"t-{slug}", slug, slug]
            )
            world, upto = world_of_vectors(EXAMPLE, slug)
            found_program(connection, f"t-{slug}", world, zone)
            play_out(connection, f"t-{slug}", world, upto)
        yield connection


def _plain(value: object) -> object:
    """Return a value as the example has it."""
    return value if value is None or isinstance(value, int) else str(value)


def test_the_worked_example(example: Connection[Any]) -> None:
    """All events, end states and corrected tiers of the example, by its own figures."""
    expected = {(row["tenant_id"], row["user_id"], row["checkpoint_date"]): row for row in EXAMPLE["tier_checkpoints"]}
    assert len(expected) == 73
    found = {}
    for slug in ZONES:
        units = slug == "bella"
        for event in events_of(example, f"t-{slug}"):
            required = event.units_required if units else event.sales_required
            row = {
                "tenant_id": slug,
                "user_id": event.user_id,
                "checkpoint_date": event.checkpoint_date,
                "status": event.status,
                "tier_before": event.tier_before,
                "tier_after": event.tier_after,
                "period_start_date": event.period_start_date,
                "period_end_date": event.period_end_date,
                "sales_in_period": event.sales_in_period,
                "units_in_period": event.units_in_period,
                "required": None if required is None else Decimal(required).quantize(Decimal("0.0001")),
                "climbed": event.climbed_in_period,
                "ledger_upto": event.ledger_upto,
            }
            plain = {
                name: value if value is None or isinstance(value, int) else str(value) for name, value in row.items()
            }
            found[slug, event.user_id, str(event.checkpoint_date)] = plain
    assert found == expected
    for state in EXAMPLE["end_state"]:
        stored = example.execute(
            "SELECT current_tier, anchor_day, checkpoint_no, window_start, window_end, climb_start, in_grace,"
            " checkpoint_sales_current, checkpoint_units_current FROM trackai.loyalty_members"
            " WHERE tenant_id = %s AND user_id = %s",
            (f"t-{state['tenant_id']}", state["user_id"]),
        ).fetchone()
        assert stored is not None
        names = list(state)[2:11]
        assert [value if isinstance(value, bool | int) else str(value) for value in stored] == [
            state[name] for name in names
        ]


def test_the_past_comes_out_the_same(example: Connection[Any]) -> None:
    """Also after late entries and new rules, in any time zone, and whatever the caches say."""
    with example.transaction(force_rollback=True):
        found = [replay(example, f"t-{slug}", FIRST, LAST, NOW) for slug in ZONES]
        assert [one.differences for one in found] == [[], []]
        assert [(one.days, one.events) for one in found] == [(548, 45), (548, 28)]
        assert replay(example, "t-acme", date(2024, 1, 6), date(2024, 1, 15), NOW).events == 3
        sampled = replay(example, "t-bella", FIRST, LAST, NOW, sampled=date(2024, 11, 4))
        assert "c12" in {event.user_id for event in events_of(example, "t-bella")}
        assert not sampled.differences
        assert sampled.creators >= 1
        late = Entry(500, "c03", date(2024, 3, 1), Decimal(-4000), -40)
        post(example, "t-acme", [late])
        example.execute(
            "INSERT INTO trackai.tiers SELECT tenant_id, tier_id, '2025-03-02', tier_order, tier_name,"
            " tier_color, sales_threshold * 2 FROM trackai.tiers WHERE tenant_id = 't-acme'"
            " AND valid_from = '2023-09-01'"
        )
        example.execute("UPDATE trackai.loyalty_members SET checkpoint_sales_current = 0, total_sales = 0")
        example.execute("SET LOCAL timezone = 'Pacific/Kiritimati'")
        assert replay(example, "t-acme", FIRST, LAST, NOW).differences == []


@pytest.mark.parametrize(
    ("corruption", "said"),
    [
        ("UPDATE trackai.loyalty_members SET current_tier = 'tier_4' WHERE user_id = 'c01'", "c01 is in tier_4"),
        ("DELETE FROM trackai.tier_checkpoints WHERE user_id = 'c03' AND status = 'demoted'", "c03 on 2024-06-03"),
        (
            "UPDATE trackai.tier_checkpoints SET sales_in_period = 1 WHERE checkpoint_date = '2024-05-31'",
            "with other sums",
        ),
        ("UPDATE trackai.loyalty_members SET window_start = window_start + 1 WHERE user_id = 'c05'", "another window"),
    ],
)
def test_a_replay_finds_what_was_changed(example: Connection[Any], corruption: str, said: str) -> None:
    """A tier, an event, a sum or a window that was changed by hand."""
    with example.transaction(force_rollback=True):
        example.execute(corruption)
        (difference,) = replay(example, "t-acme", FIRST, LAST, NOW).differences
        assert said in difference


def test_a_creator_is_told_why(example: Connection[Any]) -> None:
    """The standing of a day that is over is what it was, with the event behind it."""
    then = list(lines(standing(example, "t-acme", "c03", NOW, date(2024, 6, 3))))
    assert then[0] == "c03: Tier_2 (tier_2) since 2024-06-03; before: tier_3 from 2024-02-03"
    assert then[1] == (
        "  checkpoint 2024-06-03: 4,999.99 USD of 5,000.00 USD in [2024-02-03, 2024-06-03), 0.01 USD short: demoted"
        "   (8 entries, postings up to 77)"
    )
    assert then[-1] == (
        "  next checkpoint 2024-10-03; 0.00 USD since 2024-06-03; to keep Tier_2 1,000.00 USD more, or it is Tier_1; "
        "to Tier_3 5,000.00 USD more"
    )
    now = standing(example, "t-acme", "c03", NOW)
    assert (now.tier.tier_id, now.missing_to_keep, now.projected.tier_id) == ("tier_3", Decimal(4100), "tier_1")
    grace = list(lines(standing(example, "t-bella", "c10", NOW, date(2024, 5, 3))))
    assert "  in grace: the window that began on 2024-01-01 goes on until 2024-05-15" in grace
    with pytest.raises(LoyaltyRefusedError, match="is not evaluated"):
        standing(example, "t-acme", "c03", NOW, date(2025, 3, 2))
    with pytest.raises(LoyaltyRefusedError, match="nobody"):
        standing(example, "t-acme", "nobody", NOW)


def test_the_view_says_the_same(example: Connection[Any]) -> None:
    """`creator_standing` and `standing` agree on every creator of both programs."""
    rows = example.execute(
        "SELECT tenant_id, user_id, current_tier, checkpoint_on, missing_to_keep, next_tier, missing_to_climb,"
        " projected_tier_at_checkpoint FROM trackai.creator_standing ORDER BY 1, 2"
    ).fetchall()
    assert len(rows) == 12
    for tenant, user, *row in rows:
        one = standing(example, tenant, user, NOW)
        higher = one.next_tier.tier_id if one.next_tier else None
        said = [one.tier.tier_id, one.checkpoint_on, one.missing_to_keep, higher, one.missing_to_climb]
        assert row == [*said, one.projected.tier_id], user


def test_entries_that_came_too_late(example: Connection[Any]) -> None:
    """Each is listed with its window; the tier that they come to is that of a course that knew them."""
    late = (corrections(example, f"t-{slug}", date(1970, 1, 1), date(2200, 1, 1), NOW) for slug in ZONES)
    listed = {one.user_id: one for of_program in late for one in of_program}
    assert {"c07", "c08", "c09", "c12"} <= set(listed)
    for slug in ZONES:
        world, upto = world_of_vectors(EXAMPLE, slug)
        for member in world.members:
            if member.user_id in listed:
                state = evaluate_creator(world, member, LAST, max(upto.values()), corrects=False)[1]
                assert state is not None
                assert listed[member.user_id].corrected_tier == state.current_tier
    assert (listed["c07"].corrected_on, listed["c12"].corrected_on) == (date(2024, 5, 19), date(2024, 3, 3))
    assert listed["c08"].corrected_on is None


def test_boosts_of_creators_who_would_hold_another_tier_are_not_paid(example: Connection[Any]) -> None:
    """c02 is Bronze from 15 September on, and Silver where 100 are enough."""
    about = {"tenant_id": "t-acme", "reward_id": "boost"}
    reward = {"type": "commission_boost", "name": "Boost", "tier_eligibility": "tier_1", "display_order": 1}
    claimed = {"user_id": "c02", "status": "claimed", "tier_at_claim": "tier_1", "redemption_type": "instant"}
    slot = {"cycle_key": "once", "slot": 1, "claimed_at": datetime(2024, 10, 1, tzinfo=UTC)}
    with example.transaction(force_rollback=True):
        insert(example, "rewards", [about | reward])
        insert(example, "redemptions", [about | claimed | slot])
        example.execute(
            "INSERT INTO trackai.commission_boost_redemptions (tenant_id, redemption_id, user_id, boost_status,"
            " boost_rate, scheduled_activation_date, currency, minor_units, calculated_commission)"
            " SELECT tenant_id, id, user_id, 'pending_payout', 5, '2024-10-01', 'USD', 2, 45 FROM trackai.redemptions"
        )
        tried = what_if(example, "t-acme", 6, OtherRules(thresholds={"tier_2": Decimal(100)}), NOW)
    assert (tried.as_is.boosts, tried.as_if.boosts) == (Decimal(45), Decimal(0))


def test_other_rules(example: Connection[Any]) -> None:
    """A lower threshold of Gold promotes and keeps; nothing is written."""
    before = events_of(example, "t-acme")
    tried = what_if(example, "t-acme", 6, OtherRules(thresholds={"tier_2": Decimal(100)}), NOW)
    assert (tried.from_day, tried.to_day) == (date(2024, 9, 1), LAST)
    world, upto = world_of_vectors(EXAMPLE, "acme")
    courses = [evaluate_creator(world, one, LAST, max(upto.values()), corrects=False)[0] for one in world.members]
    moves = Counter(one.status for course in courses for one in course if one.checkpoint_date >= tried.from_day)
    assert tried.as_is.moves == moves
    assert tried.as_if.creators["tier_2"] > tried.as_is.creators["tier_2"]
    with pytest.raises(LoyaltyRefusedError, match="tier_9"):
        what_if(example, "t-acme", 6, OtherRules(thresholds={"tier_9": Decimal(1)}), NOW)
    assert events_of(example, "t-acme") == before
