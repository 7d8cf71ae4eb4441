"""Steps that fail, runs that meet, and plans that are not to be carried out."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg
import pytest
from declared import TABLES
from lifecycle.old_rows import count_rows, insert_clicks, insert_log, insert_rejects, midnight, set_policies
from lifecycle.plans import TODAY, Live, day, living, told
from psycopg import Connection

from trackai_pipelines.database import partitions
from trackai_pipelines.database.connection import connect
from trackai_pipelines.database.partitions import detached_days, partition_days
from trackai_pipelines.lifecycle.archive.manifest import archives
from trackai_pipelines.lifecycle.archive.store import Store, open_store
from trackai_pipelines.lifecycle.mover import MoverBusyError, only_mover
from trackai_pipelines.lifecycle.retention.apply import PLANS_KEPT, apply_plan
from trackai_pipelines.lifecycle.retention.plan import Plan, latest_plan, plan_retention

DAY = timedelta(days=1)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "archive"))


@pytest.fixture
def live(connection: Connection[Any], database_url: str, store: Store) -> Live:
    return living(connection, database_url, store)


@pytest.fixture
def tenant(add_tenant: Callable[..., str]) -> str:
    return add_tenant("acme", lookback_days=0)


@pytest.fixture
def two_days(connection: Connection[Any], tenant: str) -> None:
    """Two old days of the log, and clicks and refused lines of one of them."""
    set_policies(
        connection,
        {"table_name": "match_log", "keep": 10 * DAY, "grace": timedelta(0)},
        {"table_name": "clicks", "keep": 10 * DAY, "grace": timedelta(0)},
        {"table_name": "ingest_rejects", "keep": 10 * DAY, "action": "drop"},
    )
    for back in (20, 19):
        insert_log(connection, day(back), [midnight(day(back))] * 3)
    insert_clicks(connection, tenant, [midnight(day(20))] * 4)
    insert_rejects(connection, [midnight(day(20))])


def test_a_step_that_fails_does_not_stop_the_others(
    connection: Connection[Any], live: Live, two_days: None, store: Store
) -> None:
    """A file where the log's folder of that year should be."""
    Path(store.root).mkdir()
    (Path(store.root) / "match_log").write_text("in the way")
    done = live()
    assert [state for *_, state in told(done)] == ["failed", "failed", "done", "done"]
    failed = done.of("failed")[0]
    assert failed.rows_done is None
    assert failed.outcome is not None
    assert "match_log" in failed.outcome
    assert "\n" not in failed.outcome
    assert latest_plan(connection) == done
    (sentence, _) = done.troubles(datetime.now(UTC))
    assert sentence.startswith(f"archive match_log {day(20)} failed: ")
    # Nothing is lost, and the mend is enough.
    assert detached_days(connection, "match_log") == []
    assert {day(20), day(19)} <= set(partition_days(connection, "match_log"))
    (Path(store.root) / "match_log").unlink()
    assert [step[:1] + step[4:] for step in told(live())] == [("archive", "done")] * 2 + [("drop", "done")]


def test_a_drop_waits_for_the_archive_of_the_same_day(
    connection: Connection[Any], live: Live, tenant: str, two_days: None, store: Store
) -> None:
    live()
    insert_clicks(connection, tenant, [midnight(day(20))])
    (first,) = archives(connection, "clicks")
    # The name that the second part would get belongs to a folder.
    second = Path(store.full(first.path.replace(".1.parquet", ".2.parquet")))
    (second / "x").mkdir(parents=True)
    steps = {(step.action, step.table_name): step for step in live().steps}
    assert steps["archive", "clicks"].state == "failed"
    assert steps["drop", "clicks"].state == "blocked"
    assert steps["drop", "clicks"].blocked_by == "rows of this day that came later could not be archived"
    assert steps["drop", "match_log"].state == "done"
    assert count_rows(connection, "clicks") == 5
    shutil.rmtree(second)
    live()
    live()
    assert count_rows(connection, "clicks") == 0
    assert [archive.rows for archive in archives(connection, "clicks", states=["dropped"])] == [4, 1]


def test_a_damaged_archive_fails_its_drop_and_is_made_anew(
    connection: Connection[Any], live: Live, two_days: None, store: Store
) -> None:
    live()
    (archive,) = archives(connection, "match_log", day(20))
    file = Path(store.full(archive.path))
    file.write_bytes(file.read_bytes()[:-1])
    done = live()
    states = {(step.table_name, step.day): step.state for step in done.steps}
    assert states == {
        ("match_log", day(20)): "failed", ("match_log", day(19)): "done", ("clicks", day(20)): "done",
    }  # fmt: skip
    assert told(live()) == [("archive", "match_log", day(20), 3, "done")]
    assert told(live()) == [("drop", "match_log", day(20), 3, "done")]


def test_a_reader_that_stays_fails_only_the_log(
    connection: Connection[Any], live: Live, two_days: None, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "_LOCK_TIMEOUT", "200ms")
    monkeypatch.setattr(partitions, "_TRIES", 2)
    with connect(database_url, name="a slow report") as reader, reader.transaction():
        reader.execute("SELECT count(*) FROM trackai.match_log")
        done = live()
    assert [state for *_, state in told(done)] == ["failed", "failed", "done", "done"]
    assert "a slow report" in str(done.of("failed")[0].outcome)
    assert [step[:1] + step[3:] for step in told(live())][:2] == [("archive", 3, "done")] * 2


