"""The functions in SQL and those in Python are one: buckets, values of gates, what fits a type, and the gates."""

from random import Random
from typing import Any

from flag_values.reference import NOW, own, ruleset, state, vectors
from psycopg import Connection
from psycopg.types.json import Jsonb

from trackai_pipelines.flag_values.bucketing import bucket
from trackai_pipelines.flag_values.evaluation import evaluate
from trackai_pipelines.flag_values.gates import GATES
from trackai_pipelines.flag_values.values import VALUE_TYPES, parsed

_LETTERS = "aZ09._- éßユ😀\u0301\uff5e"


def test_buckets_are_the_same(connection: Connection[Any]) -> None:
    random = Random(1)
    reference = vectors("hash")
    pairs = [(salt, unit) for salt, unit, _ in reference["published"] + reference["computed"]]
    pairs += [(_word(random), _word(random)) for _ in range(500)]
    found = connection.execute(
        "SELECT trackai.flag_bucket(salt, unit) FROM unnest(%s::text[], %s::text[]) AS pairs (salt, unit)",
        [list(column) for column in zip(*pairs, strict=True)],
    ).fetchall()
    assert [row[0] for row in found] == [bucket(*pair) for pair in pairs]


def _word(random: Random) -> str:
    return "".join(random.choices(_LETTERS, k=random.randrange(12)))


def test_gates_have_the_same_values(connection: Connection[Any]) -> None:
    random = Random(2)
    asked = [
        (
            state(
                value_type="integer",
                off_value="90",
                on_value="30",
                bucket_by="tenant",
                salt="lookback_days",
                enabled=random.random() < 0.7,
                killed=random.random() < 0.2,
                rollout_percentage=random.choice([0, 100, random.randrange(101)]),
            ),
            own(
                enabled=random.choice([None, True, False]),
                rollout_percentage=random.choice([None, 0, 100, random.randrange(101)]),
                value=random.choice([None, None, "7"]),
                killed=random.random() < 0.2,
            ),
            f"tenant-{random.randrange(1_000)}",
        )
        for _ in range(1_000)
    ]
    flags, tenants, slugs = zip(*asked, strict=True)
    found = connection.execute(
        "SELECT trackai.gate_value(flag, tenant, slug)"
        " FROM unnest(%s::jsonb[], %s::jsonb[], %s::text[]) AS asked (flag, tenant, slug)",
        ([Jsonb(flag) for flag in flags], [Jsonb(tenant) for tenant in tenants], list(slugs)),
    ).fetchall()
    assert [int(row[0]) for row in found] == [
        evaluate(
            ruleset({"lookback_days": flag}, {("lookback_days", slug): tenant}),
            "lookback_days",
            tenant=slug,
            context={},
            at=NOW,
        ).value
        for flag, tenant, slug in asked
    ]


def test_the_same_texts_fit_a_type(connection: Connection[Any]) -> None:
    random = Random(3)
    texts = [
        "true",
        "false",
        "True",
        "",
        "null",
        "NaN",
        "Infinity",
        "1e308",
        "1e309",
        "-0",
        "\u0661",
        "{}",
        " {} ",
        "[]",
        '{"a": 1',
    ] + ["".join(random.choices("01259-+.eE ", k=random.randrange(1, 18))) for _ in range(4_000)]
    asked = [(text, value_type) for text in texts for value_type in VALUE_TYPES]
    found = connection.execute(
        "SELECT trackai.fits_value_type(value, value_type)"
        " FROM unnest(%s::text[], %s::text[]) AS asked (value, value_type)",
        [list(column) for column in zip(*asked, strict=True)],
    ).fetchall()
    fitting = [pair for pair, row in zip(asked, found, strict=True) if row[0]]
    assert fitting == [pair for pair in asked if _fits(*pair)]
    assert {value_type for _, value_type in fitting} == set(VALUE_TYPES)


def _fits(text: str, value_type: str) -> bool:
    try:
        parsed(value_type, text)
    except ValueError:
        return False
    return True


def test_the_gates_are_those_of_the_database(connection: Connection[Any]) -> None:
    found = connection.execute(
        "SELECT key, value_type, off_value, on_value, bucket_by FROM trackai.built_in_gates()"
    ).fetchall()
    assert found == [(g.key, g.value_type, g.built_in, g.on_value, g.bucket_by) for g in GATES.values()]
