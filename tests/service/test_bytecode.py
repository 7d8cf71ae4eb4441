"""Compiled modules: kept in the home where Python keeps none, and the services find them there."""

import importlib.util
import os
import py_compile
import sys
from pathlib import Path

import pytest

from trackai_pipelines.service.bytecode import bytecode_variables
from trackai_pipelines.service.services import start


@pytest.fixture
def nothing_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python looks for bytecode in an empty folder, and writes what it compiles there."""
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "compiled"))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)


@pytest.mark.usefixtures("nothing_compiled")
def test_nothing_is_set_where_python_keeps_it(home: Path) -> None:
    assert bytecode_variables(home) == {}


@pytest.mark.usefixtures("nothing_compiled")
def test_it_is_kept_in_the_home_where_python_is_told_not_to(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert bytecode_variables(home)["PYTHONPYCACHEPREFIX"] == str(home / "bytecode")


@pytest.mark.usefixtures("nothing_compiled")
def test_it_is_kept_in_the_home_where_packages_are_read_only(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert bytecode_variables(home)["PYTHONPYCACHEPREFIX"] == str(home / "bytecode")


@pytest.mark.usefixtures("nothing_compiled")
def test_what_was_compiled_when_it_was_installed_is_used(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for package in ("dagster", "dagster_postgres", "trackai_pipelines"):
        assert bytecode_variables(home)
        spec = importlib.util.find_spec(package)
        assert spec is not None
        assert spec.origin is not None
        py_compile.compile(spec.origin)
    assert bytecode_variables(home) == {}


@pytest.mark.processes
@pytest.mark.usefixtures("nothing_compiled")
def test_a_service_compiles_once(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "once.py").write_text("print(__cached__)\n", encoding="utf-8")
    command = ["-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import once"]
    written = []
    for _ in range(2):
        service = start("once", command, environment=bytecode_variables(home), logs=home / "logs")
        assert service.process.wait(60) == 0
        compiled = Path(service.log.read_text(encoding="utf-8").splitlines()[-1])
        assert compiled.is_relative_to(home / "bytecode")
        written.append(compiled.stat().st_mtime_ns)
    assert written[0] == written[1]
    assert not (tmp_path / "__pycache__").exists()
