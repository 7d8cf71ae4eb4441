"""The first load of a database, which nobody has analysed: it reads rows in proportion to what it writes."""

import random
from pathlib import Path

from facts.test_same_sale import PAYMENTS, event
from ingest.landing_zone import load_all, write_jsonl
from psycopg import Connection

PAYMENTS_OF_A_FILE = 240
FILES = 4


def test_a_first_load_looks_rows_up_by_the_right_index(
    database_url: str, connection: Connection, landing: Path
) -> None:
    choice = random.Random(7)
    shapes = [shape for name, shape in PAYMENTS.items() if name.startswith("checkout")]
    for number in range(FILES):
        payments = range(number * PAYMENTS_OF_A_FILE, (number + 1) * PAYMENTS_OF_A_FILE)
        events = [
            event(kind, payment, **fields) for payment in payments for kind, fields in choice.choice(shapes).items()
        ]
        write_jsonl(landing / "acme" / "webhooks" / "stripe" / f"{number}.jsonl", *events)
        refunds = (
            {"tenant": "acme", "gateway": "stripe", "gateway_event_id": f"re_{payment}", "sale_key": f"pi_{payment}"}
            | {"kind": "refund", "value": "1", "currency": "BRL", "occurred_at": "2026-11-26T10:00:00Z"}
            for payment in payments[::4]
        )
        write_jsonl(landing / f"refunds_{number}.jsonl", *refunds)
        load_all(database_url, landing)
    sales = PAYMENTS_OF_A_FILE * FILES
    linked = connection.execute("SELECT count(*) FROM trackai.refunds WHERE conversion_id IS NOT NULL").fetchone()
    assert linked == (sales // 4,)
    read = connection.execute("SELECT sum(idx_tup_read) FROM pg_stat_user_indexes").fetchone()
    assert read is not None
    # Four events of a sale with five names each need about 120. One wrong index, or order of joins, reads thousands.
    assert read[0] < 250 * sales
