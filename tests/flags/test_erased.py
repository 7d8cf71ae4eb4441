"""After a person was erased, flags know nothing of them, and every count is as it was."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from declared import TABLES
from flag_values.world import add_flag, add_segment
from flags.usage import row, write
from psycopg import Connection, sql

from trackai_pipelines.database.partitions import create_partitions_ahead, detach_partition
from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.flags.analytics import analyse_days, expose_days
from trackai_pipelines.lifecycle.archive.store import open_store
from trackai_pipelines.lifecycle.personal_data.erase import erase, find

ANN, PHONE = sha256(b"ann@example.com").hexdigest(), sha256(b"5511987654321").hexdigest()
DAY = date(2026, 3, 5)
NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
_COUNTS = """
    SELECT tenant_id, flag_id, sum(checks), count(*), sum(cache_hits), sum(response_us)
    FROM trackai.feature_flag_usage GROUP BY 1, 2 ORDER BY 1, 2
"""
_ANALYTICS = "SELECT * FROM trackai.feature_flag_analytics ORDER BY id"


@pytest.fixture
def flag(connection: Connection[Any], add_tenant: Callable[..., str]) -> int:
    """Ann is u-ann to the app, and also her own address and number; there are others, and another tenant's u-ann."""
    create_partitions_ahead(connection, TABLES, today=DAY, days=2)
    for slug in ("acme", "globex"):
        add_tenant(slug)
    connection.execute(
        "INSERT INTO trackai.users (tenant_id, id, email_hash, phone_hash, created_at, updated_at) "
        "VALUES ('t-acme', 'u-ann', %s, %s, now(), now())",
        (ANN, PHONE),
    )
    flag = add_flag(connection, "theme", track_exposures=True)
    keys = ("u-ann", f"sha256:{ANN}", f"sha256:{PHONE}", "u-bob")
    people = [*(("t-acme", key) for key in keys), ("t-globex", "u-ann")]
    add_segment(connection, "staff", flag, *people)
    personal = {"device_info": {"os": "iOS"}, "request_id": "r-1"}
    write(
        connection,
        [
            row(flag, NOON + timedelta(days=later), tenant_id=tenant, user_id=user, checks=3, **personal)
            for tenant, user in people
            for later in (0, 1)
        ],
    )
    days = [DAY, DAY + timedelta(days=1)]
    list(analyse_days(connection, days))
    list(expose_days(connection, days))
    return flag


def users(connection: Connection[Any], table: str) -> set[tuple[str, str | None]]:
    query = sql.SQL("SELECT tenant_id, user_id FROM {}").format(sql.Identifier("trackai", table))
    return set(connection.execute(query).fetchall())


@pytest.mark.parametrize("given", [{"email_hash": ANN}, {"phone_hash": PHONE}])
def test_nothing_of_a_person_stays_and_all_counts_do(
    connection: Connection[Any], flag: int, tmp_path: Path, given: dict[str, Any]
) -> None:
    store = open_store(str(tmp_path))
    counts, analytics = connection.execute(_COUNTS).fetchall(), connection.execute(_ANALYTICS).fetchall()

    found = find(connection, store, DOMAINS, "t-acme", **given)
    done = erase(connection, store, DOMAINS, "t-acme", **given)

    assert found.tables == done.tables
    assert {name: done.tables[name] for name in done.tables if name.startswith("feature_flag")} == {
        "feature_flag_usage": 6,
        "feature_flag_exposures": 6,
        "feature_flag_segment_members": 3,
    }
    others = {("t-acme", "u-bob"), ("t-globex", "u-ann")}
    assert users(connection, "feature_flag_usage") == {*others, ("t-acme", None)}
    assert users(connection, "feature_flag_exposures") == users(connection, "feature_flag_segment_members") == others
    left = "SELECT num_nonnulls(user_id, device_info, request_id), count(*) FROM trackai.feature_flag_usage GROUP BY 1"
    assert dict(connection.execute(left).fetchall()) == {0: 6, 3: 4}
    assert connection.execute(_COUNTS).fetchall() == counts
    assert connection.execute(_ANALYTICS).fetchall() == analytics
    # Computing the days again neither brings the person back nor takes anything from the counts.
    list(expose_days(connection, [DAY]))
    list(analyse_days(connection, [DAY, DAY + timedelta(days=1)]))
    assert connection.execute(_ANALYTICS).fetchall() == analytics
    assert users(connection, "feature_flag_exposures") == others
    assert find(connection, store, DOMAINS, "t-acme", **given).nothing


def test_a_day_that_is_apart_from_its_table_is_erased_too(
    connection: Connection[Any], flag: int, tmp_path: Path
) -> None:
    detach_partition(connection, "feature_flag_usage", DAY)
    erase(connection, open_store(str(tmp_path)), DOMAINS, "t-acme", email_hash=ANN)
    apart = "feature_flag_usage_20260305"
    assert users(connection, apart) == {("t-acme", None), ("t-acme", "u-bob"), ("t-globex", "u-ann")}
