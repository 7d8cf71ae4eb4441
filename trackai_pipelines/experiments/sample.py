"""The demo's tests: a tenant's files, what must be decided, and the comparison with what was.

What belongs here: files, starting the tests as if it had been then, and the proof. What does not: users and sales
(sample_world.py).
"""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, LiteralString

from psycopg import Connection

from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.statements import statement
from trackai_pipelines.domain import Proof, Sample
from trackai_pipelines.experiments.as_known import replay
from trackai_pipelines.experiments.creating import ChangedBy, create_test
from trackai_pipelines.experiments.designs import Guardrail, read_design
from trackai_pipelines.experiments.life import StartTerms, start
from trackai_pipelines.experiments.periods import last_day
from trackai_pipelines.experiments.refusals import UnknownTestError
from trackai_pipelines.experiments.rules import NewTest
from trackai_pipelines.experiments.sample_world import (
    AUTHOR,
    TENANT,
    TESTS,
    VARIANTS,
    WINDOW_DAYS,
    SampleTest,
    build,
    first_moment,
)


def write(sample: Sample) -> Mapping[str, Any]:
    """Write the files.

    Return `experiments`: `decisions` (of each test: how it is decided, what, and the winner), `sums` (by test and
    variant: users, buyers, conversions, revenue) and `classes` (by test and class: conversions).
    """
    world = build(sample.seed, sample.end)
    folder = sample.landing_dir / TENANT["slug"]
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in world.files.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return {
        "experiments": {
            "decisions": [[test.key, *(test.decision or (None, None, None))] for test in TESTS],
            "sums": [[*key, *map(str, sums)] for key, sums in world.sums.items()],
            "classes": [[*key, str(count)] for key, count in world.classes.items()],
        }
    }


def insert(connection: Connection[Any], sample: Sample) -> None:
    """Insert the tenant and start its tests, unless they are there."""
    if "experiments" not in sample.truth:
        return
    connection.execute(statement("experiments/insert_sample_tenant"), TENANT)
    for test in TESTS:
        try:
            read_design(connection, TENANT["id"], test.key)
        except UnknownTestError:
            _start(connection, sample, test)


def _start(connection: Connection[Any], sample: Sample, test: SampleTest) -> None:
    at, author = first_moment(sample.end), ChangedBy(AUTHOR, test.hypothesis)
    new = NewTest(
        test_key=test.key,
        name=test.name,
        hypothesis=test.hypothesis,
        variants=VARIANTS,
        start_date=at,
        end_date=None if test.ends_after is None else at + timedelta(days=test.ends_after),
        sample_size=test.sample_size,
        assigned_by="outside",
        window_days=WINDOW_DAYS,
        currency=TENANT["currency"],
        planned_lift=test.lift,
        guardrails=(Guardrail(metric="revenue_per_user", margin=0.05, rule="not_worse"),),
    )
    with connection.transaction():
        create_test(connection, TENANT["id"], new, author, at)
        start(connection, TENANT["id"], test.key, author, at, StartTerms())


def prove(connection: Connection[Any], sample: Sample) -> Proof:
    """Compare each test's decision, users, buyers, conversions and revenue, and the account, with the answer.

    Compare also a day of one test with what comes out when it is computed again.
    """
    truth = sample.truth.get("experiments")
    if truth is None:
        return Proof([], "this home was made before experiments were")
    differences = [
        *_wrong(connection, "experiments/sample_decisions", "the decision", truth["decisions"], 1),
        *_wrong(connection, "experiments/sample_sums", "users, buyers, conversions and revenue", truth["sums"], 2),
        *_wrong(connection, "experiments/sample_classes", "conversions", truth["classes"], 2),
        *_replayed_otherwise(connection, sample),
    ]
    return Proof(
        differences,
        f"{len(TESTS)} tests are decided, or wait, as they should, and each of "
        f"{sum(int(count) for *_, count in truth['classes']):,} conversions of their users is accounted for; "
        "a day that is computed again is the same",
    )


def _replayed_otherwise(connection: Connection[Any], sample: Sample) -> Iterator[str]:
    """Yield where the last day of a test is stored otherwise than it comes out of what is known by now."""
    design, now = read_design(connection, TENANT["id"], TESTS[0].key), utc_now()
    day = last_day(design, sample.end.date())
    replayed = replay(connection, design, day, now, now)
    if replayed.now != replayed.then:
        yield f"{TENANT['slug']}: {day} of {design.test_key} is stored otherwise than it is when computed again"


def _wrong(
    connection: Connection[Any], query: LiteralString, what: str, answer: list[list[Any]], keys: int
) -> Iterator[str]:
    """Yield where rows are not those of the answer; the first columns say which row it is."""
    rows = connection.execute(statement(query), {"tenant_id": TENANT["id"]}).fetchall()
    found = {row[:keys]: [*map(_plain, row[keys:])] for row in rows}
    should = {tuple(row[:keys]): row[keys:] for row in answer}
    for key in {**should, **found}:
        if found.get(key) != should.get(key):
            is_now, was_to_be = (of.get(key, "not there") for of in (found, should))
            yield f"{TENANT['slug']}: {what} of {', '.join(key)}: {is_now}, and should be {was_to_be}"


def _plain(value: Any) -> str | None:
    """Return a value as the answer has it."""
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    return None if value is None else str(value)
