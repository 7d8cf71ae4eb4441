"""Which version of a scope is in force: published stories, and random histories against a reader by brute force."""

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flag_values.reference import moment, vectors

from trackai_pipelines.flags.history import ScopeVersion, in_force, killed_from, lifted, periods, planned

STORIES = vectors("history")
_START = datetime(2026, 3, 1, tzinfo=UTC)


def version(number: int, effective: datetime | None, recorded: datetime, **state: Any) -> ScopeVersion:
    """A version of a flag; its state is what is given."""
    return ScopeVersion(number, effective, recorded, {"value_type": "boolean", "killed": False, **state})


def _of_story(story: dict[str, Any]) -> list[ScopeVersion]:
    return [
        version(
            one["id"],
            moment(one["effective_from"]),
            datetime.fromisoformat(one["recorded_at"]),
            name=one["state"],
            killed=one["state"] == "killed",
        )
        for one in story["versions"]
    ]


def _read(versions: Iterable[ScopeVersion], at: datetime) -> int | None:
    """The version in force, found by looking at each."""
    best = None
    for one in versions:
        if (one.effective_from is None or not one.effective_from > at) and (best is None or one.id > best):
            best = one.id
    return best


def _random_history(dice: random.Random) -> list[ScopeVersion]:
    made = [version(1, None, _START, name=0)]
    for number in range(2, dice.randint(2, 12)):
        effective = None if dice.random() < 0.1 else _START + timedelta(hours=dice.randint(0, 20))
        made.append(version(number, effective, _START + timedelta(hours=number), name=number))
    return made


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story["story"])
def test_periods_of_the_stories(story: dict[str, Any]) -> None:
    found = [(one.version.id, one.start, one.end) for one in periods(_of_story(story))]
    assert found == [(one["version"], moment(one["from"]), moment(one["to"])) for one in story["periods"]]


def test_periods_say_what_looking_at_each_version_says() -> None:
    dice = random.Random(11)
    for _ in range(300):
        versions = _random_history(dice)
        dice.shuffle(versions)
        found = periods(versions)
        for half_hours in range(-2, 44):
            at = _START + timedelta(minutes=30 * half_hours)
            held = [
                one.version.id
                for one in found
                if (one.start is None or one.start <= at) and (one.end is None or at < one.end)
            ]
            assert held == [_read(versions, at)]
            present = in_force(versions, at)
            assert present is not None
            assert [present.id] == held


def test_a_tenant_has_no_version_before_its_first() -> None:
    versions = [version(5, _START, _START)]
    assert in_force(versions, _START - timedelta(seconds=1)) is None
    assert periods(versions)[0].start == _START


def test_lifting_a_kill_gives_the_states_of_the_story() -> None:
    story = next(one for one in STORIES if one["story"].startswith("killed and lifted"))
    killed = _of_story(story)[:3]
    states = [(start, state and state["name"]) for start, state in lifted(killed, moment("2026-03-13T00:00:00Z"))]  # type: ignore[arg-type]
    again = [one for one in story["versions"] if one["id"] > 3]
    assert states == [(moment(one["effective_from"]), one["state"]) for one in again]


def test_lifting_leaves_out_what_was_planned() -> None:
    story = next(one for one in STORIES if one["story"].startswith("killed: for every"))
    versions = _of_story(story)
    # The plan of 20 March lay ahead at the kill; that its time has come since does not bring it back.
    found = lifted(versions, datetime(2026, 3, 25, tzinfo=UTC))
    assert [state and state["name"] for _, state in found] == ["off", "on"]


def test_lifting_keeps_what_changed_while_it_was_killed() -> None:
    hour = [_START + timedelta(hours=n) for n in range(6)]
    versions = [
        version(1, None, hour[0], percentage=0),
        version(2, None, hour[1], percentage=0, killed=True),
        version(3, hour[2], hour[2], percentage=20, killed=True),
        version(4, hour[5], hour[3], percentage=50, killed=True),
    ]
    kill = killed_from(versions, hour[4])
    assert kill is not None
    assert kill.id == 2
    found = lifted(versions, hour[4])
    assert [(start, state and (state["percentage"], state["killed"])) for start, state in found] == [
        (None, (0, False)),
        (hour[2], (20, False)),
    ]


def test_lifting_a_tenants_kill_lets_it_inherit_again_before_its_override() -> None:
    override: dict[str, Any] = {
        "enabled": True,
        "rollout_percentage": None,
        "value": None,
        "killed": False,
        "rollouts": [],
    }
    hour = [_START + timedelta(hours=n) for n in range(4)]
    of_nothing = [ScopeVersion(1, None, hour[1], {**override, "enabled": None, "killed": True})]
    assert lifted(of_nothing, hour[2]) == [(None, None)]
    of_override = [
        ScopeVersion(1, hour[0], hour[0], override),
        ScopeVersion(2, None, hour[1], {**override, "killed": True}),
    ]
    assert lifted(of_override, hour[2]) == [(None, None), (hour[0], override)]
    assert lifted(of_override[:1], hour[2]) == []


def test_planned_versions_are_those_that_come_into_force_later() -> None:
    hour = [_START + timedelta(hours=n) for n in range(6)]
    versions = [
        version(1, None, hour[0]),
        version(2, hour[4], hour[0]),
        version(3, hour[3], hour[1]),
        version(4, hour[5], hour[1]),
    ]
    assert [one.id for one in planned(versions, hour[2])] == [3, 4]
    assert [one.id for one in planned(versions, hour[2], since=hour[4])] == [4]
    assert [one.id for one in planned(versions, hour[5])] == []
