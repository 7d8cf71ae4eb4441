"""What a check costs in the process that asks, and how soon a change is seen by another one.

What belongs here: checks next to the hash that they need, to GrowthBook's SDK on the same payload, and to OpenFeature's
SDK. What does not: checks over HTTP (flags_http).
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from itertools import cycle
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

from growthbook import GrowthBook
from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from psycopg import Connection

from benchmarks.database import Database
from benchmarks.figures import Figure, Scale
from benchmarks.flags_world import KINDS, SPLIT, STATIC, TENANT, have_flags
from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.connection import connect
from trackai_pipelines.flag_values.bucketing import bucket
from trackai_pipelines.flag_values.client import Flags, open_flags
from trackai_pipelines.flag_values.evaluation import evaluate
from trackai_pipelines.flags.growthbook import payload
from trackai_pipelines.flags.openfeature import TrackaiProvider

_CHECKS_TITLE = "Flags: a check in a process, counted"
_CHANGE_TITLE = "Flags: from commit to the value in another process"
_USERS = 500
_CHANGES = {"small": 3, "medium": 60, "full": 60}
_CHECKS = {"small": 500, "medium": 50_000, "full": 200_000}
_ROUNDS = {"small": 1, "medium": 7, "full": 11}
_PATIENCE_SECONDS = 60
_BETWEEN_CHANGES_SECONDS = 0.05

Ask = Callable[[str], Any]
"""Checks a flag for a user."""


def run(scale: Scale, database: Database) -> Iterator[Figure]:
    """Yield the CPU time of checks with their ratios, then how long changes took."""
    with connect(database.url, name="benchmark") as connection:
        have_flags(connection)
        with open_flags(database.url, home=database.home) as flags:
            yield from _checks(scale, flags, _CHECKS[scale])
        yield from _changes(connection, database, _CHANGES[scale])


def _checks(scale: Scale, flags: Flags, checks: int) -> Iterator[Figure]:
    attributes = {"plan": "premium", "orders": 12, "country": "BR"}
    assert flags.snapshot is not None
    ruleset = flags.snapshot.ruleset
    sdk = GrowthBook(features=payload(ruleset, TENANT, utc_now()))

    def ours(key: str) -> Ask:
        return lambda user: flags.evaluate(key, tenant=TENANT, user=user, context=attributes)

    def uncounted(key: str) -> Ask:
        def ask(user: str) -> Any:
            asked = {"targetingKey": user, "tenant": TENANT, **attributes}
            return evaluate(ruleset, key, tenant=TENANT, context=asked, at=utc_now())

        return ask

    def growthbooks(key: str) -> Ask:
        def ask(user: str) -> Any:
            sdk.set_attributes({"id": user, "tenant": TENANT, **attributes})
            return sdk.eval_feature(key)

        return ask

    users = [f"user-{number}" for number in range(_USERS)]
    for key in KINDS.values():
        assert {ours(key)(user).value for user in users} == {growthbooks(key)(user).value for user in users}
    with _openfeature(flags) as through_openfeature:
        asked = {
            **{name: ours(key) for name, key in KINDS.items()},
            "hash": lambda user: bucket(SPLIT, user),
            **{f"{name}, not counted": uncounted(key) for name, key in KINDS.items()},
            **{f"{name}, by GrowthBook": growthbooks(key) for name, key in KINDS.items()},
            "split, by OpenFeature": through_openfeature(SPLIT),
        }
        seconds: dict[str, list[float]] = {name: [] for name in asked}
        for _ in range(_ROUNDS[scale]):
            # In turn, so that what else the machine does meets all of them.
            for name, ask in asked.items():
                seconds[name].append(_cpu_seconds(ask, users, checks))
        sdk.destroy()
    took = {name: median(rounds) for name, rounds in seconds.items()}
    for name, of_one in took.items():
        yield Figure(_CHECKS_TITLE, name, "CPU µs", 1e6 * of_one, at_most=2 if name == "static" else None)
    yield Figure(_CHECKS_TITLE, "split", "times its hash", took["split"] / took["hash"], at_most=2)
    yield Figure(_CHECKS_TITLE, "split", "checks a second", 1 / took["split"], at_least=50_000)
    # An SDK of GrowthBook counts nothing, either.
    for name, at_least in (("static", None), ("split", 1.5), ("segment and variants", 4)):
        ratio = took[f"{name}, by GrowthBook"] / took[f"{name}, not counted"]
        yield Figure(_CHECKS_TITLE, f"{name}, not counted", "times as fast as GrowthBook", ratio, at_least=at_least)
    through = took["split, by OpenFeature"]
    yield Figure(_CHECKS_TITLE, "split, by OpenFeature", "checks a second", 1 / through, at_least=10_000)
    slowest = _99th_percentile(asked["segment and variants"], users, checks)
    yield Figure(_CHECKS_TITLE, "segment and variants", "p99 ms", 1e3 * slowest, at_most=1)


def _cpu_seconds(ask: Ask, users: list[str], checks: int) -> float:
    """Return the CPU time of a check, without the loop and the call around it."""
    asked = [user for user, _ in zip(cycle(users), range(checks), strict=False)]
    begun = time.thread_time()
    for user in asked:
        ask(user)
    used = time.thread_time() - begun
    begun = time.thread_time()
    for user in asked:
        _nothing(user)
    return (used - (time.thread_time() - begun)) / checks


def _nothing(_: str) -> None:
    pass


def _99th_percentile(ask: Ask, users: list[str], checks: int) -> float:
    """Return the seconds that one check in a hundred takes longer than, by the clock on the wall."""
    took = []
    for user, _ in zip(cycle(users), range(checks), strict=False):
        begun = time.perf_counter()
        ask(user)
        took.append(time.perf_counter() - begun)
    return sorted(took)[len(took) * 99 // 100]


@contextmanager
def _openfeature(flags: Flags) -> Iterator[Callable[[str], Ask]]:
    """Within the block, OpenFeature's client answers from these flags."""
    api.set_provider_and_wait(TrackaiProvider(TENANT, opened=lambda: flags))
    client = api.get_client()

    def asking(key: str) -> Ask:
        def ask(user: str) -> Any:
            return client.get_boolean_details(key, False, EvaluationContext(user, {"plan": "premium", "orders": 12}))

        return ask

    yield asking
    api.clear_providers()


