"""`trackai experiments replay`: a day as it was known at a moment, beside what is known of it now.

What belongs here: options, and the layout. What does not: the figures (as_known.py), and how they are written
(notation.py).
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trackai_pipelines.experiments import cli_options as shared
from trackai_pipelines.terminal.moments import MOMENT_FORMATS, utc
from trackai_pipelines.terminal.output import results, table

if TYPE_CHECKING:
    from trackai_pipelines.experiments.as_known import Arrived, DayFigures, Replayed

_KINDS = {
    "sales": ("sale arrived", "sales arrived"),
    "links": ("sale that was there was linked with its user", "sales that were there were linked with their users"),
    "matches": ("sale that was there was matched with a click", "sales that were there were matched with a click"),
    "assignments": ("assignment arrived", "assignments arrived"),
    "reassignments": (
        "assignment that changes an earlier one arrived",
        "assignments that change earlier ones arrived",
    ),
    "exclusions": ("user was excluded", "users were excluded"),
    "users": ("user became known", "users became known"),
}
_NAMED = 3


def replay(
    key: shared.Key,
    tenant: shared.Tenant,
    day: Annotated[
        datetime,
        typer.Option(formats=["%Y-%m-%d"], metavar="DAY", help="The UTC day whose figures are computed again."),
    ],
    known_at: Annotated[
        datetime,
        typer.Option(formats=MOMENT_FORMATS, metavar="TIME", help="Only from what had arrived by then; UTC."),
    ],
    as_json: shared.AsJson = False,
) -> None:
    """Compute a day again from what had arrived by a moment, and show it beside what is stored now and what came since.

    Nothing is written.
    """
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.experiments.as_known import replay as replay_test
    from trackai_pipelines.experiments.chosen import tenant_of
    from trackai_pipelines.experiments.designs import read_design

    moment = utc(known_at)
    assert moment is not None
    with shared.opened() as connection:
        design = read_design(connection, tenant_of(connection, tenant), key)
        found = replay_test(connection, design, day.date(), moment, utc_now())
    if as_json:
        shared.echo(plain(found))
        return
    results().print(head(found), markup=False, highlight=False)
    results().print(table(*_table(found)))
    for line in since(found):
        results().print(line, markup=False, highlight=False)


def head(found: "Replayed") -> str:
    """Return which day it is, and where the test stood."""
    from trackai_pipelines.experiments.deciding import Decided
    from trackai_pipelines.experiments.notation import decided_in_words
    from trackai_pipelines.experiments.rules import shown

    stood = found.standing
    if isinstance(stood, Decided):
        said = decided_in_words(stood.kind, stood.decision_day, stood.outcome, stood.winner_variant)
    else:
        said = stood.reason
    return f"{found.design.test_key}   day {found.day} as known at {shown(found.known_at)}   {said}"


def since(found: "Replayed") -> Iterator[str]:
    """Yield what arrived since, and what is not known any more, a line each."""
    if found.now is None:
        yield "Nothing is stored of this day."
    elif health := _health(found.then, found.now):
        yield f"  {health}"
    if not found.since:
        yield "Nothing that bears on it arrived since."
    for one in found.since:
        yield f"  {one.rows:,} {_KINDS[one.kind][one.rows != 1]} since{_examples(one)}"
    if found.unknown is not None:
        users = "user's hashes were" if found.unknown.rows == 1 else "users' hashes were"
        yield (
            f"  Not known any more: {found.unknown.rows:,} {users} replaced since{_examples(found.unknown)}. "
            "Sales that only the old ones linked are missing here."
        )


def plain(found: "Replayed") -> dict[str, Any]:
    """Return the same as plain data, with all sums and results."""
    from dataclasses import asdict

    return {
        "test": found.design.test_key,
        "day": found.day,
        "known_at": found.known_at,
        "standing": asdict(found.standing),
        "then": _plain_day(found.then),
        "now": None if found.now is None else _plain_day(found.now),
        "since": [asdict(one) for one in found.since],
        "replaced_users": None if found.unknown is None else asdict(found.unknown),
    }


def _plain_day(figures: "DayFigures") -> dict[str, Any]:
    return {
        "variants": [
            {
                "population": population,
                "variant": variant,
                "totals": sums,
                "results": [
                    {"metric": metric, "estimator": estimator, **of_metric}
                    for (of, name, metric, estimator), of_metric in figures.results.items()
                    if (of, name) == (population, variant)
                ],
            }
            for (population, variant), sums in figures.totals.items()
        ],
        "health": figures.health,
    }


def _table(found: "Replayed") -> tuple[Sequence[str], list[Sequence[object]]]:
    """Return each variant as it was and as it is, and by how much counts differ."""
    from trackai_pipelines.experiments.notation import METRICS

    names = ("population", "variant", "", "users", "converted", "conversions", "revenue")
    columns = (*names, METRICS[found.design.primary_metric][1], "lift", "interval", "p", "adjusted")
    rows: list[Sequence[object]] = []
    for population, variant in found.then.totals:
        then = _row(found, found.then, population, variant)
        now = then if found.now is None else _row(found, found.now, population, variant)
        if then == now:
            rows.append((population, variant, "then" if found.now is None else "then and now", *then))
        else:
            *counts, revenue = (after - before for before, after in zip(then[:4], now[:4], strict=True))
            differs = (*(f"{count:+,}" if count else "" for count in counts), f"{revenue:+,.2f}" if revenue else "")
            rows.append((population, variant, "then", *then))
            rows.append(("", "", "now", *now))
            rows.append(("", "", "difference", *differs, *[""] * 5))
    return columns, [[f"{cell:,.2f}" if isinstance(cell, Decimal) else cell for cell in row] for row in rows]


def _row(found: "Replayed", figures: "DayFigures", population: str, variant: str) -> tuple[Any, ...]:
    from trackai_pipelines.experiments import notation

    design = found.design
    nothing = dict.fromkeys(("users_count", "converted_users", "conversions", "revenue"), 0)
    sums = figures.totals.get((population, variant), nothing)
    of = figures.results.get((population, variant, design.primary_metric, design.estimator), {})
    return (
        *(sums[name] for name in nothing),
        notation.estimate_in_words(design.primary_metric, of.get("estimate")),
        notation.lift_in_words(of.get("lift")),
        notation.interval_in_words(of.get("lift_ci_lower"), of.get("lift_ci_upper")),
        notation.p_in_words(of.get("p_value")),
        notation.p_in_words(of.get("p_value_adjusted")),
    )


def _health(then: "DayFigures", now: "DayFigures") -> str:
    """Return what else differs: who is not analysed or linked, and the p-values of variants that are alike."""
    before, after = _about_users(then), _about_users(now)
    return "; ".join(
        f"{what}: {before[what]} then, {after[what]} now" for what in before if before[what] != after[what]
    )


def _about_users(figures: "DayFigures") -> dict[str, str]:
    from trackai_pipelines.experiments.notation import p_in_words

    excluded = [users for of_reason in figures.health["excluded_users"].values() for users in of_reason.values()]
    unlinked = [sums["unlinked_users"] for (population, _), sums in figures.totals.items() if population == "so_far"]
    p_values = {
        "p of the split": "srm_p_value",
        "p of the split before exclusions": "srm_p_value_before_exclusions",
        "p of links": "linkage_p_value",
        "p of clicks": "tracking_p_value",
    }
    return {
        "users not analysed": f"{sum(excluded):,}",
        "users not linked": f"{sum(unlinked):,}",
        **{what: p_in_words(figures.health[name]) or "none" for what, name in p_values.items()},
    }


def _examples(one: "Arrived") -> str:
    more = ", …" if one.rows > _NAMED else ""
    return f" ({'; '.join(one.examples[:_NAMED])}{more})"
