"""What the tests of campaigns share: a landing folder with tenants."""

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def landing(tmp_path: Path, add_tenant: Callable[..., str]) -> Path:
    """A landing folder, with the tenants acme and globex there."""
    add_tenant("acme", default_country="BR")
    add_tenant("globex")
    folder = tmp_path / "landing"
    folder.mkdir()
    return folder
