"""Who recorded versions of flags, and why.

What belongs here: what a sentence about a value says of its version. What does not: the values (`evaluation`).
"""

from collections.abc import Iterable
from typing import Any

from psycopg import Connection

from trackai_pipelines.database.statements import statement


def version_sentences(connection: Connection[Any], versions: Iterable[int]) -> dict[int, str]:
    """Return what is said of each version, e.g. `version 41, ana: "pilot ended"`."""
    rows = connection.execute(statement("flag_values/authors"), {"versions": list(versions)}).fetchall()
    return {version: version_sentence(version, who, why) for version, who, why in rows}


def version_sentence(version: int, who: str | None, why: str | None) -> str:
    """Return what is said of a version; nobody is known for one whose row of the audit log has left."""
    said = f', {who}: "{why}"' if why else f", {who}"
    return f"version {version}{said if who else ''}"
