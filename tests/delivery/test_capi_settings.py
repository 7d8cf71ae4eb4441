"""Settings of delivery: which variables are read, and what is refused."""

import pytest
from pydantic import ValidationError

from trackai_pipelines.settings import CapiSettings


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("URL", "VERSION", "TIMEOUT_SECONDS", "TOKEN_DIR"):
        monkeypatch.delenv(f"TRACKAI_CAPI_{name}", raising=False)
    plain = CapiSettings()
    assert (plain.capi_url, plain.capi_version) == ("https://graph.facebook.com", "v26.0")
    assert (plain.capi_timeout_seconds, plain.retry_base_seconds, plain.circuit_cooldown_seconds) == (10, 1, 60)
    monkeypatch.setenv("TRACKAI_CAPI_URL", "http://127.0.0.1:9999")
    monkeypatch.setenv("TRACKAI_CAPI_TIMEOUT_SECONDS", "0.5")
    monkeypatch.setenv("TRACKAI_RETRY_BASE_SECONDS", "0.25")
    monkeypatch.setenv("TRACKAI_CIRCUIT_COOLDOWN_SECONDS", "")
    shown = CapiSettings()
    assert (shown.capi_url, shown.capi_timeout_seconds) == ("http://127.0.0.1:9999", 0.5)
    assert (shown.retry_base_seconds, shown.circuit_cooldown_seconds) == (0.25, 60)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CAPI_URL", "graph.facebook.com"),
        ("CAPI_VERSION", "26"),
        ("CAPI_TIMEOUT_SECONDS", "0"),
        ("RETRY_BASE_SECONDS", "x"),
    ],
)
def test_nonsense_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"TRACKAI_{name}", value)
    with pytest.raises(ValidationError):
        CapiSettings()
