"""Reference values of other libraries, and sums over the users of two real tests.

What belongs here: reading them. The two data sets are not part of the project: their sums are. Where TRACKAI_TEST_DATA
names a folder with hillstrom.csv.gz and cookie_cats.csv.gz, the sums are computed from those.
"""

import csv
import gzip
import json
import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

VECTORS = json.loads((Path(__file__).parent / "vectors" / "statistics.json").read_text())

GROUPS = {"control": "No E-Mail", "mens": "Mens E-Mail", "womens": "Womens E-Mail"}


def hillstrom() -> dict[str, dict[str, Decimal]]:
    """Return sums over the users of each group: n, conv(erted), visit(ed), s(pend), x (history), squares, products."""
    if not os.environ.get("TRACKAI_TEST_DATA"):
        groups = VECTORS["hillstrom_moments"]["groups"]
        return {group: {name: Decimal(value) for name, value in sums.items()} for group, sums in groups.items()}
    found = {
        group: dict.fromkeys(("n", "conv", "visit", "s", "ss", "x", "xx", "sx", "cx", "cs"), Decimal(0))
        for group in GROUPS
    }
    names = {said: group for group, said in GROUPS.items()}
    for row in _rows("hillstrom"):
        c, visit = Decimal(row["conversion"]), Decimal(row["visit"])
        s, x = Decimal(row["spend"]), Decimal(row["history"])
        values: dict[str, Decimal] = {
            "n": Decimal(1),
            "conv": c,
            "visit": visit,
            "s": s,
            "ss": s * s,
            "x": x,
            "xx": x * x,
        }
        values |= {"sx": s * x, "cx": c * x, "cs": c * s}
        sums = found[names[row["segment"]]]
        for name, value in values.items():
            sums[name] += value
    return found


def cookie_cats(cap: float | None) -> tuple[list[int], list[int]]:
    """Return users, sum and sum of squares of rounds, each at most the cap, of gate_30 and gate_40."""
    if not os.environ.get("TRACKAI_TEST_DATA"):
        (row,) = (row for row in VECTORS["cap_cookie_cats"]["rows"] if row["cap"] == cap)
        return row["control"], row["variant"]
    found = {"gate_30": [0, 0, 0], "gate_40": [0, 0, 0]}
    for row in _rows("cookie_cats"):
        rounds = int(min(int(row["sum_gamerounds"]), cap or 10**9))
        sums = found[row["version"]]
        for at, value in enumerate((1, rounds, rounds * rounds)):
            sums[at] += value
    return found["gate_30"], found["gate_40"]


def _rows(name: str) -> Iterator[dict[str, str]]:
    with gzip.open(Path(os.environ["TRACKAI_TEST_DATA"]) / f"{name}.csv.gz", "rt") as file:
        yield from csv.DictReader(file)


def floats(values: list[Any]) -> list[float]:
    """Return the values with NaN for None."""
    return [float("nan") if value is None else value for value in values]
