"""With which values of the gates the sales of a day are matched.

What belongs here: counting them. What does not: the values themselves (`matching_settings`, made by the flags).
"""

from collections import Counter
from datetime import date

from psycopg import Connection
from psycopg.rows import dict_row

from trackai_pipelines.database.statements import statement

NONE = "none"
"""In the place of the value of a sale whose moment has no settings."""


def gate_values(connection: Connection, day: date) -> dict[str, dict[str, int]]:
    """Return the conversions of a UTC day by value, for each gate that matching reads."""
    counts: dict[str, Counter[str]] = {"email_matching": Counter(), "lookback_days": Counter()}
    with connection.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute(statement("match_rates/gate_values_of_day"), {"day": day}):
            for gate, count in counts.items():
                count[row[gate] or NONE] += row["conversions"]
    return {gate: dict(sorted(count.items())) for gate, count in counts.items()}
