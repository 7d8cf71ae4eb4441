"""Random small worlds: facts whose keys collide or are malformed, under settings that change in time.

What belongs here: drawing a world, keeping it in the database and as plain rows, and comparing both. What does not: the
rules (brute_force.py), how settings follow from their history (gates.py).
"""

import itertools
import json
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from matching import brute_force
from matching.gates import LOOKBACKS, SALE, History, changes
from psycopg import Connection, sql

# Few values make keys collide; upper and lower case, padding, appendices, every way to be malformed.
CLICK_IDS = ("AbC", "abc", "IwAR1", "x" * 512)
# What stands for no click id, so that many clicks and sales "share" it.
PLACEHOLDERS = (
    "undefined", "UNDEFINED", "null", "Null", "None", "NaN", "0", "{}", "{{x}}", "{x}", "__X__", "%7Bx%7D",
    "%257Bx%257D", "%22undefined%22", "%75ndefined", "+null+", "%20null", "n%2Fa", "%%FBCLID%%", "fbclid", "-",
    "[object%20Object]",
)  # fmt: skip
MALFORMED_IDS = ("", "  ", "a b", "a.b", "x" * 513, "a\u00a0b", "\u3000")
SPACES = ("", " ", "\t", "\n ", "\u00a0", "\u2003\r")


