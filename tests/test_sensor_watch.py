"""How long an evaluation of a sensor watches, and when it ends before."""

import time

import pytest

from trackai_pipelines.sensor_watch import watched

TIMEOUT = "DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS"


def test_it_ends_with_the_first_look_that_finds_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    # Longer than a test may take.
    monkeypatch.setenv(TIMEOUT, "3600")
    looks = iter([[], [], ["found"], ["never seen"]])
    assert watched(lambda: next(looks), every_seconds=0.01) == ["found"]
    assert next(looks) == ["never seen"]


def test_it_ends_before_dagster_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TIMEOUT, "21")
    looks: list[float] = []
    assert watched(lambda: looks.append(time.monotonic()), every_seconds=0.2) is None
    assert 2 <= len(looks) <= 6
    assert looks[-1] - looks[0] < 1


@pytest.mark.parametrize("timeout", ["", "60", "5"])
def test_a_look_that_would_come_too_late_is_not_waited_for(timeout: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unset it is Dagster's 60 seconds."""
    monkeypatch.setenv(TIMEOUT, timeout)
    looks: list[None] = []
    assert watched(lambda: looks.append(None), every_seconds=41) is None
    assert len(looks) == 1
