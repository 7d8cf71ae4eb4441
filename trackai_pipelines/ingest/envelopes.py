"""Envelopes: what queues, buses, gateways of HTTP and lists of an API put around a payload.

What belongs here: by which fields an envelope is recognised, where its payload stands, and how that is encoded. What
does not: taking it out (`opening`), and what a payload is (the kinds).

A payload may have fields such as `data`, `message` or `items` of its own, hence an envelope is recognised by fields
that only it has, or by having no field but those of a list.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Literal

Expected = type | UnionType | tuple[str, ...] | None
Encoding = Literal["json", "base64", "request"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """How one is recognised and opened.

    `has` are the paths that must be there (`a.b`; through a list: of its first entry), with the type or the values that
    they must have, or None for any. `only`: every field it may have besides those; None where it may have any.
    `payload` is the path to what is inside, `*` standing for each entry of a list. A text there is JSON or a form, or
    these in base64 as `encoding` says (`request`: where a field of the request says so), gzip or not. `holds` is False
    where nothing is in it.
    """

    name: str
    has: Mapping[str, Expected]
    payload: str = ""
    encoding: Encoding = "json"
    only: frozenset[str] | None = None
    holds: bool = True

    @property
    def fields(self) -> set[str]:
        """The fields that it must have."""
        return {path.partition(".")[0] for path in self.has}


# What stands next to the entries in a page of a list, by the words of the APIs.
_PAGE_WORDS = (
    "object url has_more next_page next previous prev count total paging pagination page_info pageInfo meta links "
    "_links limit offset page per_page perPage page_size pageSize pages total_pages totalPages total_count totalCount "
    "total_items totalItems total_results totalElements total_rows totalRows itemsPerPage current_page currentPage "
    "last_page lastPage from to path first_page_url last_page_url next_page_url prev_page_url next_page_token "
    "nextPageToken next_cursor nextCursor previous_cursor cursor next_offset on_first_page on_last_page "
    "has_more_pages hasMore has_next has_prev iterator prevIterator done success paginator pagina paginas registros "
    "recordCount fieldMask requestId queryResourceConsumption"
)
_LIST_WORDS = "data items results orders events elements sales transactions records payments models dados"
_REQUEST_WORDS = (
    "headers body method httpMethod path url query params queryStringParameters rawBody webhookUrl executionMode ip "
    "host cookies rawQueryString timestamp received_at receivedAt content_type contentType"
)
_OF_A_PAGE, _OF_A_REQUEST = frozenset(_PAGE_WORDS.split()), frozenset(_REQUEST_WORDS.split())

ENVELOPES = (
    Envelope(
        name="Amazon EventBridge", has={"detail-type": str, "source": str, "detail": dict | list}, payload="detail"
    ),
    Envelope(
        name="Amazon SNS",
        has={"Type": ("Notification",), "MessageId": str, "TopicArn": str, "Message": str},
        payload="Message",
    ),
    Envelope(
        name="a subscription of Amazon SNS",
        has={"Type": ("SubscriptionConfirmation", "UnsubscribeConfirmation"), "TopicArn": str, "Token": str},
        holds=False,
    ),
    Envelope(
        name="Amazon SNS in AWS Lambda", has={"Records.EventSource": ("aws:sns",)}, payload="Records.*.Sns.Message"
    ),
    Envelope(
        name="a record of Amazon SNS", has={"EventSource": ("aws:sns",), "Sns.Message": str}, payload="Sns.Message"
    ),
    Envelope(name="Amazon SQS in AWS Lambda", has={"Records.eventSource": ("aws:sqs",)}, payload="Records.*.body"),
    Envelope(name="Amazon SQS", has={"messageId": str, "receiptHandle": str, "body": str}, payload="body"),
    Envelope(name="Amazon SQS", has={"MessageId": str, "ReceiptHandle": str, "Body": str}, payload="Body"),
    Envelope(name="Amazon SQS", has={"MessageId": str, "MD5OfBody": str, "Body": str}, payload="Body"),
    Envelope(
        name="messages of Amazon SQS",
        has={"Messages.MessageId": str, "Messages.Body": str},
        payload="Messages.*.Body",
        only=frozenset({"Messages", "ResponseMetadata"}),
    ),
    Envelope(
        name="Amazon Kinesis",
        has={"Records.eventSource": ("aws:kinesis",)},
        payload="Records.*.kinesis.data",
        encoding="base64",
    ),
    *(
        Envelope(
            name="Amazon Data Firehose", has={**has, "records.data": str}, payload="records.*.data", encoding="base64"
        )
        for has in ({"requestId": str, "timestamp": None}, {"invocationId": str, "deliveryStreamArn": str})
    ),
    Envelope(
        name="Amazon Data Firehose",
        has={"records.recordId": str, "records.data": str},
        payload="records.*.data",
        encoding="base64",
        only=frozenset({"records"}),
    ),
    Envelope(
        name="a record of Amazon Data Firehose",
        has={"recordId": str, "data": str},
        payload="data",
        encoding="base64",
        only=frozenset(
            {"recordId", "data", "result", "approximateArrivalTimestamp", "metadata", "kinesisRecordMetadata"}
        ),
    ),
    Envelope(
        name="a record of Amazon Data Firehose",
        has={"Data": str},
        payload="Data",
        encoding="base64",
        only=frozenset({"Data", "PartitionKey", "SequenceNumber", "ApproximateArrivalTimestamp", "EncryptionType"}),
    ),
    Envelope(
        name="a notification of Amazon S3, which names a file and does not hold it",
        has={"Records.eventSource": ("aws:s3",)},
        holds=False,
    ),
    Envelope(
        name="Amazon CloudWatch Logs",
        has={"awslogs.data": str},
        payload="awslogs.data",
        encoding="base64",
        only=frozenset({"awslogs"}),
    ),
    Envelope(
        name="Amazon CloudWatch Logs",
        has={"messageType": ("DATA_MESSAGE",), "logGroup": str, "logEvents": list},
        payload="logEvents.*.message",
    ),
    Envelope(
        name="a control message of Amazon CloudWatch Logs",
        has={"messageType": ("CONTROL_MESSAGE",), "logGroup": str},
        holds=False,
    ),
    Envelope(
        name="a request of an API Gateway or Lambda",
        has={"requestContext": dict, "body": None, "headers": dict},
        payload="body",
        encoding="request",
    ),
    Envelope(
        name="a failed call of AWS Lambda",
        has={"requestContext.functionArn": str, "requestPayload": dict},
        payload="requestPayload",
    ),
    *(
        Envelope(name="Google Pub/Sub", has={"message.data": str, **has}, payload="message.data", encoding="base64")
        for has in (
            {"message.messageId": str, "subscription": str},
            {"message.message_id": str, "subscription": str},
            {"ackId": str},
        )
    ),
    Envelope(
        name="messages of Google Pub/Sub",
        has={"receivedMessages.ackId": str},
        payload="receivedMessages.*.message.data",
        encoding="base64",
    ),
    Envelope(
        name="Google Cloud Logging",
        has={"insertId": str, "logName": str, "jsonPayload": dict | list},
        payload="jsonPayload",
    ),
    Envelope(
        name="Google Cloud Logging", has={"insertId": str, "logName": str, "textPayload": str}, payload="textPayload"
    ),
    Envelope(
        name="CloudEvents",
        has={"specversion": str, "id": str, "source": str, "type": str, "data_base64": str},
        payload="data_base64",
        encoding="base64",
    ),
    Envelope(
        name="CloudEvents",
        has={"specversion": str, "id": str, "source": str, "type": str, "data": None},
        payload="data",
    ),
    Envelope(
        name="Azure Event Grid",
        has={"eventType": str, "eventTime": str, "subject": str, "dataVersion": None, "data": None},
        payload="data",
    ),
    Envelope(
        name="Svix", has={"eventType": str, "payload": dict | list, "timestamp": str, "id": str}, payload="payload"
    ),
    Envelope(
        name="Hookdeck",
        has={"source_id": str, "data.headers": dict, "data.body": None},
        payload="data.body",
    ),
    Envelope(
        name="a request as it was recorded", has={"headers": dict, "body": None}, payload="body", only=_OF_A_REQUEST
    ),
    Envelope(
        name="a list of Stripe",
        has={"object": ("list", "search_result"), "data": list},
        payload="data.*",
        only=_OF_A_PAGE,
    ),
    *(
        Envelope(name="a page of a list", has={entries: list}, payload=f"{entries}.*", only=_OF_A_PAGE - {"object"})
        for entries in _LIST_WORDS.split()
    ),
    Envelope(
        name="a page of a list",
        has={"sales.data": list, "sales.current_page": int},
        payload="sales.data.*",
        only=frozenset(),
    ),
    Envelope(
        name="a page of TikTok's API",
        has={"code": int, "message": str, "data.list": list},
        payload="data.list.*",
        only=frozenset({"request_id"}),
    ),
    Envelope(name="an order", has={"order.id": None}, payload="order", only=frozenset()),
)


# By one field that each must have: nearly all payloads are told by looking at the names of their fields alone.
_BY_FIELD: dict[str, list[Envelope]] = {}
for _envelope in ENVELOPES:
    _BY_FIELD.setdefault(next(iter(_envelope.has)).partition(".")[0], []).append(_envelope)


def around(value: Mapping[str, object]) -> Envelope | None:
    """Return the envelope that a value is, if any."""
    for name in value:
        for envelope in _BY_FIELD.get(name, ()):
            if _is(envelope, value):
                return envelope
    return None


def _is(envelope: Envelope, value: Mapping[str, object]) -> bool:
    if envelope.only is not None and not all(key in envelope.only or key in envelope.fields for key in value):
        return False
    return all(_has(value, path.split("."), expected) for path, expected in envelope.has.items())


def _has(value: object, path: list[str], expected: Expected) -> bool:
    for step in path:
        if isinstance(value, list):
            value = value[0] if value else None
        if not isinstance(value, Mapping) or step not in value:
            return False
        value = value[step]
    if expected is None:
        return True
    return isinstance(value, expected) if isinstance(expected, type | UnionType) else value in expected
