"""Homes for embedded servers that tests start, kill and throw away."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from trackai_pipelines.database import embedded
from trackai_pipelines.database.cluster import existing_cluster


@pytest.fixture(scope="session")
def make_home() -> Iterator[Callable[..., Path]]:
    """`make_home("with space")` gives a folder that every account may enter; its server ends with the session."""
    roots: list[tuple[Path, Path]] = []

    def make(*below: str, mode: int = 0o755) -> Path:
        root = Path(tempfile.mkdtemp(prefix="trackai-homes-"))
        root.chmod(mode)
        home = root.joinpath(*below)
        roots.append((root, home))
        return home

    yield make
    for root, home in roots:
        embedded.stop(home, though_used=True)
        cluster = existing_cluster(home)
        if cluster is not None:
            shutil.rmtree(cluster.folder)
        shutil.rmtree(root)
