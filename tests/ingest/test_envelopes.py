"""Envelopes: whatever is put around payloads, they come out, each once; and no payload is taken for an envelope."""

import base64
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ingest.landing_zone import EMAIL, PHONE, counts, load_all, sale_record
from psycopg import Connection

from trackai_pipelines.ingest.formats import webhook_payloads
from trackai_pipelines.ingest.opening import NotOpened, opened
from trackai_pipelines.ingest.records import Payload, Unreadable
from trackai_pipelines.ingest.streams import Notes

Wrap = Callable[[list[Any]], list[Any]]


def _text(value: Any) -> str:
    return json.dumps(value)


def _b64(value: Any) -> str:
    return base64.b64encode(_text(value).encode()).decode()


def _gzipped(value: Any) -> str:
    return base64.b64encode(gzip.compress(_text(value).encode())).decode()


def _each(wrap: Callable[[Any], Any]) -> Wrap:
    return lambda values: [wrap(value) for value in values]


def _sns(value: Any) -> Any:
    return {"Type": "Notification", "MessageId": "m", "TopicArn": "arn", "Message": _text(value), "Timestamp": "t"}


def _cloudwatch(values: list[Any]) -> Any:
    events = [{"id": str(n), "timestamp": n, "message": _text(value)} for n, value in enumerate(values)]
    return {"messageType": "DATA_MESSAGE", "owner": "1", "logGroup": "g", "logStream": "s", "logEvents": events}