def _changes(connection: Connection[Any], database: Database, changes: int) -> Iterator[Figure]:
    """Change a flag again and again while another process asks for it."""
    context = get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(1, context) as pool:
        seen = manager.Queue()
        asking = pool.submit(_tell_changes, database.url, database.home, changes, seen)
        assert seen.get(timeout=_PATIENCE_SECONDS) == "asking"
        took = []
        for number in range(1, changes + 1):
            time.sleep(_BETWEEN_CHANGES_SECONDS)
            begun = time.time()
            connection.execute(
                "UPDATE trackai.feature_flags SET rollout_percentage = %s WHERE key = %s", (number % 2, STATIC)
            )
            took.append(seen.get(timeout=_PATIENCE_SECONDS) - begun)
        asking.result()
    connection.execute("UPDATE trackai.feature_flags SET rollout_percentage = 100 WHERE key = %s", (STATIC,))
    took.sort()
    for name, value in (("median ms", median(took)), ("p99 ms", took[len(took) * 99 // 100]), ("max ms", took[-1])):
        at_most = 1_000 if name == "p99 ms" else None
        yield Figure(_CHANGE_TITLE, f"{changes} changes", name, 1e3 * value, at_most=at_most)


def _tell_changes(url: str, home: Path, changes: int, seen: Any) -> None:
    """Ask for the flag without pause, and tell when each change of it was seen."""
    with open_flags(url, home=home) as flags:
        version = flags.evaluate(STATIC, tenant=TENANT).flag_version
        seen.put("asking")
        for _ in range(changes):
            while (found := flags.evaluate(STATIC, tenant=TENANT).flag_version) == version:
                time.sleep(0.0002)
            seen.put(time.time())
            version = found
