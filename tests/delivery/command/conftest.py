"""The command dispatch, a tenant that has everything, and a sandbox that is strict about pixels and tokens."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from delivery.scenes import TOKEN
from typer.testing import CliRunner, Result

from trackai_pipelines.capi_sandbox.client import Sandbox
from trackai_pipelines.capi_sandbox.server import sandbox
from trackai_pipelines.cli import app

Run = Callable[..., Result]
AddTenant = Callable[..., str]


@pytest.fixture
def box(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A sandbox that knows two pixels and one token, and the environment that leads to it; waits are short."""
    with sandbox(tokens=[TOKEN], pixels=["1001", "1002"]) as running:
        monkeypatch.setenv("TRACKAI_CAPI_URL", running.base_url)
        monkeypatch.setenv("TRACKAI_RETRY_BASE_SECONDS", "0.01")
        monkeypatch.setenv("TRACKAI_CIRCUIT_COOLDOWN_SECONDS", "0.05")
        yield running


@pytest.fixture
def dispatch(trackai: Run, box: Sandbox) -> Run:
    """`dispatch("--json")` runs the command, whose output never shows the token."""

    def run(*arguments: str | Path, answer: str | None = None) -> Result:
        result = CliRunner().invoke(app, ["dispatch", *map(str, arguments)], input=answer)
        assert TOKEN not in result.output + repr(result.exception)
        return result

    return run


@pytest.fixture
def acme(add_tenant: AddTenant, monkeypatch: pytest.MonkeyPatch) -> str:
    """A tenant that has everything."""
    monkeypatch.setenv("TRACKAI_CAPI_TOKEN_ACME", TOKEN)
    return add_tenant("acme", pixel_id="1001")
