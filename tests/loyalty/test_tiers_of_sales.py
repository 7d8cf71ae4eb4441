"""Tiers of matched sales: from the click to the tier, in `trackai explain`, and once people are forgotten."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from loyalty.sources import add_creator, add_sale, found_program, insert, post_once, set_alias
from psycopg import Connection

from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.lifecycle.archive.store import open_store
from trackai_pipelines.lifecycle.personal_data.erase import erase
from trackai_pipelines.loyalty.evaluating import evaluate_due
from trackai_pipelines.loyalty.overriding import TierByHand, override
from trackai_pipelines.loyalty.replaying import replay
from trackai_pipelines.loyalty.story import story

FIRST, NOW = date(2026, 3, 1), datetime(2026, 5, 20, 12, tzinfo=UTC)


def test_a_sale_is_told_with_its_window_and_outlives_its_buyer_and_creator(
    connection: Connection[Any], add_tenant: Callable[..., str], tmp_path: Path
) -> None:
    """The link, the click and the creator's hashes go; entries, tiers and replays stay."""
    tenant = add_tenant("acme")
    found_program(connection, tenant, checkpoint_months=1, valid_from=FIRST)
    for order, needed in ((1, 0), (2, 100)):
        values = {"tier_order": order, "tier_name": f"T{order}", "sales_threshold": needed, "valid_from": FIRST}
        insert(connection, "tiers", tenant_id=tenant, tier_id=f"t{order}", **values)
    add_creator(connection, tenant, "c1", link="C1")
    add_creator(connection, tenant, "c2", link="C2")
    connection.execute("UPDATE trackai.users SET email_hash = repeat('a', 64) WHERE id = 'c1'")
    closed = add_sale(connection, tenant, "e1", datetime(2026, 3, 3, 12, tzinfo=UTC), 150, link="C1")
    later = add_sale(connection, tenant, "e2", datetime(2026, 3, 8, 12, tzinfo=UTC), 60, link="C1")
    nobodys = add_sale(connection, tenant, "e3", datetime(2026, 3, 3, 12, tzinfo=UTC), 5, link="unknown")
    early = add_sale(connection, tenant, "e4", datetime(2026, 2, 1, 12, tzinfo=UTC), 7, link="C1")
    post_once(connection, tenant)
    set_by_hand = TierByHand(user_id="c1", tier_id="t2", day=date(2026, 5, 15), reason="Asked by Ana", by="ana")
    override(connection, tenant, set_by_hand, NOW)
    list(evaluate_due(connection, tenant, NOW))

    def told(sale: int) -> list[str]:
        return [part.sentence for part in story(connection, tenant, sale)]

    credited = "Creator c1 is credited with"
    assert told(closed) == [
        f"{credited} 150.00 USD on 2026-03-03 (posting 1); its window was closed on 2026-03-04: promoted, t2."
    ]
    assert told(later) == [
        f"{credited} 60.00 USD on 2026-03-08 (posting 1); its window was closed on 2026-04-04: demoted, t1."
    ]
    assert told(nobodys) == []
    assert all(said.endswith("it counts in no window.") for said in told(early))
    before = connection.execute("SELECT * FROM trackai.tier_checkpoints ORDER BY user_id, checkpoint_date").fetchall()
    erase(connection, open_store(str(tmp_path)), DOMAINS, tenant, email_hash="a" * 64, clock=lambda: NOW)
    connection.execute("DELETE FROM trackai.clicks")
    assert connection.execute("SELECT reason FROM trackai.tier_overrides").fetchone() == (None,)
    assert post_once(connection, tenant).entries == 0
    after = connection.execute("SELECT * FROM trackai.tier_checkpoints ORDER BY user_id, checkpoint_date").fetchall()
    assert after == before
    found = replay(connection, tenant, FIRST, NOW.date(), NOW)
    assert (found.differences, found.creators, found.events) == ([], 2, len(before))
    # The code becomes another's: the entries go with it, and what was decided stays.
    set_alias(connection, tenant, "link", "C1", "c2", FIRST)
    post_once(connection, tenant)
    assert replay(connection, tenant, FIRST, NOW.date(), NOW).differences == []
