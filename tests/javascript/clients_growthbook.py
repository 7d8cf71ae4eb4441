"""JavaScript's clients of flags: GrowthBook's SDK with our payload, OpenFeature's with our server.

What belongs here: what only they can show. What does not: their siblings in Python (tests/flags). It is no part of the
suite, because it needs Node and packages of npm: `make test-javascript`.
"""

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from flag_values.random_conditions import attributes, condition
from flag_values.reference import NOW, attribute, row, ruleset, state
from flags.payloads import worlds

from trackai_pipelines.flag_values.conditions import matcher
from trackai_pipelines.flags.growthbook import payload

HERE = Path(__file__).parent
Asked = Sequence[tuple[str, Mapping[str, Any]]]
Ask = Callable[[Mapping[str, Any], Asked], list[Any]]


@pytest.fixture
def growthbook() -> Iterator[Ask]:
    """Ask GrowthBook's SDK for values: `growthbook(features, [(key, attributes)])`."""
    command = ["node", str(HERE / "growthbook.mjs")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def ask(features: Mapping[str, Any], asked: Asked) -> list[Any]:
            assert process.stdin
            assert process.stdout
            line = {"features": features, "asked": [{"key": key, "attributes": given} for key, given in asked]}
            process.stdin.write(json.dumps(line) + "\n")
            process.stdin.flush()
            values: list[Any] = json.loads(process.stdout.readline())
            return values

        try:
            yield ask
        finally:
            process.kill()


def test_random_flags_are_the_same_in_growthbook(growthbook: Ask) -> None:
    evaluations = served = 0
    for world in worlds(seed=1):
        ours = list(world.answers())
        theirs = growthbook(world.features, [(key, given) for key, given, _ in ours])
        for (key, given, answer), value in zip(ours, theirs, strict=True):
            # JavaScript has no integers, but booleans.
            assert (value, type(value) is bool) == (answer.value, type(answer.value) is bool), (key, given)
            served += bool(answer.value_used)
        evaluations += len(ours)
        if evaluations > 50_000:
            break
    assert served > 5_000


def test_random_conditions_hold_where_growthbook_says_so(growthbook: Ask) -> None:
    random = Random(1)
    held = 0
    for _ in range(200):
        conditions = {f"flag-{number}": condition(random) for number in range(20)}
        flags = {key: _flag_of(wanted) for key, wanted in conditions.items()}
        asked = [(key, attributes(random)) for key in conditions for _ in range(4)]
        theirs = growthbook(payload(ruleset(flags), "acme", NOW), asked)
        for (key, given), value in zip(asked, theirs, strict=True):
            assert matcher(conditions[key])(given) is value, (conditions[key], given)
            held += value
    assert held > 2_000


def _flag_of(wanted: Mapping[str, Any]) -> dict[str, Any]:
    rows = [row("segment", None, 100)]
    return state(rollouts=rows, segments={"segment": attribute(wanted)}, rollout_percentage=0)
