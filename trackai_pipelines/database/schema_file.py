"""The columns of tables as `sql/schema.sql` has them: for what is shown without a database.

What belongs here: reading that file, which is generated, and which a test compares with the migrations. What does not:
asking a database for its columns (tables.py).
"""

import re
from functools import cache

from trackai_pipelines.database.statements import statement
from trackai_pipelines.database.tables import Column

_TABLE = re.compile(r"^CREATE TABLE trackai\.(\w+) \(\n(.*?)^\)", re.MULTILINE | re.DOTALL)
# Keywords, such as those of conditions of more than one line, are in capitals there, and names are not.
_COLUMN = re.compile(
    r'^    "?(?P<name>[a-z]\w*)"? '
    r"(?P<type>.+?)(?: COLLATE \S+)?(?: (?:DEFAULT|GENERATED) .*?)?"
    r"(?P<kept> NOT NULL)?,?(?:  -- (?P<comment>.*))?$",
    re.MULTILINE,
)


@cache
def columns_shipped() -> dict[str, list[Column]]:
    """Return the columns of each table of schema trackai in order, by the table's name."""
    return {
        table: [
            Column(name=found["name"], type=found["type"], nullable=not found["kept"], comment=found["comment"])
            for found in _COLUMN.finditer(body)
        ]
        for table, body in _TABLE.findall(statement("schema"))
    }
