"""Values of gates as they are typed."""

import pytest

from trackai_pipelines.what_if.asked import asked_values


def test_values_have_the_types_of_their_gates() -> None:
    assert asked_values([]) == {}
    assert asked_values(["email_matching=true", "lookback_days=0"]) == {"email_matching": True, "lookback_days": 0}
    assert asked_values(["email_matching=false"]) == {"email_matching": False}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["dark_mode=true"], "dark_mode decides no match; email_matching and lookback_days do"),
        (["dispatch_policy=all"], "dispatch_policy decides no match"),
        (["=true"], " decides no match"),
        (["email_matching"], "email_matching is true or false, not ''"),
        (["email_matching=True"], "email_matching is true or false, not 'True'"),
        (["lookback_days=3651"], "lookback_days is a number from 0 to 3650, not '3651'"),
        (["lookback_days=-1"], "not '-1'"),
        (["lookback_days=1.5"], "not '1.5'"),
        (["lookback_days=\u0663"], "is a number from 0 to 3650"),
        (["lookback_days=1", "lookback_days=2"], "lookback_days is given twice"),
    ],
)
def test_anything_else_is_refused(given: list[str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        asked_values(given)
