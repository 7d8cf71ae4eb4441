"""Where the services keep compiled modules when Python does not keep them.

Every run is a process, and one that finds no bytecode compiles some thousand modules: 5.9 s of CPU for the start of a
drain instead of 2.3. What belongs here: whether bytecode is kept, and the variables that see to it. What does not:
starting processes (services.py).
"""

import os
import sys
from importlib.util import cache_from_source, find_spec
from pathlib import Path

# The first modules that each of these brings stand for the rest.
_PACKAGES = ("dagster", "dagster_postgres", "trackai_pipelines")


def bytecode_variables(home: Path) -> dict[str, str]:
    """Return the variables with which services keep bytecode in the home; none where it is kept already.

    It is not where PYTHONDONTWRITEBYTECODE is set, as images of containers have it, or the packages are read-only,
    unless they were compiled when they were installed.
    """
    if all(_is_kept(package) for package in _PACKAGES):
        return {}
    # An empty value counts as none.
    return {"PYTHONPYCACHEPREFIX": str(home / "bytecode"), "PYTHONDONTWRITEBYTECODE": ""}


def _is_kept(package: str) -> bool:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return True
    compiled = Path(cache_from_source(spec.origin))
    return compiled.exists() or (not sys.dont_write_bytecode and os.access(_existing(compiled.parent), os.W_OK))


def _existing(folder: Path) -> Path:
    return next(place for place in (folder, *folder.parents) if place.exists())
