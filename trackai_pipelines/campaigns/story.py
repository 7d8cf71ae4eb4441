"""Which ad clicks led to one sale, for `trackai explain`.

What belongs here: campaigns' part of the story. What does not: reading it (sale_journey.py), printing (cli).
"""

from collections.abc import Iterator
from typing import Any

from psycopg import Connection

from trackai_pipelines.campaigns.sale_journey import sale_of, sentence_on, shared_keys_of, touches_of
from trackai_pipelines.domain import StoryPart


def story(connection: Connection[Any], tenant_id: str, conversion_id: int) -> Iterator[StoryPart]:
    """Yield the touches and the keys that were not followed; nothing of a sale that has no journey."""
    sale = sale_of(connection, tenant_id, conversion_id=conversion_id)
    touches = touches_of(connection, sale) if sale else []
    if sale is None or not touches:
        return
    yield StoryPart(
        columns=("touch", "clicked", "campaign", "channel", "joined by", "linear"),
        rows=[
            (str(t.position), t.clicked_at, t.campaign_id, t.channel, t.via, f"{t.credit['linear']:.3f}")
            for t in touches
        ],
        sentence=sentence_on(sale, touches, shared_keys_of(connection, sale)),
    )
