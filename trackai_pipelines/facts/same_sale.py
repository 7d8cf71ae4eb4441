"""One sale under several names: what joins the events in which a gateway reports it, in any order.

Stripe reports a payment as a checkout session, an invoice, a payment intent and a charge, and each knows some of the
others' ids. An event that shares a name with a sale is of that sale, and adds its own names to `trackai.sale_names`.

What belongs here: joining the rows of a chunk with each other and with the sales that are here. What does not: which
names an event has (`gateways`), and that only one row of a sale is written (conversions_one_per_sale).
"""

from collections.abc import Iterable, Mapping, Sequence

from psycopg import Connection
from psycopg.rows import TupleRow

from trackai_pipelines.database.locks import SALE_NAMES
from trackai_pipelines.database.statements import statement
from trackai_pipelines.ingest.kinds import Joined

Name = tuple[str, str, str]
"""A tenant, a gateway, and the name of one of its sales there."""


def join(connection: Connection[TupleRow], rows: Sequence[str], names: Mapping[str, tuple[str, ...]]) -> Joined:
    """Give the rows of one sale one `sale_key`, that of the sale if it is here; the fullest of them comes first.

    `names` has the names of a row's sale, by the row. Until the transaction ends, nobody else joins events of
    these tenants' gateways. Raises psycopg.Error.
    """
    all_names = {row: _all_names(row, of_row) for row, of_row in names.items()}
    _lock(connection, {name[:2] for of_row in all_names.values() for name in of_row})
    sales = _Sales()
    for of_row in all_names.values():
        sales.join(of_row)
    for name, sale_key in _known(connection, sales.names()):
        sales.join([name, (*name[:2], sale_key)])
        sales.here((*name[:2], sale_key))
    found = [(name, sales.key_of(name)) for name in sales.names()]
    connection.execute(statement("facts/insert_sale_names"), _arrays(found))
    renamed = {of_row[0]: sales.key_of(of_row[0]) for of_row in all_names.values()}
    return Joined(sorted((_renamed(row, renamed) for row in rows), key=_fullest_first), renamed)


class _Sales:
    """Names, joined into sales: a forest in which a name points to another of the same sale, or is its key."""

    def __init__(self) -> None:
        self._next: dict[Name, Name] = {}
        self._here: set[Name] = set()

    def names(self) -> list[Name]:
        return list(self._next)

    def join(self, names: Sequence[Name]) -> None:
        first = self._root(names[0])
        for name in names[1:]:
            other = self._root(name)
            if other != first:
                # A sale that is here keeps its key.
                first, other = (other, first) if other in self._here and first not in self._here else (first, other)
                self._next[other] = first

    def here(self, key: Name) -> None:
        """Note that a sale has this key in the database; of several that turn out to be one, the first stays."""
        root = self._root(key)
        if root in self._here:
            return
        self._next[root] = key
        self._next[key] = key
        self._here.add(key)

    def key_of(self, name: Name) -> str:
        return self._root(name)[2]

    def _root(self, name: Name) -> Name:
        following = self._next.setdefault(name, name)
        while following != self._next[following]:
            following = self._next[following]
        self._next[name] = following
        return following


def _all_names(row: str, names: Iterable[str]) -> list[Name]:
    tenant_id, gateway, sale_key, _ = row.split("\t", 3)
    return [(tenant_id, gateway, name) for name in dict.fromkeys([sale_key, *names])]


def _renamed(row: str, renamed: Mapping[Name, str]) -> str:
    tenant_id, gateway, sale_key, rest = row.split("\t", 3)
    return "\t".join((tenant_id, gateway, renamed.get((tenant_id, gateway, sale_key), sale_key), rest))


def _fullest_first(row: str) -> tuple[list[str], int, str]:
    """Order rows by sale, and those of one sale by how much they say."""
    cells = row.split("\t")
    return cells[:3], cells.count(""), row


def _lock(connection: Connection[TupleRow], gateways: set[tuple[str, ...]]) -> None:
    for tenant_id, gateway in sorted(gateways):
        connection.execute(
            statement("facts/lock_sale_names"), {"lock": SALE_NAMES, "tenant_id": tenant_id, "gateway": gateway}
        )


def _known(connection: Connection[TupleRow], names: Sequence[Name]) -> list[tuple[Name, str]]:
    found = connection.execute(statement("facts/known_sales"), _arrays((name, "") for name in names)).fetchall()
    return [((tenant_id, gateway, name), sale_key) for tenant_id, gateway, name, sale_key in found]


def _arrays(names: Iterable[tuple[Name, str]]) -> dict[str, list[str]]:
    rows = sorted((*name, sale_key) for name, sale_key in names)
    return {
        column: [row[place] for row in rows]
        for place, column in enumerate(("tenant_ids", "gateways", "names", "sale_keys"))
    }
