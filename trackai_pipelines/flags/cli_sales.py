"""What a change of a gate means for sales that were made already, as the commands show it.

What belongs here: options and what is shown. What does not: finding the sales (changed_sales.py).
"""

from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trackai_pipelines.terminal.output import remark, results, table

if TYPE_CHECKING:
    from trackai_pipelines.flags.changed_sales import ChangedDay

Rematch = Annotated[
    bool,
    typer.Option("--rematch", help="Match the unmatched ones of the sales whose value changes again."),
]


def plain_sales(days: Sequence["ChangedDay"], queued: int | None) -> dict[str, Any]:
    """Return the sales as plain data; nothing where none has another value."""
    if not days:
        return {}
    return {"sales": [asdict(one) | {"day": one.day.isoformat()} for one in days], "queued": queued}


def show_sales(days: Sequence["ChangedDay"], queued: int | None) -> None:
    """Print by day how many conversions have another value, and what becomes of the unmatched ones."""
    if not days:
        return
    by_day = [(day, list(of_day)) for day, of_day in groupby(sorted(days, key=_day), key=_day)]
    rows = [
        (str(day), len(of_day), sum(one.conversions for one in of_day), sum(one.unmatched for one in of_day))
        for day, of_day in by_day
    ]
    results().print(table(("day", "tenants", "conversions whose value changes", "unmatched"), rows))
    if queued is not None:
        remark(f"{queued:,} unmatched conversions wait to be matched again; `trackai match` does it now.")
    elif any(one.unmatched for one in days):
        remark(
            "What was decided stays. --rematch matches the unmatched ones again; so does `trackai rematch "
            f"--from {by_day[0][0]} --to {by_day[-1][0]}`."
        )


def _day(one: "ChangedDay") -> Any:
    return one.day
