"""doctor: each check when things are right, when they are not, and after the fix."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from delivery.scenes import TOKEN, insert_sales
from psycopg import Connection, sql
from typer.testing import CliRunner, Result

from trackai_pipelines.cli import build_app
from trackai_pipelines.doctor.checkup import disk, findings
from trackai_pipelines.domain import Checkup, Domain, Finding, Level
from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.settings import Settings

pytestmark = pytest.mark.usefixtures("dagster_storage")

Run = Callable[..., Result]


def found() -> dict[str, Finding]:
    return {finding.check: finding for finding in findings(DOMAINS, Settings(), now=datetime.now(UTC))}


def test_nothing_is_wrong_with_a_migrated_database(trackai: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trackai("env")
    (home / "landing").mkdir()
    trackai("tenant", "add", "shop", "--pixel-id", "7")
    monkeypatch.setenv("TRACKAI_CAPI_TOKEN_SHOP", TOKEN)
    result = trackai("doctor")
    assert result.exit_code == 0, result.output
    levels = {name: finding.level for name, finding in found().items()}
    # Dagster has not run in this test.
    assert levels.pop("Dagster's storage") is Level.WARN
    # The test server's are what they are.
    assert levels.pop("server settings") is not Level.FAIL
    assert set(levels) == {
        "database", "schema", "partitions", "queue", "tenants", "tokens", "circuits", "delivery", "landing folder",
        "retention", "dagster.yaml", "archive", "disk", "refunds", "same events", "ad accounts", "campaign days",
        "exchange rates", "flags kept", "gates", "flag ramps", "flag overrides", "flag usage",
        "test configurations", "test days", "test users", "test variants",
        "loyalty days",
    }  # fmt: skip
    assert set(levels.values()) == {Level.OK}


def test_a_missing_schema_fails_until_migrated(
    run: Run, home: Path, empty_database_url: str, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACKAI_DATABASE_URL", empty_database_url)
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", database_url)
    broken = run("doctor")
    assert broken.exit_code == 1
    assert "Wrong: schema." in broken.stderr
    assert "Run `trackai migrate`." in broken.stdout
    run("migrate")
    assert run("doctor").exit_code == 0


def test_a_deployment_is_checked_before_anything_is_started(
    trackai: Run, home: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACKAI_DEPLOYED", "1")
    monkeypatch.delenv("TRACKAI_DATABASE_URL")
    monkeypatch.setenv("TRACKAI_ARCHIVE_DIR", "archive")
    refused = trackai("doctor")
    assert refused.exit_code == 1
    assert "Wrong: deployment." in refused.stderr
    for name in ("TRACKAI_DATABASE_URL", "TRACKAI_LANDING_DIR", "TRACKAI_ARCHIVE_DIR"):
        assert f"Set {name}" in " ".join(refused.stdout.split())
    other = trackai("match")
    assert other.exit_code == 1
    assert "Set TRACKAI_DATABASE_URL to the URL of the event database" in other.stderr
    # No server was started.
    assert list(home.iterdir()) == []

    monkeypatch.setenv("TRACKAI_DATABASE_URL", database_url)
    monkeypatch.setenv("TRACKAI_LANDING_DIR", str(home / "landing"))
    monkeypatch.setenv("TRACKAI_ARCHIVE_DIR", str(home / "archive"))
    assert found()["deployment"].level is Level.OK
    assert found()["dagster.yaml"].said == "DAGSTER_HOME is not set"
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    (home / "dagster.yaml").write_text("run_launcher: {module: dagster_docker, class: DockerRunLauncher}\n")
    assert found()["dagster.yaml"].said == f"{home}/dagster.yaml, runs by DockerRunLauncher"


def test_missing_partitions_fail_until_migrated(trackai: Run, connection: Connection) -> None:
    _drop_partitions(connection, after=f"{datetime.now(UTC):%Y%m%d}")
    assert found()["partitions"].said == "match_log has 0 days ahead of today"
    _drop_partitions(connection, after="")
    assert "none for today" in found()["partitions"].said
    assert trackai("doctor").exit_code == 1
    trackai("migrate")
    assert trackai("doctor").exit_code == 0


def _drop_partitions(connection: Connection, *, after: str) -> None:
    names = connection.execute(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
        "WHERE i.inhparent = 'trackai.match_log'::regclass AND right(c.relname, 8) > %s",
        [after],
    ).fetchall()
    for (name,) in names:
        connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier("trackai", name)))


def test_warns_of_tenants_without_a_pixel(trackai: Run) -> None:
    assert "no active tenant" in found()["tenants"].said
    trackai("tenant", "add", "shop")
    assert found()["tenants"].level is Level.WARN
    assert "shop" in found()["tenants"].said
    assert trackai("doctor").exit_code == 0


def test_a_missing_token_is_wrong_once_events_wait_for_it(
    trackai: Run,
    connection: Connection,
    add_tenant: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    assert found()["tokens"].level is Level.OK
    tenant_id = add_tenant("my-shop", pixel_id="1001")
    missing = found()["tokens"]
    assert missing.level is Level.WARN
    assert "export TRACKAI_CAPI_TOKEN_MY_SHOP=..." in (missing.fix or "")
    assert trackai("doctor").exit_code == 0
    insert_sales(connection, tenant_id, 3)
    assert "3 events wait for that" in found()["tokens"].said
    assert trackai("doctor").exit_code == 1
    monkeypatch.setenv("TRACKAI_CAPI_TOKEN_DIR", str(tmp_path))
    (tmp_path / "my-shop").write_text(TOKEN)
    result = trackai("doctor")
    assert result.exit_code == 0
    assert TOKEN not in result.output


def test_warns_of_tenants_that_share_a_token_variable(trackai: Run, add_tenant: Callable[..., str]) -> None:
    add_tenant("my-shop", pixel_id="1001")
    assert "token variables" not in found()
    add_tenant("my.shop", pixel_id="1002")
    shared = found()["token variables"]
    assert shared.level is Level.WARN
    assert "TRACKAI_CAPI_TOKEN_MY_SHOP (my-shop, my.shop)" in shared.said


def test_an_open_circuit_is_wrong_while_events_wait_behind_it(
    trackai: Run, connection: Connection, add_tenant: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACKAI_CAPI_TOKEN_SHOP", TOKEN)
    tenant_id = add_tenant("shop", pixel_id="1001")
    connection.execute(
        "INSERT INTO trackai.dispatch_circuits (tenant_id, state, opened_at, retry_at, reason)"
        " VALUES (%s, 'open', '2026-01-10 12:00:00+00', now(), 'the token was revoked')",
        [tenant_id],
    )
    opened = found()["circuits"]
    assert (opened.level, opened.said) == (
        Level.WARN,
        "1 open: shop since 2026-01-10 12:00:00 UTC: the token was revoked",
    )
    insert_sales(connection, tenant_id, 1)
    assert found()["circuits"].level is Level.FAIL


@pytest.mark.parametrize(
    ("hours", "level"), [(0.1, Level.OK), (2, Level.WARN), (30, Level.FAIL)], ids=["fresh", "late", "very late"]
)
def test_what_waits_to_be_delivered_is_judged_by_the_oldest_sale(
    trackai: Run, connection: Connection, add_tenant: Callable[..., str], monkeypatch: pytest.MonkeyPatch,
    hours: float, level: Level,
) -> None:  # fmt: skip
    monkeypatch.setenv("TRACKAI_CAPI_TOKEN_SHOP", TOKEN)
    tenant_id = add_tenant("shop", pixel_id="1001")
    insert_sales(connection, tenant_id, 2, ago=timedelta(hours=hours))
    # Neither of these is due, and neither is what delivers nothing yet.
    insert_sales(connection, tenant_id, 1, ago=timedelta(hours=-3))
    insert_sales(connection, add_tenant("no-pixel"), 1, ago=timedelta(hours=99))
    delivery = found()["delivery"]
    assert delivery.level is level
    assert delivery.said.startswith("2 events wait")


def test_warns_of_an_old_queue(
    trackai: Run, connection: Connection, add_tenant: Callable[..., str], add_sale: Callable[..., None]
) -> None:
    tenant_id = add_tenant("shop")
    add_sale(tenant_id, "fresh")
    assert found()["queue"].level is Level.OK
    add_sale(tenant_id, "old", created_at="2026-01-11 00:00:00+00")
    old = found()["queue"]
    assert (old.level, old.said) == (
        Level.WARN,
        "2 conversions wait, the oldest since 2026-01-11 00:00:00 UTC",
    )
    trackai("match")
    assert found()["queue"].level is Level.OK


def test_warns_of_waiting_files(trackai: Run, home: Path) -> None:
    assert "does not exist" in found()["landing folder"].said
    file = home / "landing" / "shop" / "clicks.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text('{"fbclid": "IwAR0"}\n')
    assert found()["landing folder"].said == "files that wait to be loaded: 1"
    trackai("ingest", home / "landing")
    assert found()["landing folder"].level is Level.OK


def test_dagsters_daemon_is_judged_by_its_heartbeat(trackai: Run, dagster_storage: str) -> None:
    assert found()["Dagster's storage"].level is Level.WARN
    with psycopg.connect(dagster_storage) as storage:
        storage.execute("CREATE TABLE runs (id int)")
        storage.execute("CREATE TABLE daemon_heartbeats (daemon_type text, timestamp timestamp)")
    assert found()["Dagster's daemon"].said == "has not run yet"
    with psycopg.connect(dagster_storage) as storage:
        storage.execute("INSERT INTO daemon_heartbeats VALUES ('SENSOR', '2026-01-10 12:00:00')")
    silent = found()["Dagster's daemon"]
    assert (silent.level, silent.said) == (Level.WARN, "last heard of at 2026-01-10 12:00:00 UTC")
    with psycopg.connect(dagster_storage) as storage:
        storage.execute("UPDATE daemon_heartbeats SET timestamp = now() AT TIME ZONE 'UTC'")
    assert found()["Dagster's daemon"].level is Level.OK


def test_another_dagster_yaml_is_told_of(trackai: Run, home: Path) -> None:
    assert "is missing" in found()["dagster.yaml"].said
    (home / "dagster").mkdir()
    (home / "dagster" / "dagster.yaml").write_text("telemetry:\n  enabled: true\n")
    assert "not this version's" in found()["dagster.yaml"].said
    trackai("env")
    assert found()["dagster.yaml"].level is Level.OK


@pytest.mark.parametrize("variable", ["TRACKAI_DATABASE_URL", "DAGSTER_POSTGRES_URL"])
def test_an_unreachable_database_fails_and_the_rest_is_checked(
    trackai: Run, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "postgresql://someone:hunter2@127.0.0.1:1/nowhere")
    result = trackai("doctor")
    assert result.exit_code == 1
    assert variable in result.stdout
    assert "disk" in result.stdout
    assert "hunter2" not in result.output


def test_a_domain_has_its_say_where_it_stands_in_the_flow(trackai: Run, connection: Connection) -> None:
    def health(checkup: Checkup) -> list[Finding]:
        (database,) = checkup.connection.execute("SELECT current_database()").fetchone() or ("?",)
        assert database == connection.info.dbname
        assert checkup.domains[-1].name == "toy"
        return [Finding("toys", Level.FAIL, "there are none", "Buy some.")]

    app = build_app([*DOMAINS, Domain(name="toy", says="Toys.", health=health)])
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 1
    assert "Wrong: toys." in result.stderr
    checks = [line.split()[0] for line in result.stdout.splitlines() if line.strip()]
    assert checks.index("archive") < checks.index("toys") < checks.index("dagster.yaml")
    assert "Buy some." in result.stdout


@pytest.mark.parametrize(
    ("total", "free", "level"),
    [
        (10**12, 5 * 10**11, Level.OK),
        (10**12, 10**10, Level.WARN),
        (10**10, 9 * 10**8, Level.FAIL),
    ],
)
def test_a_disk_nearly_full(tmp_path: Path, total: int, free: int, level: Level) -> None:
    finding = disk(tmp_path / "not" / "made", usage=lambda place: (total, total - free, free))
    assert finding.level is level
    assert str(tmp_path) in finding.said


def test_warns_of_files_that_are_passed_over_and_says_why(trackai: Run, home: Path) -> None:
    landing = home / "landing"
    assert "landing files" not in found()
    (landing / "acme").mkdir(parents=True)
    (landing / "acme" / "clicks.jsonl").write_text('{"fbclid": "C1"}\n', encoding="utf-8")
    assert "landing files" not in found()
    (landing / "acme" / "sales.xlsx").write_bytes(b"")
    (landing / "clicks.csv.part").write_bytes(b"")
    passed_over = found()["landing files"]
    assert passed_over.level is Level.WARN
    assert passed_over.said.startswith("files passed over: 2, e.g. acme/sales.xlsx: not a landing file: ")
    # The file that is one waits, and doctor says that, too; the advice is right.
    assert found()["landing folder"].said == "files that wait to be loaded: 1"
    assert "`trackai ingest`" in (passed_over.fix or "")
    told = trackai("ingest", landing)
    assert "acme/sales.xlsx" in told.stdout
    assert "clicks.csv.part" in told.stdout
    for name in ("acme/sales.xlsx", "clicks.csv.part"):
        (landing / name).unlink()
    assert "landing files" not in found()
