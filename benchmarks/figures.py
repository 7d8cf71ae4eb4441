"""What a benchmark measures, as values.

What belongs here: figures and sizes. What does not: how they are shown (report).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Scale = Literal["small", "medium", "full"]
"""small: seconds, for tests of the benchmarks themselves; medium: minutes; full: what is published."""


@dataclass(frozen=True)
class Figure:
    """One measured value: a cell of the table `title`, in the row `case` and the column `name` (with its unit)."""

    title: str
    case: str
    name: str
    value: float
    at_least: float | None = None
    at_most: float | None = None
    """What must hold of it, where something must."""

    @property
    def bound(self) -> str:
        """`>= 40`, `<= 2.5` or nothing."""
        if self.at_least is not None:
            return f"at least {self.at_least:,g}"
        return "" if self.at_most is None else f"at most {self.at_most:,g}"

    @property
    def holds(self) -> bool:
        """Whether the value is within its bounds."""
        return (self.at_least is None or self.value >= self.at_least) and (
            self.at_most is None or self.value <= self.at_most
        )


def row(title: str, case: str, values: Mapping[str, float | None]) -> list[Figure]:
    """The figures of one row of a table; a value that could not be measured is None and left out."""
    return [Figure(title, case, name, float(value)) for name, value in values.items() if value is not None]


def tables(figures: Iterable[Figure]) -> dict[str, dict[str, dict[str, Figure]]]:
    """Figures by title, case and name, in the order in which they came."""
    found: dict[str, dict[str, dict[str, Figure]]] = {}
    for figure in figures:
        found.setdefault(figure.title, {}).setdefault(figure.case, {})[figure.name] = figure
    return found


def short(count: int) -> str:
    """`10M`, `200k`, `7`."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if count >= size and count % size == 0:
            return f"{count // size}{letter}"
    return f"{count:,}"
