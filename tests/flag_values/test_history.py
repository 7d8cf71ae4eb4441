"""One version is in force at each moment: of those effective then, as known then, the one recorded last."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from flag_values.reference import RECORDED, moment, own, state, vectors, versions

from trackai_pipelines.flag_values.ruleset import BEGINNING, END, Version, in_force, ruleset_of

_HOUR = timedelta(hours=1)


@pytest.mark.parametrize("story", vectors("history"), ids=lambda story: story["story"])
def test_the_periods_of_each_story(story: dict[str, Any]) -> None:
    history = versions(story["versions"], "flag")
    for period in story["periods"]:
        since, until = moment(period["from"]) or BEGINNING, moment(period["to"]) or END
        for at in (since, since + _HOUR, until - _HOUR):
            found = in_force(history, at)
            assert found is not None
            assert (found.id, found.state) == (period["version"], period["state"])


def _brute_force(history: list[Version], tenant: str | None, at: datetime, known_at: datetime | None) -> int:
    """Read the definition aloud: effective by then, known by then, the highest id; 0: none."""
    return max(
        (
            version.id
            for version in history
            if version.tenant == tenant
            and (version.effective_from or BEGINNING) <= at
            and (known_at or END) >= version.recorded_at
        ),
        default=0,
    )


@pytest.mark.parametrize("seed", range(20))
def test_any_history_is_read_as_by_brute_force(seed: int) -> None:
    random = Random(seed)

    def hour() -> datetime:
        return RECORDED + random.randrange(60) * _HOUR

    history = [Version(1, 1, "flag", None, None, RECORDED, state())]
    for number in range(2, random.randrange(3, 30)):
        tenant = random.choice([None, None, "acme", "globex"])
        effective = random.choice([None, hour(), hour()])
        recorded = RECORDED + number * _HOUR
        history.append(Version(number, 1, "flag", tenant, effective, recorded, state() if tenant is None else own()))
    ruleset = ruleset_of(random.sample(history, len(history)))
    assert ruleset.mark == history[-1].id
    for _ in range(600):
        tenant, at, known_at = random.choice(["acme", "globex", "other", None]), hour(), random.choice([None, hour()])
        decision = ruleset.decision("flag", tenant, at, known_at)
        assert (decision.flag_version, decision.override_version) == (
            _brute_force(history, None, at, known_at),
            0 if tenant is None else _brute_force(history, tenant, at, known_at),
        )


def test_a_flag_is_absent_before_it_was_known_and_after_it_was_deleted() -> None:
    deleted = RECORDED + 5 * _HOUR
    ruleset = ruleset_of(
        [
            Version(1, 1, "flag", None, None, RECORDED, state()),
            Version(2, 1, "flag", "acme", None, RECORDED, own(enabled=False)),
            Version(3, 1, "flag", None, deleted, deleted, None),
        ]
    )

    def always(at: datetime, known_at: datetime | None = None) -> Any:
        answer = ruleset.decision("flag", "acme", at, known_at).always
        assert answer is not None
        return answer.reason, answer.error_code

    assert always(deleted - _HOUR) == ("DISABLED", None)
    assert always(deleted) == ("ERROR", "FLAG_NOT_FOUND")
    assert always(deleted, deleted - _HOUR) == ("DISABLED", None)
    assert always(deleted, RECORDED - _HOUR) == ("ERROR", "FLAG_NOT_FOUND")


def test_of_flags_that_had_one_key_the_last_counts() -> None:
    ruleset = ruleset_of(
        [
            Version(1, 1, "flag", None, None, RECORDED, state()),
            Version(2, 1, "flag", "acme", None, RECORDED, own(enabled=False)),
            Version(3, 1, "flag", None, RECORDED, RECORDED, None),
            Version(4, 2, "flag", None, None, RECORDED, state()),
        ]
    )
    decision = ruleset.decision("flag", "acme", datetime(2020, 1, 1, tzinfo=UTC))
    assert (decision.flag_version, decision.override_version) == (4, 0)
