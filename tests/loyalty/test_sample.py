"""The demo's loyalty program: every event of its answer is found, and what is not is told."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from trackai_pipelines.domain import Sample
from trackai_pipelines.loyalty.evaluating import evaluate_due
from trackai_pipelines.loyalty.posting import post
from trackai_pipelines.loyalty.sample import TENANT, insert, prove, write

END = datetime(2026, 5, 20, tzinfo=UTC)


@pytest.mark.slow
def test_every_event_of_the_answer_is_found(connection: Connection[Any], tmp_path: Path) -> None:
    """Two hundred creators in fourteen months; inserting again changes nothing."""
    empty = Sample(1, 7, 100, END, tmp_path, tmp_path, truth={})
    assert prove(connection, empty).agreement == "this home was made before loyalty was"
    truth = write(empty)
    sample = Sample(1, 7, 100, END, tmp_path, tmp_path, truth=truth)
    insert(connection, empty)
    insert(connection, sample)
    insert(connection, sample)
    post(connection, TENANT["id"], END)
    list(evaluate_due(connection, TENANT["id"], END + timedelta(hours=1)))
    assert prove(connection, sample).differences == []
    assert len(truth["loyalty"]) > 800
    assert {status for *_, status, _ in truth["loyalty"]} == {"enrolled", "promoted", "maintained", "demoted", "manual"}
    connection.execute("DELETE FROM trackai.tier_checkpoints WHERE user_id = 'creator007' AND status = 'demoted'")
    (difference, *_) = prove(connection, sample).differences
    assert difference.startswith("brisa-beauty: creator007")
