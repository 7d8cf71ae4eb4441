"""The demo's proof of its delivery: silent when all is right, and loud about each way in which it can be wrong."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from delivery.scenes import insert_sales, send_due
from psycopg import Connection

from trackai_pipelines.capi_sandbox.client import Sandbox
from trackai_pipelines.capi_sandbox.server import sandbox
from trackai_pipelines.delivery.sample import delivered_by_tenant, delivery_differences, demo_sandbox

ACME = {"id": "t-acme", "slug": "acme", "status": "active", "pixel_id": "1001"}
ASLEEP = {"id": "t-asleep", "slug": "asleep", "status": "suspended", "pixel_id": "1002"}


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with sandbox() as running:
        yield running


@pytest.fixture
def proof(
    connection: Connection, add_tenant: Callable[..., str], box: Sandbox, tmp_path: Path
) -> Callable[[dict[str, list[tuple[timedelta, bool]]]], list[str]]:
    """`proof({"acme": [(age, whether the buyer is unknown), ...]})` compares what was delivered with that truth."""
    for tenant in (ACME, ASLEEP):
        add_tenant(**tenant)
    before = delivered_by_tenant(connection)

    def compare(truth: dict[str, list[tuple[timedelta, bool]]]) -> list[str]:
        now = datetime.now(UTC)
        file = tmp_path / "truth.jsonl"
        with file.open("w") as lines:
            for slug, sales in truth.items():
                for age, unknown_buyer in sales:
                    planned: dict[str, Any] = {
                        "tenant": slug,
                        "gateway": "g",
                        "event_ids": [],
                        "strategy": "fbc",
                        "click": None,
                    }
                    sold_at = int((now - age).timestamp() * 1000)
                    shown = {**planned, "late": False, "sold_at": sold_at, "unknown_buyer": unknown_buyer}
                    lines.write(json.dumps(shown) + "\n")
        after = delivered_by_tenant(connection)
        return delivery_differences(before, after, box, tenants=[ACME, ASLEEP], attributions=file, now=now)

    return compare


HOUR, OLD = timedelta(hours=1), timedelta(days=8)


def test_it_is_silent_when_every_due_sale_was_sent_once(
    proof: Callable[..., list[str]], connection: Connection, database_url: str, box: Sandbox
) -> None:
    insert_sales(connection, "t-acme", 3)
    insert_sales(connection, "t-acme", 1, customer_email_hash=None)
    insert_sales(connection, "t-asleep", 2)
    send_due(database_url, box.base_url)
    acme = [(HOUR, False)] * 3 + [(OLD, False), (OLD, True), (HOUR, True)]
    assert proof({"acme": acme, "asleep": [(HOUR, False)] * 2}) == []
    assert proof({"acme": [*acme, (HOUR, False)]}) == ["acme: sent is 3 and should be 4"]
    assert proof({"acme": [*acme, (HOUR, True)]}) == ["acme: refused is 1 and should be 2"]
    assert proof({"acme": acme[1:]}) == ["acme: sent is 3 and should be 2"]


def test_it_reports_what_the_sandbox_got_besides_or_did_not_get(
    proof: Callable[..., list[str]], connection: Connection, database_url: str, box: Sandbox
) -> None:
    insert_sales(connection, "t-acme", 2)
    send_due(database_url, box.base_url)
    (first, _) = box.payloads()
    headers = {"Authorization": "Bearer other"}
    httpx.post(f"{box.base_url}/v26.0/1001/events", json={"data": [first]}, headers=headers, trust_env=False)
    truth = {"acme": [(HOUR, False)] * 2}
    assert proof(truth) == ["acme: 2 sales were sent, the sandbox took 3 and counted 2"]
    box.forget()
    assert proof(truth) == ["acme: 2 sales were sent, the sandbox took 0 and counted 0"]


def test_its_sandbox_hides_what_the_environment_says_of_meta(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKAI_CAPI_TOKEN_ACME", "real")
    monkeypatch.setenv("TRACKAI_CAPI_TOKEN_ELSEWHERE", "real")
    monkeypatch.setenv("TRACKAI_CAPI_TOKEN_DIR", "/run/secrets")
    with demo_sandbox([ACME]) as (box, variables):
        assert variables["TRACKAI_CAPI_URL"] == box.base_url
        assert variables["TRACKAI_CAPI_TOKEN_ACME"] not in ("", "real")
        assert (variables["TRACKAI_CAPI_TOKEN_ELSEWHERE"], variables["TRACKAI_CAPI_TOKEN_DIR"]) == ("", "")
        for pixel, token in (("1001", "real"), ("1009", variables["TRACKAI_CAPI_TOKEN_ACME"])):
            answer = httpx.post(
                f"{box.base_url}/v26.0/{pixel}/events",
                json={"data": []},
                headers={"Authorization": f"Bearer {token}"},
                trust_env=False,
            )
            assert answer.json()["error"]["code"] in (190, 100)
        assert box.pixel("1001").accepted == 0
