"""What doctor finds of flags."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flag_values.reference import own, state
from flags.changing import hold_step
from flags.serving import record
from psycopg import Connection

from trackai_pipelines.domain import Checkup, Finding, Level
from trackai_pipelines.flag_values.client import open_flags
from trackai_pipelines.flags.health import GAPS, OVERDUE, health

Add = Callable[..., str]


@pytest.fixture
def found(
    home: Path, database_url: str, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[str, Finding]]:
    """`found()` asks for the findings, `found(later)` for those of a later moment."""
    monkeypatch.setenv("TRACKAI_DATABASE_URL", database_url)

    def ask(later: timedelta = timedelta()) -> dict[str, Finding]:
        return {one.check: one for one in health(Checkup(connection, datetime.now(UTC) + later, ()))}

    return ask


Found = Callable[..., dict[str, Finding]]


def test_a_new_database_is_fine(found: Found) -> None:
    findings = found()
    assert {one.level for one in findings.values()} == {Level.OK}
    assert list(findings) == ["flags kept", "gates", "flag ramps", "flag overrides", "flag usage"]


def test_flags_that_are_kept_and_old(found: Found, connection: Connection) -> None:
    with open_flags():
        pass
    assert "up to version" in found()["flags kept"].said
    version = record(connection, "dark_mode", state(enabled=False))
    # A process that listens has it at once.
    assert found()["flags kept"].level is Level.OK
    old = found(timedelta(minutes=10))["flags kept"]
    assert old.level is Level.WARN
    assert f"version {version} of dark_mode was recorded at" in old.said
    with open_flags():
        pass
    assert found(timedelta(minutes=10))["flags kept"].level is Level.OK


def test_a_gate_without_a_value_is_at_its_fallback(found: Found, connection: Connection, add_tenant: Add) -> None:
    add_tenant("acme")
    add_tenant("globex")
    connection.execute("SELECT trackai.ensure_gate('drain_batch_size')")
    record(connection, "drain_batch_size", own(enabled=True, value="many"), tenant_id="t-globex")
    gates = found()["gates"]
    assert gates.level is Level.FAIL
    assert gates.said == "drain_batch_size of globex has no value (PARSE_ERROR) and is at its fallback"


def test_a_held_step(found: Found, connection: Connection) -> None:
    hold_step(connection, "dark_mode", datetime(2026, 3, 1, tzinfo=UTC))
    held = found()["flag ramps"]
    assert held.level is Level.WARN
    assert held.said == (
        "step 2 of dark_mode is held since 2026-03-01 00:00:00 UTC by match_rate>=0.7 over 2d: "
        "nothing to measure (of 0 at 0 tenants)"
    )


def test_an_override_that_stands_after_its_end(found: Found, connection: Connection, add_tenant: Add) -> None:
    add_tenant("acme")
    connection.execute(
        "INSERT INTO trackai.feature_flag_overrides (tenant_id, flag_id, enabled, reason, expires_at)"
        " SELECT 't-acme', id, false, 'trial', now() + interval '1 day' FROM trackai.feature_flags"
        " WHERE key = 'dark_mode'"
    )
    assert found(timedelta(days=1))["flag overrides"].level is Level.OK
    late = found(timedelta(days=1, minutes=1) + OVERDUE)["flag overrides"]
    assert late.level is Level.WARN
    assert late.said.startswith("dark_mode of acme ended at ")


def test_checks_that_were_lost(found: Found, connection: Connection) -> None:
    now = datetime.now(UTC)
    for number in range(3):
        connection.execute(
            "INSERT INTO trackai.feature_flag_usage_gaps (writer, from_at, to_at, lost_checks, reason)"
            " VALUES (%s, %s, %s, 600, 'too many')",
            (f"w{number}", now - timedelta(hours=2), now - timedelta(hours=1)),
        )
    lost = found()["flag usage"]
    assert lost.level is Level.WARN
    assert lost.said.startswith("1,800 checks were lost, the last at ")
    assert lost.said.endswith(": too many")
    assert found(GAPS)["flag usage"].level is Level.OK
