"""Figures that the residents of a name report together: one report for each window, however many share the work.

Each resident notes what it counted; the eldest collects and reports it. What does not belong here: what is counted.
"""

from collections import Counter
from collections.abc import Mapping

from psycopg import Connection
from psycopg.types.json import Jsonb

from trackai_pipelines.database.statements import statement

Figures = Mapping[str, Counter[str]]
"""Counts by part of the work, e.g. a UTC day, and by name."""


def note_figures(connection: Connection, name: str, figures: Figures) -> None:
    """Note a window's figures for the resident that reports."""
    noted = {part: counts for part, counts in figures.items() if counts}
    connection.execute(
        statement("residents/note_figures"),
        {"name": name, "parts": list(noted), "figures": [Jsonb(dict(counts)) for counts in noted.values()]},
    )


def collect_figures(connection: Connection, name: str) -> dict[str, Counter[str]]:
    """Take what all residents of the name have noted, summed."""
    rows = connection.execute(statement("residents/collect_figures"), {"name": name}).fetchall()
    return {part: Counter(counts) for part, counts in rows}
