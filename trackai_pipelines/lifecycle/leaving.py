"""The tables whose old rows leave the database, in the order in which they leave.

What belongs here: that choice and order, derived from declarations. What does not: for how long rows stay, which the
table `retention_policies` says, and moving them.
"""

from collections.abc import Sequence

from trackai_pipelines.domain import Table


def leaving(tables: Sequence[Table]) -> dict[str, Table]:
    """Return those of `tables`, which are in the order of the flow, whose rows leave, by name and in order of leaving.

    Rows that refer to others leave before those. Partitions come first: no foreign key refers to a partition. The rest
    goes against the flow: rows refer to what was there before them.
    """
    found = [table for table in reversed(tables) if table.leaves != "never"]
    return {table.name: table for table in sorted(found, key=lambda table: not table.partitioned)}
