"""The real webserver and daemon, started as a user starts them: rows and files go in, matches and rates come out.

One test, because starting the processes is most of what it costs.
"""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from psycopg import Connection

from trackai_pipelines.matching.drain import drain
from trackai_pipelines.process_space import PROCESS_SPACE, process_space

pytestmark = [pytest.mark.processes, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
# Generous: a slow machine waits longer, and nothing else changes.
PATIENCE = 240
DAYS = [date(2026, 3, 1) + timedelta(days=number) for number in range(5)]
SALE_DAY = date(2026, 3, 20)

LAUNCH = """
mutation ($days: [String!]!) {
  launchPartitionBackfill(
    backfillParams: {assetSelection: [{path: ["daily_match_rates"]}], partitionNames: $days, title: "five days"}
  ) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}
"""
BACKFILL = """
query ($id: String!) {
  partitionBackfillOrError(backfillId: $id) {
    __typename
    ... on PartitionBackfill { status error { message } }
    ... on PythonError { message }
  }
}
"""
RUNS = """
query ($id: String!) {
  runsOrError(filter: {tags: [{key: "dagster/backfill", value: $id}]}) {
    ... on Runs { results {
      runId status
      assetMaterializations { partition assetKey { path } }
      tags { key value }
    } }
  }
}
"""
LOCATIONS = """
query {
  workspaceOrError { ... on Workspace { locationEntries {
    name loadStatus locationOrLoadError { __typename ... on PythonError { message } }
  } } }
}
"""
CHECKS = """
query {
  assetNodes(assetKeys: [{path: ["daily_match_rates"]}]) {
    partitionStats { numMaterialized }
    assetChecksOrError { ... on AssetChecks { checks { name executionForLatestMaterialization { status } } } }
  }
}
"""


class Dagster:
    """The webserver, asked over GraphQL as the UI does."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/graphql"
        self.session = requests.Session()
        # A proxy of the machine's must not come between us and ourselves.
        self.session.trust_env = False

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        answer = self.session.post(self.url, json={"query": query, "variables": variables}, timeout=60)
        shown: dict[str, Any] = answer.json()
        assert "errors" not in shown, shown
        data: dict[str, Any] = shown["data"]
        return data

    def loaded(self) -> bool:
        try:
            data = self.ask(LOCATIONS)
        except requests.ConnectionError:
            return False
        (location,) = data["workspaceOrError"]["locationEntries"]
        assert location["name"] == "trackai_pipelines"
        assert (location["locationOrLoadError"] or {}).get("__typename") != "PythonError", location
        return bool(location["loadStatus"] == "LOADED")


def wait_for(what: str, found: Callable[[], Any], processes: list["subprocess.Popen[bytes]"]) -> Any:
    """Ask until the answer is truthy, as long as the processes live."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        answer = found()
        if answer:
            return answer
        for process in processes:
            assert process.poll() is None, f"{process.args!r} ended while waiting for {what}"
        time.sleep(0.3)
    raise AssertionError(f"waited {PATIENCE} s for {what}")


@contextmanager
def running(command: list[str], environment: dict[str, str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A process in a group of its own, ended as Ctrl-C would; afterwards nothing of the group is left."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        yield process
    except BaseException:
        print(f"--- {log.name} ---\n{log.read_text(errors='replace')[-20_000:]}")  # noqa: T201
        raise
    finally:
        _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    # To the whole group, as a terminal does: a resident run would go on for the rest of its hour without its daemon.
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
    deadline = time.monotonic() + 60
    while _group_lives(process) and time.monotonic() < deadline:
        time.sleep(0.2)
    left = _group_lives(process)
    if left:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert not left, f"processes of {process.args!r} were still there a minute after they were asked to end"


def _group_lives(process: "subprocess.Popen[bytes]") -> bool:
    process.poll()
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    return True


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def attributions(connection: Connection[Any]) -> dict[int, tuple[int | None, str]]:
    """Click and strategy of each decided conversion."""
    rows = connection.execute("SELECT conversion_id, click_id, strategy FROM trackai.matched_attributions").fetchall()
    return {conversion: (click, strategy) for conversion, click, strategy in rows}


def attributed(connection: Connection[Any], event: str) -> tuple[Any, ...] | None:
    """Click and strategy of the conversion with this event id, once there are any."""
    return connection.execute(
        "SELECT click_id, match_strategy FROM trackai.v_conversions WHERE gateway_event_id = %s", [event]
    ).fetchone()


def drop_file(home: Path, fbclid: str) -> str:
    """Put a conversion of the tenant acme into the landing folder, as a careful producer does; return its event id."""
    folder = home / "landing" / "acme"
    folder.mkdir(parents=True)
    sale = {
        "tenant": "acme",
        "gateway": "kiwify",
        "gateway_event_id": "filed",
        "value": "3",
        "currency": "BRL",
        "occurred_at": noon(SALE_DAY).isoformat(),
        "fbclid": fbclid,
    }
    unfinished = folder / "conversions.jsonl.tmp"
    unfinished.write_text(json.dumps(sale) + "\n")
    unfinished.rename(folder / "conversions.jsonl")
    return sale["gateway_event_id"]


@pytest.mark.timeout(900)
def test_rows_files_and_a_backfill_through_the_real_processes(
    home: Path,
    environment: dict[str, str],
    connection: Connection[Any],
    add_tenant: Callable[..., str],
    insert_click: Callable[..., int],
    insert_sale: Callable[..., int],
    add_matched_sales: Callable[..., list[int]],
) -> None:
    acme = add_tenant("acme")
    for number, day in enumerate(DAYS):
        add_matched_sales(acme, noon(day), fbc=2, fbp=1, unmatched=number % 2)
    drain(connection, run_id="before")
    port = free_port()
    dagster = Dagster(port)
    serve = ["dagster-webserver", "-w", "workspace.yaml", "-h", "127.0.0.1", "-p", str(port)]

    with running(serve, environment, home / "webserver.log") as webserver:
        wait_for("the webserver", dagster.loaded, [webserver])
        # The daemon looks for backfills twice a minute: one that waits when it starts is begun at once.
        launched = dagster.ask(LAUNCH, days=[day.isoformat() for day in DAYS])["launchPartitionBackfill"]
        assert launched["__typename"] == "LaunchBackfillSuccess", launched
        backfill = launched["backfillId"]
        with running(["dagster-daemon", "run", "-w", "workspace.yaml"], environment, home / "daemon.log") as daemon:
            both = [webserver, daemon]

            # By plain SQL, nothing else done; and a landing file without any announcement.
            click = insert_click(acme, fbclid="Early", created_at=noon(SALE_DAY) - timedelta(hours=1))
            early = insert_sale(acme, noon(SALE_DAY), fbclid="Early")
            late = insert_sale(acme, noon(SALE_DAY), fbclid="Late")
            filed = drop_file(home, fbclid="Early")
            wait_for("match_sensor", lambda: set(attributions(connection)) >= {early, late}, both)
            assert attributions(connection)[early] == (click, "fbc")
            assert attributions(connection)[late] == (None, "unmatched")
            late_click = insert_click(acme, fbclid="Late", created_at=noon(SALE_DAY) - timedelta(hours=1))
            wait_for("late_clicks_sensor", lambda: attributions(connection)[late] == (late_click, "fbc"), both)
            wait_for("landing_files_sensor", lambda: attributed(connection, filed) == (click, "fbc"), both)

            def completed() -> bool:
                shown = dagster.ask(BACKFILL, id=backfill)["partitionBackfillOrError"]
                assert "FAIL" not in shown["status"], shown
                return bool(shown["status"] == "COMPLETED_SUCCESS")

            wait_for("the backfill", completed, both)
            runs = dagster.ask(RUNS, id=backfill)["runsOrError"]["results"]
            (node,) = dagster.ask(CHECKS)["assetNodes"]

    (run,) = runs
    assert run["status"] == "SUCCESS"
    tags = {tag["key"]: tag["value"] for tag in run["tags"]}
    assert tags["dagster/asset_partition_range_start"] == DAYS[0].isoformat()
    assert tags["dagster/asset_partition_range_end"] == DAYS[-1].isoformat()
    # The daemon tells by this that it can see the run's process.
    assert tags[PROCESS_SPACE] == process_space()
    assert [event["partition"] for event in run["assetMaterializations"]] == [day.isoformat() for day in DAYS]
    assert node["partitionStats"]["numMaterialized"] == len(DAYS)
    checks = {
        check["name"]: check["executionForLatestMaterialization"] for check in node["assetChecksOrError"]["checks"]
    }
    assert set(checks) == {
        "every_sale_has_one_value",
        "match_rates_in_bounds",
        "net_values_are_current",
        "yesterday_is_complete",
    }
    assert all(execution["status"] == "SUCCEEDED" for execution in checks.values()), checks

    rates = connection.execute(
        "SELECT day, gateway, conversions, fbc, fbp, unmatched, pending FROM trackai.daily_match_rates ORDER BY 1"
    ).fetchall()
    assert rates == [(day, "shopify", 3 + number % 2, 2, 1, number % 2, 0) for number, day in enumerate(DAYS)]