# What each service writes, by its documentation; none of it is read from the table that is tested.
WRAPS: dict[str, Wrap] = {
    "eventbridge": _each(lambda v: {"version": "0", "id": "i", "detail-type": "t", "source": "aws.x", "detail": v}),
    "sns": _each(_sns),
    "sns to lambda": lambda vs: [
        {"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": _sns(v)} for v in vs]}
    ],
    "sqs to lambda": lambda vs: [
        {"Records": [{"messageId": "m", "receiptHandle": "r", "body": _text(v), "eventSource": "aws:sqs"} for v in vs]}
    ],
    "sqs": lambda vs: [
        {"Messages": [{"MessageId": "m", "ReceiptHandle": "r", "MD5OfBody": "5", "Body": _text(v)} for v in vs]}
    ],
    "sqs message": _each(lambda v: {"MessageId": "m", "ReceiptHandle": "r", "Body": _text(v), "Attributes": {}}),
    "kinesis": lambda vs: [
        {"Records": [{"kinesis": {"data": _b64(v), "partitionKey": "k"}, "eventSource": "aws:kinesis"} for v in vs]}
    ],
    "firehose": lambda vs: [{"requestId": "r", "timestamp": 1, "records": [{"data": _b64(v)} for v in vs]}],
    "firehose to lambda": lambda vs: [
        {"invocationId": "i", "deliveryStreamArn": "a", "records": [{"recordId": "1", "data": _b64(v)} for v in vs]}
    ],
    "cloudwatch": lambda vs: [{"awslogs": {"data": _gzipped(_cloudwatch(vs))}}],
    "cloudwatch in firehose": lambda vs: [_cloudwatch(vs)],
    "api gateway 1": _each(
        lambda v: {
            "httpMethod": "POST",
            "headers": {},
            "requestContext": {},
            "body": _text(v),
            "isBase64Encoded": False,
        }
    ),
    "api gateway 2": _each(
        lambda v: {"version": "2.0", "headers": {}, "requestContext": {}, "body": _b64(v), "isBase64Encoded": True}
    ),
    "pubsub push": _each(
        lambda v: {"message": {"data": _b64(v), "messageId": "1", "attributes": {}}, "subscription": "s"}
    ),
    "pubsub pull": lambda vs: [
        {"receivedMessages": [{"ackId": "a", "message": {"data": _b64(v), "messageId": "1"}} for v in vs]}
    ],
    "gcloud pull": lambda vs: [[{"ackId": "a", "message": {"data": _b64(v), "messageId": "1"}} for v in vs]],
    "cloudevents": _each(lambda v: {"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "data": v}),
    "cloudevents text": _each(
        lambda v: {"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "data": _text(v)}
    ),
    "cloudevents base64": _each(
        lambda v: {"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "data_base64": _b64(v)}
    ),
    "event grid": _each(
        lambda v: {"id": "1", "subject": "s", "eventType": "t", "eventTime": "n", "dataVersion": "1", "data": v}
    ),
    "svix": lambda vs: [
        {
            "data": [{"id": "msg_1", "eventType": "t", "payload": v, "timestamp": "n", "channels": None} for v in vs],
            "iterator": "i",
            "prevIterator": "p",
            "done": True,
        }
    ],
    "hookdeck": lambda vs: [
        {
            "pagination": {},
            "count": len(vs),
            "models": [
                {"id": "evt_1", "source_id": "src_1", "data": {"headers": {}, "path": "/", "body": v}} for v in vs
            ],
        }
    ],
    "n8n": _each(
        lambda v: {"headers": {}, "params": {}, "query": {}, "body": v, "webhookUrl": "u", "executionMode": "p"}
    ),
    "cloud logging": _each(lambda v: {"insertId": "1", "logName": "l", "jsonPayload": v, "timestamp": "t"}),
    "stripe list": lambda vs: [{"object": "list", "url": "/v1/events", "has_more": False, "data": vs}],
    "orders": lambda vs: [{"orders": vs}],
    "results": lambda vs: [{"paging": {"total": 1, "limit": 30, "offset": 0}, "results": vs}],
    "items": lambda vs: [{"items": vs, "page_info": {"total_results": 1}}],
    "django": lambda vs: [{"count": 1, "next": None, "previous": None, "results": vs}],
    "laravel": lambda vs: [{"current_page": 1, "data": vs, "last_page": 1, "per_page": 15, "total": 1}],
    "paypal": lambda vs: [{"events": vs, "count": 1, "links": []}],
    "text": _each(_text),
    "array": lambda vs: [vs],
}

# Payloads have such fields of their own.
_traps = st.dictionaries(
    st.sampled_from(
        ["data", "message", "items", "records", "body", "detail", "id", "type", "event", "object", "results", "payload"]
    ),
    st.recursive(
        st.integers(0, 9) | st.sampled_from(["", "x", "{", '{"a": 1}', "YWJj", "ação"]),
        lambda inside: (
            st.lists(inside, max_size=2) | st.dictionaries(st.sampled_from(["data", "id", "object"]), inside)
        ),
        max_leaves=4,
    ),
    max_size=4,
)
_BETWEEN = ["", "\n", "\x1e", "\ufeff"]


# What these services hold is never a text.
_OF_OBJECTS = {"svix", "cloud logging", "eventbridge"}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_what_went_in_comes_out_once_each(tmp_path: Path, data: st.DataObject) -> None:
    payloads = [{"n": n} | trap for n, trap in enumerate(data.draw(st.lists(_traps, min_size=1, max_size=6)))]
    values: list[Any] = payloads
    for name in data.draw(st.lists(st.sampled_from(sorted(WRAPS)), max_size=4)):
        if name not in _OF_OBJECTS or not any(isinstance(value, str) for value in values):
            values = WRAPS[name](values)
    cut = data.draw(st.integers(0, len(values)))
    between = data.draw(st.sampled_from(_BETWEEN))
    found = []
    for number, part in enumerate((values[:cut], values[cut:])):
        path = tmp_path / f"{number}.json"
        indent = data.draw(st.sampled_from([None, 2]))
        path.write_text(between.join(json.dumps(value, indent=indent) for value in part), encoding="utf-8")
        records = list(webhook_payloads(path, Notes()))
        assert [record.number for record in records] == list(range(1, len(records) + 1))
        found += [record.payload for record in records if isinstance(record, Payload)]
        assert not [record for record in records if isinstance(record, Unreadable)]
    assert found == payloads


@pytest.mark.parametrize("name", sorted(WRAPS))
def test_each_envelope(name: str) -> None:
    values = [{"n": 1, "data": {"id": 1}}, {"n": 2}]
    assert [payload for value in WRAPS[name](values) for payload in opened(value)] == values


def test_a_text_may_be_encoded_more_than_once() -> None:
    assert list(opened(_text(_text(_text({"n": 1}))))) == [{"n": 1}]


def test_sns_in_sqs_in_lambda_with_a_list_inside() -> None:
    value = [{"n": 1}, {"n": 2}]
    for name in ("stripe list", "sns", "sqs to lambda", "api gateway 2"):
        value = WRAPS[name](value)
    assert list(opened(value)) == [{"n": 1}, {"n": 2}]


def test_a_body_may_be_a_form_or_several_documents() -> None:
    request = {"requestContext": {}, "headers": {}, "isBase64Encoded": False}
    assert list(opened(request | {"body": urlencode({"a[b]": "é"})})) == [{"a": {"b": "é"}}]
    assert list(opened(request | {"body": '{"a": 1}\n{"a": 2}'})) == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    "payload",
    [
        {"id": "evt_1", "object": "event", "type": "charge.succeeded", "data": {"object": {"id": "ch_1"}}},
        {"object": "checkout.session", "data": [1]},
        {"event": "purchase_approved", "data": {"id": "x"}, "secret": "s"},
        {"id": 1, "items": [{"id": 2}], "total": 3},
        {"message": {"data": "YQ=="}, "id": 1},
        {"type": "x", "timestamp": "t", "data": {"id": 1}},
        {"headers": {}, "body": "x", "id": 1},
        {"Message": "hello", "Type": "Notification"},
        {"Records": [{"a": 1}]},
        {"records": [{"data": 1}], "id": 1},
        {"payload": {"a": 1}, "eventType": "t"},
        {"order": {"order_id": "k"}},
        {"order": {"id": 1}, "signature": "s"},
        {"source": "s", "detail": {"a": 1}},
        {"data": {"object": {}}, "source_id": "x"},
        {},
    ],
)
def test_a_payload_is_not_torn_apart(payload: dict[str, Any]) -> None:
    assert list(opened(payload)) == [payload]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (
            {"message": {"data": "!!", "messageId": "1"}, "subscription": "s"},
            "Google Pub/Sub: its payload is not base64",
        ),
        (_sns(1) | {"Message": '{"a": '}, "Amazon SNS: the file ends inside this document"),
        (_sns(1) | {"Message": "hello"}, "Amazon SNS: not valid JSON"),
        (_sns(1) | {"Message": ""}, "no payload: Amazon SNS without anything in it"),
        (
            {"Type": "SubscriptionConfirmation", "TopicArn": "a", "Token": "t"},
            "no payload: a subscription of Amazon SNS",
        ),
        ({"Records": [{"eventSource": "aws:s3", "s3": {}}]}, "no payload: a notification of Amazon S3"),
        ({"messageType": "CONTROL_MESSAGE", "logGroup": "", "logEvents": []}, "no payload: a control message"),
        ({"awslogs": {"data": _gzipped(1)[:20]}}, "Amazon CloudWatch Logs: its payload is gzip that is cut off"),
        ({"awslogs": {"data": "H4sIAAAA" + "////" * 9}}, "Amazon CloudWatch Logs: its payload is damaged gzip"),
        ({"Records": [{"eventSource": "aws:sqs"}]}, "no payload: Amazon SQS in AWS Lambda without anything in it"),
        ('{"a"', "a text of JSON: "),
        ([[[[[[[[[[[1]]]]]]]]]]], "more than 8 lists and envelopes"),
    ],
)
def test_what_cannot_be_opened_says_why(value: object, reason: str) -> None:
    (found,) = opened(value)
    assert isinstance(found, NotOpened)
    assert str(found).startswith(reason)


