"""What evaluated days came to, over all programs, as figures that plot.

What belongs here: figures by day. What does not: one creator (standing.py).
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row

from trackai_pipelines.database.statements import statement


def figures_of_days(connection: Connection[Any], days: Sequence[date]) -> dict[date, dict[str, int]]:
    """Return the figures of those of the days that were evaluated, by what they are."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(statement("loyalty/figures_of_days"), {"days": list(days)})
        return {row.pop("day"): {name: int(figure) for name, figure in row.items()} for row in rows}


def number_at_risk(connection: Connection[Any]) -> int:
    """Return how many creators have a window that ends within two weeks and have sold too little to keep their tier."""
    row = connection.execute(statement("loyalty/creators_at_risk")).fetchone()
    return int(row[0]) if row else 0
