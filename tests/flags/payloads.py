"""Random flags as a tenant's payload for GrowthBook, with the contexts in which they are asked."""

from collections.abc import Iterator, Mapping
from random import Random
from typing import Any, NamedTuple

from flag_values.random_conditions import attributes, condition
from flag_values.reference import NOW, attribute, ruleset
from flag_values.worlds import TENANTS, context, flags, overrides

from trackai_pipelines.flag_values.evaluation import Evaluation, evaluate
from trackai_pipelines.flag_values.ruleset import Ruleset
from trackai_pipelines.flags.growthbook import payload


class World(NamedTuple):
    rules: Ruleset
    tenant: str
    features: Mapping[str, Any]
    contexts: list[dict[str, Any]]

    def answers(self) -> Iterator[tuple[str, dict[str, Any], Evaluation]]:
        """Yield each flag that can be answered, what an SDK is given, and our answer."""
        for asked in self.contexts:
            for key in self.features:
                answer = evaluate(self.rules, key, tenant=self.tenant, context=asked, at=NOW)
                if answer.error_code is None:
                    yield key, {**asked, "id": asked.get("targetingKey")}, answer


def worlds(seed: int) -> Iterator[World]:
    """Yield worlds without end, the same for the same seed."""
    random = Random(seed)
    while True:
        states = flags(random, 6)
        for flag in states.values():
            segments = flag["segments"]
            segments |= {name: attribute(condition(random)) for name in segments if random.random() < 0.3}
        rules = ruleset(states, overrides(random, states))
        for tenant in TENANTS:
            features = payload(rules, tenant, NOW)
            assert features.keys() == states.keys()
            contexts = [{**context(random), **attributes(random), "tenant": tenant} for _ in range(6)]
            yield World(rules, tenant, features, contexts)
