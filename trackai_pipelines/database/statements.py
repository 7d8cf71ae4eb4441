"""Named SQL statements: `sql/<domain>/<name>.sql`, read once per process.

Every file opens with a comment that says what it does, which index serves it and what it guarantees.
Parameters are psycopg's `%(name)s`; the files never contain another per cent sign.
"""

from functools import cache
from pathlib import Path
from typing import LiteralString

_PACKAGE = Path(__file__).resolve().parents[1]


def shipped(relative: str) -> Path:
    """Return a file or folder of the project: the wheel carries it inside the package, a checkout next to it."""
    inside = _PACKAGE / relative
    return inside if inside.exists() else _PACKAGE.parent / relative


@cache
def statement(name: str) -> LiteralString:
    """Return the SQL text of `sql/<name>.sql`, e.g. `statement("matching/match_batch")`.

    A file of ours is as trustworthy as a literal, hence the type. Raises FileNotFoundError.
    """
    return shipped(f"sql/{name}.sql").read_text(encoding="utf-8")
