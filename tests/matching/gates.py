"""Histories of the two gates that matching reads: recorded the database's one way, and read by brute force.

What belongs here: what a gate's value is at a moment, written from the rules alone. What does not: matching.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from psycopg import Connection
from psycopg.types.json import Jsonb

Row = dict[str, Any]

SALE = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
LOOKBACKS = (1, 7, 90)
BUILT_IN = {"email_matching": "false", "lookback_days": "90"}
_TYPES = {"email_matching": "boolean", "lookback_days": "integer"}

moments = st.none() | st.builds(
    lambda days, microseconds: SALE + timedelta(days=days, microseconds=microseconds),
    st.sampled_from((-30, -1, 0, 0, 20)),
    st.sampled_from((-1, 0, 0, 1, 180_000_000)),
)
shares = st.sampled_from((0, 30, 60, 100, 100))
rarely = st.sampled_from((False, False, False, False, True))


def _changes(key: str, values: st.SearchStrategy[str]) -> st.SearchStrategy[Row]:
    of_all = st.fixed_dictionaries(
        {
            "enabled": st.sampled_from((True, True, False)),
            "rollout_percentage": shares,
            "killed": rarely,
            "on_value": st.just("true") if key == "email_matching" else values,
        }
    )
    of_one = st.none() | st.fixed_dictionaries(
        {
            "enabled": st.sampled_from((None, True, True, False)),
            "rollout_percentage": st.none() | shares,
            "value": st.none() | values,
            "killed": rarely,
        }
    )
    return st.one_of(
        st.fixed_dictionaries({"key": st.just(key), "tenant": st.none(), "from": moments, "state": of_all}),
        st.fixed_dictionaries({"key": st.just(key), "tenant": st.integers(0, 2), "from": moments, "state": of_one}),
    )


changes = st.lists(
    st.one_of(
        _changes("email_matching", st.sampled_from(("true", "false"))),
        _changes("lookback_days", st.sampled_from([str(days) for days in LOOKBACKS])),
    ),
    max_size=4,
)
"""Each with the key, the place of a tenant or None for all, when it takes effect (None: from the beginning), and the
state; a tenant's state of None inherits."""


class History:
    """The versions of both gates, in the order in which they were recorded."""

    def __init__(self) -> None:
        self.versions: list[Row] = []

    def add_tenant(self, tenant: Row) -> None:
        """Take in what a tenant's INSERT says: what differs from the built-in values, from the beginning."""
        for key, built_in in BUILT_IN.items():
            given = str(tenant[key]).lower()
            if given != built_in:
                value = None if given == "true" else given
                self._add(key, tenant["id"], None, {"enabled": True, "rollout_percentage": 100, "value": value})

    def record(self, connection: Connection, change: Row, tenant_id: str | None) -> None:
        """Record a change in the database, and here."""
        key, state = change["key"], change["state"]
        self._add(key, tenant_id, change["from"], state)
        if state is not None:
            state = {"rollouts": [], "segments": {}, "killed": False, **state}
        if tenant_id is None:
            state |= {
                "value_type": _TYPES[key], "off_value": BUILT_IN[key], "bucket_by": "tenant", "salt": key,
                "client_visible": False, "archived": False, "requires": [],
            }  # fmt: skip
        connection.execute(
            "SELECT trackai.record_flag_version(trackai.ensure_gate(%(key)s), %(key)s, %(tenant)s, %(from)s, "
            "%(state)s, 'UPDATE', 'ana', 'a test', NULL, NULL, NULL)",
            {
                "key": key,
                "tenant": tenant_id,
                "from": change["from"] or "-infinity",
                "state": None if state is None else Jsonb(state),
            },
        )

    def settings(self, tenant_id: str, slug: str, sale: datetime) -> Row:
        """Return the settings of a tenant's sale."""
        return {
            "email_matching": self._value("email_matching", tenant_id, slug, sale) == "true",
            "lookback_days": int(self._value("lookback_days", tenant_id, slug, sale)),
        }

    def _add(self, key: str, tenant_id: str | None, since: datetime | None, state: Row | None) -> None:
        self.versions.append({"key": key, "tenant_id": tenant_id, "from": since, "state": state})

    def _in_force(self, key: str, tenant_id: str | None, at: datetime) -> Row:
        found: Row = {}
        for version in self.versions:
            if (version["key"], version["tenant_id"]) == (key, tenant_id) and (
                version["from"] is None or version["from"] <= at
            ):
                found = version["state"] or {}
        return found

    def _value(self, key: str, tenant_id: str, slug: str, at: datetime) -> str:
        of_all, own = self._in_force(key, None, at), self._in_force(key, tenant_id, at)

        def decided(name: str, otherwise: Any) -> Any:
            return own[name] if own.get(name) is not None else of_all.get(name, otherwise)

        if of_all.get("killed") or own.get("killed") or not decided("enabled", False):
            return BUILT_IN[key]
        if own.get("value") is not None:
            return str(own["value"])
        share = decided("rollout_percentage", 100)
        on = of_all.get("on_value", "true" if key == "email_matching" else BUILT_IN[key])
        return str(on if bucket(key, slug) < 100 * share else BUILT_IN[key])


def override(connection: Connection, tenant: str, key: str, value: str, since: datetime | None = None) -> None:
    """Give a gate another value for a tenant, by default from the beginning."""
    state = {"enabled": True, "rollout_percentage": 100, "value": value, "killed": False}
    History().record(connection, {"key": key, "from": since, "state": state}, tenant)


def forget_gates(connection: Connection) -> None:
    """Take both gates and all history out of the database, which refuses that otherwise."""
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute("TRUNCATE trackai.feature_flag_versions, trackai.feature_flag_audit_log")
        connection.execute("DELETE FROM trackai.feature_flags WHERE key = ANY (%s)", [list(BUILT_IN)])


def bucket(salt: str, unit: str) -> int:
    """Hash a unit into 0..9999: FNV-1a, 32 bit, of the decimal FNV-1a of salt and unit."""
    return _fnv1a(str(_fnv1a(salt + unit))) % 10_000


def _fnv1a(text: str) -> int:
    found = 0x811C9DC5
    for byte in text.encode("ascii"):
        found = (found ^ byte) * 0x01000193 % 2**32
    return found
