"""Answers: what each documented answer asks for, and that nothing undocumented passes for one."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trackai_pipelines.delivery.answers import Answer, AnswerKind, Verdict, verdict_of

TOKEN = "EAAB-s3cret"
BUSINESS, ACCOUNT = "X-Business-Use-Case-Usage", "X-Ad-Account-Usage"
REGAIN = "estimated_time_to_regain_access"


def verdict(
    body: object = None,
    *,
    status: int | None = 400,
    headers: Mapping[str, str] | None = None,
    transport: str | None = None,
    sent: int = 3,
) -> Verdict:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return verdict_of(Answer(status, raw, headers or {}, transport), sent=sent)


def refusal(code: object, subcode: object = None, **more: object) -> dict[str, Any]:
    """An error as Meta sends it, with a title that says something else and the token in its text."""
    error = {"message": f"(#190) {TOKEN}", "type": "OAuthException", "code": code, "fbtrace_id": "Abc_1-z"}
    if subcode is not None:
        error["error_subcode"] = subcode
    return {"error": error | {"error_user_title": "Token expirado", "is_transient": True} | more}


def usage(minutes: object) -> dict[str, str]:
    return {BUSINESS: json.dumps({"123": [{"type": "ads", REGAIN: minutes}]})}


def test_accepted() -> None:
    found = verdict({"events_received": 3, "messages": [], "fbtrace_id": "Abc_1-z"}, status=200)
    assert found == Verdict(AnswerKind.accepted, 200, None, None, "Abc_1-z", "", "Meta took 3 events", None)


@pytest.mark.parametrize(
    "body",
    [
        {"events_received": 2},
        {"events_received": 4},
        {"events_received": "3"},
        {"events_received": 3.0},
        {"events_received": None},
        {"success": False},
        {},
        [],
        3,
        None,
        b"",
        b"<html>200 OK</html>",
        b'{"events_received": 3',
        b"\xff\xfe",
        b"[" * 100_000,
        b"9" * 10_000,
    ],
)
def test_a_success_that_is_not_the_documented_answer_is_unknown(body: object) -> None:
    found = verdict(body, status=200)
    assert (found.kind, found.failure) == (AnswerKind.refused, "unexpected_answer")


def test_one_event_received_is_not_true() -> None:
    assert verdict({"events_received": True}, status=200, sent=1).kind is AnswerKind.refused
    assert verdict({"events_received": 1}, status=200, sent=1).kind is AnswerKind.accepted


# The table of the errors, as documented: kind, failure, codes with subcodes.
DOCUMENTED: list[tuple[AnswerKind, str, list[tuple[int, int | None]]]] = [
    (AnswerKind.retry, "server_error", [(1, None), (2, None), (341, None), (368, None), (2, 99)]),
    (
        AnswerKind.slow_down,
        "throttled",
        [(c, None) for c in (4, 17, 613, 80000, 80003, 80004, 80014)] + [(613, 1487742)],
    ),
    (AnswerKind.setup, "setup", [(190, None), (190, 463), (102, None), (10, None), (200, None), (250, 1), (299, None)]),
    (AnswerKind.setup, "setup", [(100, 33)]),
    (AnswerKind.refused, "bad_fbc", [(100, 2804001)]),
    (AnswerKind.refused, "too_old", [(100, 2804003)]),
    (AnswerKind.refused, "no_value", [(100, 2804009)]),
    (AnswerKind.refused, "no_currency", [(100, 2804010)]),
    (AnswerKind.refused, "little_user_data", [(100, 2804050)]),
    (AnswerKind.refused, "bad_event", [(100, 2804000), (100, 2804066), (100, 2804999)]),
    (
        AnswerKind.refused,
        "unknown_error",
        [
            *((100, subcode) for subcode in (None, 34, 2803999, 2805000)),
            *((code, None) for code in (-1, 0, 3, 199, 300, 803, 80001, 2804001)),
            *((33, 33), (5, 2804001)),
        ],
    ),
]


@pytest.mark.parametrize("status", [400, 401, 403, 200])
@pytest.mark.parametrize(("kind", "failure", "codes"), DOCUMENTED, ids=lambda value: str(value)[:12])
def test_documented_errors(kind: AnswerKind, failure: str, codes: list[tuple[int, int | None]], status: int) -> None:
    for code, subcode in codes:
        found = verdict(refusal(code, subcode), status=status)
        assert (found.kind, found.failure) == (kind, failure), code
        assert (found.http_status, found.code, found.subcode, found.fbtrace_id) == (status, code, subcode, "Abc_1-z")
        assert str(code) in found.message


def test_a_known_code_says_more_than_the_status() -> None:
    assert verdict(refusal(190), status=500).kind is AnswerKind.setup
    assert verdict(refusal(100, 2804001), status=503).kind is AnswerKind.refused
    assert verdict(refusal(100), status=500).kind is AnswerKind.retry


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599])
@pytest.mark.parametrize("body", [b"", b"<html>", None, {"error": "down"}, {"error": {}}, {"events_received": 3}])
def test_failing_servers(status: int, body: object) -> None:
    assert (verdict(body, status=status).kind, verdict(body, status=status).failure) == (
        AnswerKind.retry,
        "server_error",
    )


@pytest.mark.parametrize("status", [None, 100, 301, 302, 304, 400, 401, 403, 404])
@pytest.mark.parametrize("body", [b"", b"<html>", {"error": "no"}, {"error": {"code": "190"}}, {"events_received": 3}])
def test_what_is_not_documented_is_unknown(status: int | None, body: object) -> None:
    assert (verdict(body, status=status).kind, verdict(body, status=status).failure) == (
        AnswerKind.refused,
        "unknown_error",
    )


def test_too_many_requests_without_a_code() -> None:
    found = verdict(b"", status=429, headers={"Retry-After": "17"})
    assert (found.kind, found.failure, found.wait_seconds) == (AnswerKind.slow_down, "throttled", 17)


@pytest.mark.parametrize("transport", ["timeout", "connection"])
def test_no_answer_is_tried_again(transport: str) -> None:
    found = verdict(b"", status=None, transport=transport)
    assert (found.kind, found.failure, found.http_status, found.wait_seconds) == (
        AnswerKind.retry,
        transport,
        None,
        None,
    )
    assert "the same ids" in found.message


@pytest.mark.parametrize(
    ("headers", "throttled", "always"),
    [
        ({}, None, None),
        # Minutes, of the busiest of all uses.
        (usage(5), 300, 300),
        ({BUSINESS.lower(): usage(5)[BUSINESS]}, 300, 300),
        (usage(0.5), 30, 30),
        ({BUSINESS: json.dumps({"1": [{REGAIN: 2}], "2": [{}, {REGAIN: 3}]})}, 180, 180),
        (usage(0), None, None),
        # Seconds until the usage is forgotten: in every answer, but a wait only for a throttled tenant.
        ({ACCOUNT: '{"acc_id_util_pct": 100, "reset_time_duration": 45}'}, 45, None),
        ({ACCOUNT: '{"reset_time_duration": 45}', **usage(1)}, 60, 60),
        ({ACCOUNT: '{"reset_time_duration": 90}', **usage(1)}, 90, 60),
        ({ACCOUNT: '{"estimated_time_to_regain_access": 1}'}, 60, 60),
        ({"Retry-After": "30"}, 30, None),
        # Garbage says nothing; too much is not believed.
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, None, None),
        ({"Retry-After": "-5"}, None, None),
        ({"Retry-After": "9" * 5000}, 86400, None),
        (usage(-3), None, None),
        (usage("5"), None, None),
        (usage(True), None, None),
        (usage(None), None, None),
        (usage([5]), None, None),
        (usage(float("nan")), None, None),
        (usage(float("inf")), 86400, 86400),
        (usage(10**400), 86400, 86400),
        (usage(10_000), 86400, 86400),
        ({BUSINESS: "", ACCOUNT: "{"}, None, None),
        ({BUSINESS: '{"1": 5}', ACCOUNT: "[45]"}, None, None),
        ({BUSINESS: '{"1": {"estimated_time_to_regain_access": 5}}'}, 300, 300),
        ({BUSINESS: "[" * 100_000}, None, None),
    ],
)  # fmt: skip
def test_waits(headers: dict[str, str], throttled: float | None, always: float | None) -> None:
    assert verdict(refusal(613), headers=headers).wait_seconds == throttled
    assert verdict({"events_received": 3}, status=200, headers=headers).wait_seconds == always
    assert verdict(refusal(1), status=500, headers=headers).wait_seconds == always


@pytest.mark.parametrize("value", ["190", 190.0, True, None, [190], {"code": 190}, 2**31, -(2**31), 10**100])
def test_codes_that_are_none_do_not_reach_the_database(value: object) -> None:
    found = verdict(refusal(value, value))
    assert (found.kind, found.code, found.subcode) == (AnswerKind.refused, None, None)


@pytest.mark.parametrize("value", ["", "a b", "x" * 101, f"Bearer {TOKEN}", "\u00e9", 7, None, ["a"]])
def test_trace_ids_that_are_none_are_left_out(value: object) -> None:
    assert verdict(refusal(1, fbtrace_id=value)).fbtrace_id is None
    assert verdict({"events_received": 3, "fbtrace_id": value}, status=200).fbtrace_id is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
ERRORS = st.fixed_dictionaries(
    {}, optional={"code": JSON, "error_subcode": JSON, "fbtrace_id": JSON, "message": st.just(TOKEN)}
)
BODIES = st.binary() | JSON | st.fixed_dictionaries({"error": ERRORS | JSON}) | st.builds(refusal, JSON, JSON)
HEADERS = st.dictionaries(
    st.sampled_from([BUSINESS, ACCOUNT.upper(), "retry-after", "Other"]),
    st.text() | JSON.map(json.dumps) | st.builds(usage, JSON).map(lambda found: found[BUSINESS]),
)


@given(BODIES, st.none() | st.integers(-1, 1000), HEADERS, st.sampled_from([None, "timeout", "connection"]))
@example({"error": {"code": 10**400}}, 200, {}, None)
def test_any_answer_is_understood_and_repeats_no_secret(
    body: object, status: int | None, headers: dict[str, str], transport: str | None
) -> None:
    found = verdict(body, status=status, headers=headers, transport=transport)
    assert found.message
    assert (found.failure == "") == (found.kind is AnswerKind.accepted)
    assert TOKEN not in repr(found)
    assert found.wait_seconds is None or 0 < found.wait_seconds <= 86400
    for code in (found.code, found.subcode):
        assert code is None or abs(code) < 2**31


@given(st.integers(-10, 100_000) | st.sampled_from([80000, 80003, 80004, 80014]), st.none() | st.integers(0, 3_000_000))
def test_every_code_against_the_table_in_words(code: int, subcode: int | None) -> None:
    """The documented table once more, written as a sentence would say it."""
    if code in (1, 2, 341, 368):
        expected = AnswerKind.retry
    elif code in (4, 17, 613) or code in (80000, 80003, 80004, 80014):
        expected = AnswerKind.slow_down
    elif (
        code in (190, 102, 10) or (str(code).startswith("2") and len(str(code)) == 3) or (code == 100 and subcode == 33)
    ):
        expected = AnswerKind.setup
    elif code == 100 and len(str(subcode)) == 7 and str(subcode).startswith("2804"):
        expected = AnswerKind.refused
    else:
        expected = AnswerKind.refused
    assert verdict(refusal(code, subcode)).kind is expected