def test_one_bad_message_costs_itself() -> None:
    value = WRAPS["firehose"]([{"n": 1}, {"n": 2}, {"n": 3}])[0]
    value["records"][1]["data"] = "%%%"
    first, second, third = opened(value)
    assert (first, third) == ({"n": 1}, {"n": 3})
    assert isinstance(second, NotOpened)


def test_what_unpacks_to_too_much_is_refused() -> None:
    bomb = base64.b64encode(gzip.compress(b" " * 70_000_000)).decode()
    (found,) = opened({"awslogs": {"data": bomb}})
    assert isinstance(found, NotOpened)
    assert "unpacks to too much" in str(found)


def test_envelopes_are_loaded_and_rejects_hold_nothing_of_the_buyer(
    database_url: str, connection: Connection, landing: Path
) -> None:
    buyer = {"Customer": {"email": EMAIL, "mobile": PHONE, "full_name": "Ana Souza"}}
    unpaid = {"order_id": "k-1", "order_status": "refused", "webhook_event_type": "order_rejected"} | buyer
    folder = landing / "acme" / "webhooks" / "kiwify" / "2026" / "11" / "25"
    folder.mkdir(parents=True)
    documents = [document for name in sorted(WRAPS) for document in WRAPS[name]([unpaid])]
    # And encoded where nobody opens it: in a field of the payload, cut in half, in an envelope that is unknown.
    for encoded in (_b64(buyer), _gzipped(buyer), _b64(_b64(buyer)), _b64(buyer)[:41], _b64(EMAIL), _b64(PHONE)):
        documents += [unpaid | {"raw": encoded}, {"envelope": encoded}, f"x {encoded}", _sns(1) | {"Message": encoded}]
    (folder / "w").write_text("".join(map(json.dumps, documents)))
    (report,) = load_all(database_url, landing)
    assert report.rejected >= len(documents)
    kept = [str(row) for row in connection.execute("SELECT payload, reason FROM trackai.ingest_rejects").fetchall()]
    for secret in (
        EMAIL,
        PHONE,
        "Souza",
        _b64(buyer)[:30],
        _b64(EMAIL)[:20],
        _gzipped(buyer)[:30],
        _b64(_b64(buyer))[:30],
    ):
        assert not [row for row in kept if secret in row], secret


def test_landing_files_may_be_arrays_and_lists_too(database_url: str, connection: Connection, landing: Path) -> None:
    sales = [sale_record(number) for number in range(12)]
    (landing / "conversions-a.json").write_text(json.dumps(sales[:3]))
    (landing / "conversions-b.json").write_text("\n".join(map(json.dumps, sales[3:6])))
    (landing / "conversions-c.jsonl").write_text(json.dumps(sales[6:8], indent=2))
    (landing / "conversions-d.jsonl").write_text("".join(map(json.dumps, sales[8:10])))
    (landing / "conversions-e.json").write_text(json.dumps({"data": sales[10:], "has_more": False}))
    reports = load_all(database_url, landing)
    assert [counts(report) for report in reports] == [(3, 0, 0), (3, 0, 0), (2, 0, 0), (2, 0, 0), (2, 0, 0)]
    assert counts(load_all(database_url, landing)[0]) == (0, 3, 0)
    assert connection.execute("SELECT count(*) FROM trackai.conversions").fetchone() == (12,)
