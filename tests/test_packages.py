"""Installing: pip's settings reach uv, pip takes over where uv cannot be had, and what is locked names no index."""

import base64
import hashlib
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import packages

pytestmark = pytest.mark.processes

ROOT = Path(packages.__file__).parent
LOCKED = ("requirements.txt", "requirements-dev.txt", "requirements-uv.txt")


def test_pips_settings_become_uvs() -> None:
    """The environment wins over the section of `pip install`, and that over the global one."""
    config = "\n".join(
        [
            ":env:.index-url='https://pypi.example/simple'",
            ":env:.no-cache-dir='1'",
            "global.cert='/etc/ssl/company.pem'",
            "global.constraint='/etc/constraints.txt'",
            "global.extra-index-url='\\nfile:///opt/one\\nfile:///opt/two'",
            "global.find-links='/global'",
            "global.index-url='https://global.example/simple'",
            "install.find-links='/wheels /more'",
        ]
    )
    assert packages.uv_variables(config, {"SSL_CERT_FILE": "/mine.pem"}) == {
        "UV_DEFAULT_INDEX": "https://pypi.example/simple",
        "UV_FIND_LINKS": "/wheels,/more",
        "UV_INDEX": "file:///opt/one file:///opt/two",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_NO_CACHE": "1",
    }


def test_a_plain_machine_sets_no_index() -> None:
    """Without any setting of pip, uv asks its own default index."""
    assert packages.uv_variables("", {}) == {"UV_INDEX_STRATEGY": "unsafe-best-match"}


@pytest.mark.parametrize("name", LOCKED)
def test_what_is_locked_has_hashes_and_no_address(name: str) -> None:
    """Each package is pinned to a version and its files' hashes; where they come from is the machine's own affair."""
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "://" not in text
    for requirement in text.replace("\\\n", " ").splitlines():
        assert re.match(r"[a-z0-9.-]+(\[[a-z, ]+\])?==\S+ .*--hash=sha256:[0-9a-f]{64}", requirement), requirement


def test_what_runs_is_what_was_tested() -> None:
    """Every line of requirements.txt is one of requirements-dev.txt."""
    running, developing = (
        set((ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ").splitlines()) for name in LOCKED[:2]
    )
    assert running < developing


@pytest.mark.slow
@pytest.mark.processes
def test_pip_takes_over_where_uv_cannot_be_had(tmp_path: Path) -> None:
    """From an index without uv, pip installs the packages by their hashes, and the project."""
    index = tmp_path / "index"
    index.mkdir()
    digest = hashlib.sha256(_wheel(index, "toy").read_bytes()).hexdigest()
    project = tmp_path / "project with a space"
    project.mkdir()
    (project / "requirements-uv.txt").write_text(f"uv==0.0.1 --hash=sha256:{'0' * 64}\n", encoding="utf-8")
    (project / "requirements.txt").write_text(f"toy==1.0 --hash=sha256:{digest}\n", encoding="utf-8")
    (project / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "mine"\nversion = "1.0"\n',
        encoding="utf-8",
    )
    # The smallest build backend: a wheel without contents.
    wheel = _wheel(tmp_path, "mine")
    (project / "backend.py").write_text(
        f"import shutil\ndef build_editable(directory, *_):\n    shutil.copy({str(wheel)!r}, directory)\n"
        f"    return {wheel.name!r}\n",
        encoding="utf-8",
    )
    ran = subprocess.run(
        [sys.executable, ROOT / "packages.py", "install", "requirements.txt"],
        cwd=project,
        env={**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(index), "PIP_CONFIG_FILE": os.devnull},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "pip takes over" in ran.stderr
    asked = "from importlib.metadata import version; print(version('toy'), version('mine'))"
    there = subprocess.run([project / packages.PYTHON, "-c", asked], capture_output=True, text=True, check=True)
    assert there.stdout == "1.0 1.0\n"


def _wheel(folder: Path, name: str) -> Path:
    """Make the wheel of an empty package."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    files = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{file},sha256={_record_hash(text)},{len(text)}\n" for file, text in files.items())
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            archive.writestr(file, text)
    return path


def _record_hash(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
