"""env: bash reads its lines, and they lead to the same databases."""

import os
import pty
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from processes import CHECKOUT
from typer.testing import Result

from trackai_pipelines.database.statements import shipped

pytestmark = pytest.mark.processes

Run = Callable[..., Result]


def sourced(lines: str, *names: str) -> list[str]:
    """The variables as bash has them after `eval`."""
    show = "; ".join(f'printf "%s\\0" "${name}"' for name in names)
    said = subprocess.run(
        ["bash", "-c", f'eval "$1"; {show}', "bash", lines],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    return said.stdout.split("\0")[:-1]


def test_bash_gets_every_variable(
    run: Run, tmp_path: Path, database_url: str, empty_database_url: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = tmp_path / "a $HOME of 'mine'"
    monkeypatch.setenv("TRACKAI_HOME", str(odd))
    monkeypatch.setenv("TRACKAI_DATABASE_URL", database_url)
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", empty_database_url)
    monkeypatch.setenv("TRACKAI_LANDING_DIR", str(tmp_path / "in coming"))
    monkeypatch.setenv("TRACKAI_ARCHIVE_DIR", str(tmp_path / "archive"))
    result = run("env")
    assert result.exit_code == 0
    assert all(line.startswith("export ") for line in result.stdout.splitlines())
    names = (
        "TRACKAI_HOME", "DAGSTER_HOME", "TRACKAI_DATABASE_URL", "DAGSTER_POSTGRES_URL", "TRACKAI_LANDING_DIR",
        "TRACKAI_ARCHIVE_DIR",
    )  # fmt: skip
    assert sourced(result.stdout, *names) == [
        str(odd),
        str(odd / "dagster"),
        database_url,
        empty_database_url,
        str(tmp_path / "in coming"),
        str(tmp_path / "archive"),
    ]
    assert (odd / "dagster" / "dagster.yaml").read_bytes() == shipped("dagster.yaml").read_bytes()


def test_starts_the_embedded_server_and_migrates_it(run: Run, server_home: Path) -> None:
    result = run("env")
    assert result.exit_code == 0, result.output
    event_url, dagster_url = sourced(result.stdout, "TRACKAI_DATABASE_URL", "DAGSTER_POSTGRES_URL")
    with psycopg.connect(event_url) as connection:
        assert connection.execute("SELECT count(*) FROM trackai.tenants").fetchone() == (0,)
    with psycopg.connect(dagster_url) as connection:
        assert connection.execute("SELECT current_database()").fetchone() == ("dagster",)


@pytest.mark.usefixtures("dagster_storage")
def test_the_home_is_in_the_working_folder_unless_named(
    trackai: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TRACKAI_HOME")
    # What every login sets must not be taken for ours.
    monkeypatch.setenv("HOME", str(tmp_path / "login"))
    monkeypatch.chdir(tmp_path)
    result = trackai("env")
    assert sourced(result.stdout, "TRACKAI_HOME") == [str(tmp_path / ".trackai")]


@pytest.mark.usefixtures("dagster_storage")
def test_a_stale_dagster_yaml_is_rewritten(trackai: Run, home: Path) -> None:
    instance = home / "dagster" / "dagster.yaml"
    instance.parent.mkdir()
    instance.write_text("telemetry:\n  enabled: true\n")
    trackai("env")
    assert instance.read_bytes() == shipped("dagster.yaml").read_bytes()
    written = instance.stat().st_mtime_ns
    trackai("env")
    assert instance.stat().st_mtime_ns == written


@pytest.mark.usefixtures("dagster_storage")
def test_a_terminal_does_not_see_the_password(trackai: Run, home: Path, database_url: str) -> None:
    # libpq ignores a password that the server does not ask for.
    secret = database_url + ("&" if "?" in database_url else "?") + "password=hunter2"
    environment = {**os.environ, "TRACKAI_DATABASE_URL": secret, "PYTHONPATH": str(CHECKOUT)}
    command = [sys.executable, "-m", "trackai_pipelines.cli", "env"]
    piped = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert sourced(piped.stdout, "TRACKAI_DATABASE_URL") == [secret]
    assert "hunter2" not in piped.stderr
    controller, terminal = pty.openpty()
    shown = subprocess.run(command, env=environment, stdout=terminal, stderr=terminal, check=True)
    os.close(terminal)
    said = os.read(controller, 100_000).decode()
    os.close(controller)
    assert shown.returncode == 0
    assert "hunter2" not in said
    assert "****" in said
    assert shlex.split(said.splitlines()[0])[0] == "export"
