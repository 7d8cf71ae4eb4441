"""`lint-imports` refuses what would put a domain into more than one place."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.processes

ROOT = Path(__file__).resolve().parents[2]
IMPORTS_OTHER_DOMAIN = "from trackai_pipelines.delivery.domain import DELIVERY\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the package, to add a bad example to."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "lint", tmp_path / "lint")
    shutil.copytree(ROOT / "trackai_pipelines", tmp_path / "trackai_pipelines")
    return tmp_path


def _lint(tree: Path) -> tuple[int, str]:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache"],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_package_keeps_its_layers(tree: Path) -> None:
    code, said = _lint(tree)
    assert code == 0, said


@pytest.mark.parametrize(
    ("module", "source", "named"),
    [
        ("matching/bad.py", IMPORTS_OTHER_DOMAIN, "trackai_pipelines.matching is not allowed to import"),
        ("lifecycle/bad.py", IMPORTS_OTHER_DOMAIN, "trackai_pipelines.lifecycle is not allowed to import"),
        ("database/bad.py", "import trackai_pipelines.terminal.output\n", "trackai_pipelines.database is not allowed"),
        ("delivery/bad.py", "import trackai_pipelines.domains\n", "trackai_pipelines.delivery is not allowed to"),
        (
            "domain.py",
            "import trackai_pipelines.settings\nimport trackai_pipelines.database\n",
            "domain is not allowed",
        ),
        ("helpers.py", "", "trackai_pipelines.helpers"),
        (
            "clock.py",
            "import trackai_pipelines.money\n",
            "No cycles are allowed",
        ),
    ],
    ids=["sideways", "upwards", "below", "register", "contract", "homeless", "circle"],
)
def test_a_bad_import_is_refused(tree: Path, module: str, source: str, named: str) -> None:
    (tree / "trackai_pipelines" / module).write_text(source)
    with (tree / "trackai_pipelines" / "money.py").open("a") as money:
        money.write("\nimport trackai_pipelines.clock\n" if module == "clock.py" else "")
    code, said = _lint(tree)
    assert code == 1
    assert named in said, said


def test_a_new_domain_needs_no_line_in_the_configuration(tree: Path) -> None:
    room = tree / "trackai_pipelines" / "warehouses"
    room.mkdir()
    (room / "__init__.py").touch()
    (room / "domain.py").write_text("import trackai_pipelines.domain\n")
    assert _lint(tree)[0] == 0
    (room / "ledger.py").write_text(IMPORTS_OTHER_DOMAIN)
    code, said = _lint(tree)
    assert code == 1
    assert "trackai_pipelines.warehouses is not allowed to import trackai_pipelines.delivery" in said
