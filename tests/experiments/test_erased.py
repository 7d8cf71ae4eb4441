"""After a person was erased, running tests are computed as if the person had never been there; archived ones stay."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from experiments.shop import START, add_test, insert
from experiments.world import assign, hash_of, put_sale, put_user
from psycopg import Connection, sql

from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.experiments.computing import compute_tests
from trackai_pipelines.experiments.creating import ChangedBy
from trackai_pipelines.experiments.life import StartTerms, change, start
from trackai_pipelines.lifecycle.archive.store import open_store
from trackai_pipelines.lifecycle.personal_data.erase import erase

DAY = timedelta(days=1)
FIRST_NIGHT, ERASED, SECOND_NIGHT = (START + timedelta(days=6, hours=hours) for hours in (1, 9, 25))
COMPUTED = ("ab_test_daily_totals", "ab_test_daily_results", "ab_test_daily_health", "ab_test_results")
_OWN = ("tenant_id", "test_id", "id", "computed_at", "created_at", "updated_at")


def _figures(connection: Connection[Any], test: int) -> dict[str, list[str]]:
    """Return what was computed of a test, without its names and times."""
    query = "SELECT (to_jsonb(t) - %s::text[])::text FROM trackai.{} t WHERE test_id = %s ORDER BY 1"
    return {
        name: [row for (row,) in connection.execute(sql.SQL(query).format(sql.Identifier(name)), (list(_OWN), test))]
        for name in COMPUTED
    }


def _started(connection: Connection[Any], tenant: str, key: str) -> int:
    test = add_test(connection, tenant, key, sample_size=10, start_date=START, currency="BRL")
    start(connection, tenant, key, ChangedBy(), START, StartTerms(capped=False))
    return test


def _fill(connection: Connection[Any], tenant: str, tests: list[int], users: list[str]) -> None:
    for place, user in enumerate(users):
        put_user(connection, tenant, user, user, START)
        for test in tests:
            assign(connection, tenant, test, user, "control" if place % 2 else "a", START + place * DAY / 3, START)
        for later in range(place % 3):
            sold_at = START + DAY + (place + later) * DAY / 5
            put_sale(connection, tenant, user, sold_at, sold_at, value=Decimal(10 * place + later))


def test_running_tests_forget_and_archived_ones_keep_their_counts(
    connection: Connection[Any], add_tenant: Callable[..., str], tmp_path: Path
) -> None:
    """Everything is the same at two tenants, but for ann, who is at the first only and is erased there."""
    acme, globex = add_tenant("acme"), add_tenant("globex")
    others = [f"user-{number}" for number in range(8)]
    checkout, banner = (_started(connection, acme, key) for key in ("checkout", "banner"))
    without = _started(connection, globex, "checkout")
    _fill(connection, acme, [checkout, banner], others)
    _fill(connection, globex, [without], others)
    put_user(connection, acme, "ann-2008", "ann", START)
    for test in (checkout, banner):
        assign(connection, acme, test, "ann-2008", "a", START + DAY, START)
        assign(connection, acme, test, "ann-2008", "a", START, START)
    put_sale(connection, acme, "ann", START + 2 * DAY, START + 2 * DAY, value=Decimal(500))
    list(compute_tests(connection, FIRST_NIGHT))
    assert _figures(connection, checkout) != _figures(connection, without)
    change(connection, acme, "banner", "complete", ChangedBy(), FIRST_NIGHT)
    change(connection, acme, "banner", "archive", ChangedBy(), FIRST_NIGHT)
    archived = _figures(connection, banner)
    insert(connection, "excluded_users", tenant_id=acme, user_id="ann-2008", reason="other", created_at=FIRST_NIGHT)

    def clock() -> datetime:
        return ERASED

    erase(connection, open_store(str(tmp_path)), DOMAINS, acme, email_hash=hash_of("ann"), clock=clock)
    list(compute_tests(connection, SECOND_NIGHT))
    assert _figures(connection, checkout) == _figures(connection, without)
    assert _figures(connection, banner) == archived
    for (name,) in connection.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'trackai'::regnamespace AND relkind = 'r'"
        " AND relname <> 'users'"
    ).fetchall():
        quoting = sql.SQL("SELECT count(*) FROM trackai.{} t WHERE t::text LIKE '%ann-2008%'")
        assert connection.execute(quoting.format(sql.Identifier(name))).fetchone() == (0,), name
