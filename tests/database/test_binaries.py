"""Which PostgreSQL programs are chosen."""

import shutil
import subprocess
from pathlib import Path

import pytest

from trackai_pipelines.database.binaries import Binaries, choose_binaries, copied, system_binaries, wheel_binaries
from trackai_pipelines.database.errors import DatabaseSetupError

_OLD = Binaries(Path("/opt/15/bin"), "15.8")
_NEW = Binaries(Path("/opt/18/bin"), "18.4")


def _data(folder: Path, version: str) -> Path:
    (folder / "PG_VERSION").write_text(f"{version}\n")
    return folder


def test_the_system_comes_before_the_wheel_and_the_wheel_is_enough(tmp_path: Path) -> None:
    assert [binaries.major for binaries in wheel_binaries()] == [18, 16]
    assert choose_binaries(tmp_path) == [*system_binaries(), *wheel_binaries()][0]
    assert choose_binaries(tmp_path, candidates=wheel_binaries()).major == 18


def test_data_keeps_its_version(tmp_path: Path) -> None:
    assert choose_binaries(_data(tmp_path, "18"), candidates=[_OLD, _NEW]) == _NEW
    assert choose_binaries(_data(tmp_path, "15"), candidates=[_NEW, _OLD]) == _OLD


def test_data_of_a_version_that_is_not_here_is_refused_with_a_mend(tmp_path: Path) -> None:
    with pytest.raises(DatabaseSetupError, match=r"Install PostgreSQL 17; or set .* or move that folder"):
        choose_binaries(_data(tmp_path, "17"), candidates=[_OLD, _NEW])


def test_a_machine_without_any_is_told_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(DatabaseSetupError, match="Install one of them"):
        choose_binaries(tmp_path, candidates=[])


def test_programs_in_path_that_are_links_lead_to_their_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = wheel_binaries()[0]
    for program in ("initdb", "pg_ctl", "postgres"):
        (tmp_path / program).symlink_to(real.folder / program)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert real in system_binaries()


def test_programs_that_do_not_run_or_are_too_old_are_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for program in ("initdb", "pg_ctl", "postgres"):
        (tmp_path / program).write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 13.2'\n")
        (tmp_path / program).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert tmp_path not in [binaries.folder for binaries in system_binaries()]
    (tmp_path / "postgres").write_text("not a program")
    assert tmp_path not in [binaries.folder for binaries in system_binaries()]


@pytest.mark.processes
def test_a_copy_is_open_to_everybody_and_works(tmp_path: Path) -> None:
    wheel = wheel_binaries()[0]
    package = wheel.folder.parents[1]
    private = tmp_path / "private"
    for part in (wheel.folder.parent, package.parent / f"{package.name}.libs"):
        if part.exists():
            shutil.copytree(part, private / part.relative_to(package.parent), symlinks=True)
    inside = private / wheel.folder.relative_to(package.parent)
    for closed in (private, inside, inside / "initdb"):
        closed.chmod(0o700)
    copy = copied(Binaries(inside, wheel.version), tmp_path)
    assert copy.folder.is_relative_to(tmp_path / f"postgresql-{wheel.version}")
    for opened in (copy.folder, copy.folder / "initdb"):
        assert opened.stat().st_mode & 0o777 == 0o755
    shutil.rmtree(private)
    assert subprocess.run([copy.folder / "initdb", "--version"], check=False).returncode == 0
    assert copied(wheel, tmp_path) == copy