def _padded(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(
        lambda left, value, right: left + value + right, st.sampled_from(SPACES), values, st.sampled_from(SPACES)
    )


fbclids = st.none() | st.one_of(
    _padded(st.sampled_from(CLICK_IDS)), _padded(st.sampled_from(PLACEHOLDERS)), st.sampled_from(MALFORMED_IDS)
)
fbcs = st.none() | st.one_of(
    _padded(
        st.builds(
            lambda index, time, click, tail: f"fb.{index}.{time}.{click}{tail}",
            st.sampled_from(("0", "1", "2", "3", "12")),
            st.sampled_from(("1700000000000", "1", "0")),
            st.sampled_from((*CLICK_IDS, *CLICK_IDS, *PLACEHOLDERS)),
            st.sampled_from(("", "", ".", ".AQ", ".AQYBAQIA", ". x")),
        )
    ),
    st.sampled_from(
        (
            "", "garbage", "fb..1700000000000.AbC", "FB.1.1700000000000.AbC", "fb.1..AbC", "fb.1.17x.AbC", "fb.1.1.",
            "fb.1.1700000000000.AbC.x.y", "fb.1.1700000000000.a b", "fb.1.1700000000000", "fb.1.\u0661.AbC",
            "fb.1.1." + "x" * 513, "xfb.1.1.AbC", "fb.1.1.AbC\n.y\n", "fb.x.1.AbC",
        )
    ),
)  # fmt: skip
fbps = st.none() | st.one_of(
    _padded(
        st.builds(
            lambda index, browser, tail: f"fb.{index}.1700000000000.{browser}{tail}",
            st.sampled_from(("1", "1", "3", "12")),
            st.sampled_from(("1111", "2222", "0", "00")),
            st.sampled_from(("", "", ".", ".AQ", ".AQQCAQIA")),
        )
    ),
    st.sampled_from(
        (
            "",
            " ",
            "fb.1.1700000000000.abc",
            "fb.1.1700000000000.undefined",
            "fb.1.1700000000000.",
            "1111",
            "FB.1.1700000000000.1111",
        )
    ),
)
emails = st.none() | st.sampled_from(("a" * 64, "b" * 64, *sorted(brute_force.NOBODYS)))
sale_times = st.sampled_from((SALE, SALE + timedelta(minutes=3), SALE + timedelta(days=20)))


@st.composite
def click_times(draw: st.DrawFn) -> datetime:
    """Exact window edges, a microsecond to either side of them, ties, and times in between."""
    sale = draw(sale_times)
    edge = draw(
        st.sampled_from(
            [timedelta(minutes=5), timedelta(0), timedelta(minutes=-1), timedelta(hours=-3)]
            + [timedelta(days=-days) for days in LOOKBACKS]
        )
    )
    return sale + edge + timedelta(microseconds=draw(st.sampled_from((-1, 0, 0, 1))))


tenants = st.lists(
    st.fixed_dictionaries(
        {
            "status": st.sampled_from(("provisioning", "active", "active", "suspended", "retired")),
            "lookback_days": st.sampled_from(LOOKBACKS),
            "email_matching": st.booleans(),
        }
    ),
    min_size=1,
    max_size=3,
)
clicks = st.fixed_dictionaries(
    {
        "tenant": st.integers(0, 2),
        "fbclid": fbclids,
        "fbc": fbcs,
        "fbp": fbps,
        "created_at": click_times(),
        # The click before it once more, at the same moment: only the ids decide which one wins.
        "twin": st.sampled_from((False, False, True)),
    }
)
identities = st.fixed_dictionaries({"tenant": st.integers(0, 2), "email_hash": emails, "click": st.integers(0, 20)})
conversions = st.fixed_dictionaries(
    {
        "tenant": st.integers(0, 2),
        "fbclid": fbclids,
        "fbc": fbcs,
        "fbp": fbps,
        "customer_email_hash": emails,
        "occurred_at": sale_times,
    }
)
facts = st.fixed_dictionaries(
    {
        "clicks": st.lists(clicks, max_size=8),
        "identities": st.lists(identities, max_size=4),
        "conversions": st.lists(conversions, max_size=5),
    }
)
worlds = st.fixed_dictionaries(
    {"tenants": tenants, "changed": changes, "first": facts, "changed_later": changes, "later": facts}
)

_numbers = itertools.count(1)


class World:
    """One drawn world under tenant ids of its own, in the database and as plain rows; all share one history."""

    def __init__(self, connection: Connection, history: History, drawn: dict[str, Any]) -> None:
        self.connection = connection
        self.history = history
        number = next(_numbers)
        self.tenants = [{"id": f"w{number:06}t{place}", **tenant} for place, tenant in enumerate(drawn["tenants"])]
        self.clicks: list[dict[str, Any]] = []
        self.identities: list[dict[str, Any]] = []
        self.conversions: list[dict[str, Any]] = []
        self.expected_log: dict[int, list[brute_force.Attempt]] = defaultdict(list)
        self.expected: dict[int, tuple[str, Any]] = {}
        self._insert("tenants", [{**tenant, "slug": tenant["id"], "name": tenant["id"]} for tenant in self.tenants])
        for tenant in self.tenants:
            history.add_tenant(tenant)

    def change(self, drawn: list[dict[str, Any]]) -> None:
        for change in drawn:
            place = change["tenant"]
            tenant = None if place is None else self.tenants[place % len(self.tenants)]["id"]
            self.history.record(self.connection, change, tenant)

    def add(self, drawn: dict[str, Any]) -> None:
        new_clicks: list[dict[str, Any]] = []
        for click in drawn["clicks"]:
            row = self._row(click)
            new_clicks.append(dict(new_clicks[-1]) if row.pop("twin") and new_clicks else row)
        self.clicks += self._insert("clicks", new_clicks)
        links = []
        for identity in drawn["identities"]:
            row = self._row(identity)
            own = [click for click in self.clicks if click["tenant_id"] == row["tenant_id"]]
            wanted = row.pop("click")
            row["click_id"] = own[wanted % len(own)]["id"] if own and wanted < 18 else None
            links.append(row)
        self.identities += self._insert("identities", links)
        sales = [
            {
                **self._row(sale),
                "gateway": "g",
                "gateway_event_id": f"{len(self.conversions)}-{place}",
                "value": "1",
                "currency": "BRL",
            }
            for place, sale in enumerate(drawn["conversions"])
        ]
        self.conversions += self._insert("conversions", sales)

    def _row(self, drawn: dict[str, Any]) -> dict[str, Any]:
        row = dict(drawn)
        return {"tenant_id": self.tenants[row.pop("tenant") % len(self.tenants)]["id"], **row}

    def _insert(self, table: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if not rows:
            return []
        insert = sql.SQL(
            "INSERT INTO {table} ({columns}) "
            "SELECT {columns} FROM jsonb_populate_recordset(NULL::{table}, %s::jsonb) RETURNING id"
        ).format(table=sql.Identifier("trackai", table), columns=sql.SQL(", ").join(map(sql.Identifier, rows[0])))
        inserted = self.connection.execute(insert, (json.dumps(rows, default=str),)).fetchall()
        return [{**row, "id": id_} for row, (id_,) in zip(rows, inserted, strict=True)]

    def set_status(self, status: str) -> None:
        for tenant in self.tenants:
            tenant["status"] = status
        self.connection.execute(
            "UPDATE trackai.tenants SET status = %s WHERE id = ANY(%s)",
            (status, [tenant["id"] for tenant in self.tenants]),
        )

    def expect(self, *, asked: bool = False) -> None:
        """Follow the rules: new conversions are decided; unmatched ones again on a hit, or when asked for."""
        for conversion in self.conversions:
            tenant = next(tenant for tenant in self.tenants if tenant["id"] == conversion["tenant_id"])
            if tenant["status"] not in ("provisioning", "active"):
                continue
            before = self.expected.get(conversion["id"])
            if before and before[0] != "unmatched":
                continue
            tried = self._attempts(conversion, tenant)
            if before is None or asked or brute_force.attribution(tried)[0] != "unmatched":
                self.expected[conversion["id"]] = brute_force.attribution(tried)
                self.expected_log[conversion["id"]] += tried

    def expect_from_scratch(self) -> None:
        """Follow the rules as if nothing had been decided before."""
        self.expected.clear()
        self.expected_log.clear()
        self.expect()

    def _attempts(self, conversion: dict[str, Any], tenant: dict[str, Any]) -> list[brute_force.Attempt]:
        settings = self.history.settings(tenant["id"], tenant["id"], conversion["occurred_at"])
        return brute_force.attempts(conversion, tenant | settings, self.clicks, self.identities)

    def assert_agreement(self) -> None:
        ids = [tenant["id"] for tenant in self.tenants]
        found = self.connection.execute(
            "SELECT conversion_id, strategy, click_id FROM trackai.matched_attributions WHERE tenant_id = ANY(%s)",
            (ids,),
        ).fetchall()
        assert {row[0]: row[1:] for row in found} == self.expected
        log: dict[int, list[brute_force.Attempt]] = defaultdict(list)
        for conversion_id, attempt, *rest in self.connection.execute(
            "SELECT conversion_id, attempt, strategy, outcome, click_id FROM trackai.match_log"
            " WHERE tenant_id = ANY(%s) ORDER BY conversion_id, attempt",
            (ids,),
        ):
            log[conversion_id].append(tuple(rest))
            assert attempt == len(log[conversion_id])
        assert log == self.expected_log
        shown: dict[int, dict[str, str]] = defaultdict(dict)
        for conversion_id, gate, value in self.connection.execute(
            "SELECT conversion_id, gate, value FROM trackai.gate_exposures WHERE tenant_id = ANY(%s)", (ids,)
        ):
            assert gate not in shown[conversion_id], "a sale has one value of each gate"
            shown[conversion_id][gate] = value
        assert shown == {sale["id"]: self._exposures(sale) for sale in self.conversions}

    def _exposures(self, sale: dict[str, Any]) -> dict[str, str]:
        settings = self.history.settings(sale["tenant_id"], sale["tenant_id"], sale["occurred_at"])
        return {gate: str(value).lower() for gate, value in settings.items()}
