"""Figures that the residents of a name report together: one report a window, however many residents share the work.

Each notes what it counted; the eldest collects and shows it. What does not belong here: what is counted.
"""

from collections import Counter
from collections.abc import Mapping

from psycopg import Connection
from psycopg.types.json import Jsonb

from trackai_pipelines.database.statements import statement

Figures = Mapping[str, Counter[str]]
"""Counts by part of the work, e.g. a UTC day, and by name."""


def note_figures(connection: Connection, name: str, figures: Figures) -> None:
    """Leave a window's figures for the one that reports."""
    noted = {part: counts for part, counts in figures.items() if counts}
    connection.execute(
        statement("residents/note_figures"),
        {"name": name, "parts": list(noted), "figures": [Jsonb(dict(counts)) for counts in noted.values()]},
    )


def collect_figures(connection: Connection, name: str) -> dict[str, Counter[str]]:
    """Take what all residents of the name have noted, added up."""
    rows = connection.execute(statement("residents/collect_figures"), {"name": name}).fetchall()
    return {part: Counter(counts) for part, counts in rows}