def test_a_database_that_goes_away_ends_the_run(
    connection: Connection[Any], database_url: str, store: Store, two_days: None, live: Live
) -> None:
    """The plan stays unfinished, which is told once it cannot be running any more; the next one does the rest."""
    began = midnight(TODAY)

    with connect(database_url, name="retention") as doomed:
        plan = plan_retention(doomed, TABLES, today=TODAY, dry_run=False, clock=lambda: began)

        def clock() -> datetime:
            """Asked in the middle of a step."""
            if count_rows(connection, "retention_steps") and detached_days(connection, "match_log"):
                connection.execute("SELECT pg_terminate_backend(%s)", [doomed.info.backend_pid])
            return began

        with pytest.raises(psycopg.OperationalError):
            apply_plan(doomed, database_url, store, TABLES, plan, clock=clock)
    left = latest_plan(connection)
    assert left is not None
    assert left.finished_at is None
    assert left.troubles(began + timedelta(hours=1)) == []
    assert left.troubles(began + timedelta(hours=7)) == [
        f"Retention as of {TODAY} was interrupted: run apply_retention again."
    ]
    done = live()
    assert done.of("failed", "blocked") == []
    assert sum(archive.rows for archive in archives(connection, "match_log")) == 6


def test_one_at_a_time(connection: Connection[Any], database_url: str, live: Live, two_days: None) -> None:
    with connect(database_url, name="somebody's restore") as other, only_mover(other):
        with pytest.raises(MoverBusyError, match=rf"somebody's restore \(process {other.info.backend_pid}, "):
            live()
        assert live(dry_run=True).of("planned")
    assert count_rows(connection, "clicks") == 4
    assert live().of("failed") == []
    # It does not keep the lock, and one session may enter it twice.
    with connect(database_url) as other, only_mover(other), only_mover(other):
        pass


def test_two_runs_at_once(connection: Connection[Any], database_url: str, store: Store, two_days: None) -> None:
    """Planned at the same moment: whoever gets the lock does it, nothing is done twice."""
    connection.execute("UPDATE trackai.retention_policies SET grace = '1 day'")
    ended: list[Plan | MoverBusyError] = []

    def run() -> None:
        with connect(database_url, name="retention") as own:
            clock = lambda: midnight(TODAY)  # noqa: E731
            plan = plan_retention(own, TABLES, today=TODAY, dry_run=False, clock=clock)
            try:
                ended.append(apply_plan(own, database_url, store, TABLES, plan, clock=clock))
            except MoverBusyError as error:
                ended.append(error)

    threads = [Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ended) == 4
    plans = [plan for plan in ended if isinstance(plan, Plan)]
    assert plans
    assert all(plan.of("failed") == [] for plan in plans)
    assert {(archive.table_name, archive.day, archive.part, archive.rows) for archive in archives(connection)} == {
        ("match_log", day(20), 1, 3), ("match_log", day(19), 1, 3), ("clicks", day(20), 1, 4),
    }  # fmt: skip
    assert count_rows(connection, "clicks") == 4
    assert detached_days(connection, "match_log") == [day(20), day(19)]


def test_what_is_not_to_be_applied(connection: Connection[Any], database_url: str, store: Store, live: Live) -> None:
    dry = live(dry_run=True)
    with pytest.raises(ValueError, match="dry run"):
        apply_plan(connection, database_url, store, TABLES, dry)
    ahead = replace(dry, dry_run=False, day=TODAY + DAY)
    with pytest.raises(ValueError, match="in the future"):
        apply_plan(connection, database_url, store, TABLES, ahead, clock=lambda: midnight(TODAY))


def test_a_policy_that_is_switched_off_meanwhile(
    connection: Connection[Any], database_url: str, store: Store, two_days: None
) -> None:
    plan = plan_retention(connection, TABLES, today=TODAY, dry_run=False, clock=lambda: midnight(TODAY))
    connection.execute("UPDATE trackai.retention_policies SET enabled = false WHERE table_name = 'match_log'")
    done = apply_plan(connection, database_url, store, TABLES, plan, clock=lambda: midnight(TODAY))
    assert [step.state for step in done.steps] == ["failed", "failed", "done", "done"]
    assert "switched off" in str(done.steps[0].outcome)
    assert count_rows(connection, "match_log") == 6


def test_old_plans_are_forgotten(connection: Connection[Any], live: Live, two_days: None) -> None:
    ancient, old = (
        plan_retention(connection, TABLES, today=TODAY, dry_run=dry, clock=lambda age=age: midnight(TODAY) - age)  # type: ignore[misc]
        for age, dry in ((PLANS_KEPT, True), (PLANS_KEPT - DAY, False))
    )
    newest = live()
    ids = [row[0] for row in connection.execute("SELECT id FROM trackai.retention_plans ORDER BY id")]
    assert ids == [old.id, newest.id]
    assert connection.execute(
        "SELECT count(*) FROM trackai.retention_steps WHERE plan_id = %s", [ancient.id]
    ).fetchone() == (0,)
