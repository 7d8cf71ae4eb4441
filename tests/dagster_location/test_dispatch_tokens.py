"""Access tokens of dispatches: where they come from, and that they are nowhere else."""

import os
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest
from dagster_location.dispatching import (
    JOB,
    SENT,
    TOKEN,
    day_before,
)
from delivery.scenes import insert_sales, outcomes, queued
from psycopg import Connection, sql
from psycopg.types.string import TextLoader
from pydantic import SecretStr

from trackai_pipelines.capi_sandbox.client import Sandbox
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.definitions import build_definitions
from trackai_pipelines.delivery.defs.resources import capi_tokens

AddTenant = Callable[..., str]


def test_another_secret_store_takes_the_place_of_the_environment(
    database: EventDatabase, instance: dg.DagsterInstance, box: Sandbox, connection: Connection, add_tenant: AddTenant
) -> None:
    class Vault:
        def token_of(self, slug: str) -> SecretStr | None:
            return SecretStr(TOKEN) if slug == "only-in-the-vault" else None

    tenant = add_tenant("only-in-the-vault", pixel_id="1001")
    (kept,) = insert_sales(connection, add_tenant("acme", pixel_id="1002"), 1)
    (sale,) = insert_sales(connection, tenant, 1)
    job = build_definitions(resources={"database": database, "capi_tokens": Vault()}).resolve_job_def(JOB)
    assert job.execute_in_process(instance=instance, partition_key=day_before(0).isoformat()).success
    assert outcomes(connection) == {sale: [SENT]}
    assert queued(connection) == [kept]


def test_a_mounted_token_comes_before_a_variable(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "acme").write_text("mounted")
    monkeypatch.setenv("TRACKAI_CAPI_TOKEN_ACME", "variable")
    monkeypatch.setenv("TRACKAI_CAPI_TOKEN_OTHER", "variable")

    def tokens(*slugs: str) -> list[str | None]:
        with dg.build_resources({"capi_tokens": capi_tokens}) as resources:
            found = [resources.capi_tokens.token_of(slug) for slug in slugs]
        return [token.get_secret_value() if token else None for token in found]

    assert tokens("acme", "other", "third") == ["variable", "variable", None]
    monkeypatch.setenv("TRACKAI_CAPI_TOKEN_DIR", str(home))
    assert tokens("acme", "other", "third") == ["mounted", "variable", None]


def everything_in(url: str) -> str:
    """The text of every row of every table of a database, what is packed in it unpacked."""
    found = []
    with closing(psycopg.connect(url)) as connection:
        # Periods begin at -infinity, which Python has no time for.
        connection.adapters.register_loader("timestamptz", TextLoader)
        tables = connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE'"
            " AND table_schema NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        for table in tables:
            for row in connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(*table))):
                found += [
                    zlib.decompress(cell).decode() if isinstance(cell, bytes) else str(cell)
                    for cell in row
                    if cell is not None
                ]
    return "\n".join(found)


def test_tokens_are_nowhere_after_a_run_with_faults(
    location: dg.Definitions,
    home: Path,
    box: Sandbox,
    database_url: str,
    connection: Connection,
    postgres_instance: dg.DagsterInstance,
    add_tenant: AddTenant,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """One tenant for each fault; a run that goes wrong as a whole, too."""
    caplog.set_level("DEBUG")
    faults: list[dict[str, Any]] = [
        {"do": "error", "status": 500, "code": 2},
        {"do": "error", "code": 190},
        {"do": "error", "code": 100, "subcode": 33},
        {"do": "error", "code": 100, "subcode": 2804001},
        {"do": "error", "code": 80004, "wait_seconds": 60},
        {"do": "timeout", "accept": True},
        {"do": "reset"},
        {"do": "html"},
        {"do": "truncated"},
        {"do": "empty"},
    ]
    monkeypatch.setenv("TRACKAI_CAPI_TIMEOUT_SECONDS", "1")
    for number, fault in enumerate(faults):
        monkeypatch.setenv(f"TRACKAI_CAPI_TOKEN_SHOP_{number}", TOKEN)
        insert_sales(connection, add_tenant(f"shop-{number}", pixel_id=f"100{number}"), 2)
        box.misbehave(**fault, pixel=f"100{number}")
    job, day = location.resolve_job_def(JOB), day_before(0).isoformat()
    assert job.execute_in_process(instance=postgres_instance, partition_key=day).success
    tried = {attempts[0] for attempts in outcomes(connection).values()}
    assert len(tried) >= 6, tried
    monkeypatch.setenv("TRACKAI_CAPI_URL", "no address")
    failed = job.execute_in_process(instance=postgres_instance, partition_key=day, raise_on_error=False)
    assert not failed.success

    places = {
        "Dagster's database": everything_in(os.environ["DAGSTER_POSTGRES_URL"]),
        "the event database": everything_in(database_url),
        "the log": caplog.text,
        "what was printed": "".join(capfd.readouterr()),
    }
    for path in home.rglob("*"):
        if path.is_file():
            places[str(path)] = path.read_text(errors="replace")
    for place in ("Dagster's database", "the event database"):
        assert "shop-9" in places[place], "the search finds what is there"
    assert [place for place, text in places.items() if TOKEN in text or TOKEN[3:] in text] == []
