"""What hostile files are made of: sound records, values that no reader expects, and envelopes.

What belongs here: values. What does not: the files (`hostile_files`).
"""

import base64
import gzip
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

TENANT = "acme"
# The buyer in all records: whatever becomes of one, these must not be kept of it.
EMAIL, PHONE = "zelda.canary@hostile.example", "5511987654321"

_FIXTURES = Path(__file__).parents[1] / "tests/facts/fixtures"
_DEEP = 60_000

Record = dict[str, Any]


def _payload(text: str) -> Record:
    value: Record = json.loads(re.sub(r"[\w.+-]+(@|%40)[\w.-]+", EMAIL, text))
    return value


PAYLOADS: Mapping[str, Record] = {
    path.stem: _payload(path.read_text(encoding="utf-8")) for path in sorted(_FIXTURES.glob("*.json"))
}
_WHEN = "2026-03-01T12:00:00Z"
RECORDS: Mapping[str, Record] = {
    "campaigns": {"campaign_id": "c-1", "name": "Winter", "status": "active", "created_at": _WHEN},
    "users": {"id": "u-1", "email": EMAIL, "phone": PHONE, "created_at": _WHEN},
    "clicks": {"external_id": "k-1", "fbclid": "IwAR0abc", "ip": "203.0.113.7", "utm_source": "x", "created_at": _WHEN},
    "identities": {"external_id": "i-1", "email": EMAIL, "phone": PHONE, "created_at": _WHEN},
    "conversions": {
        "gateway": "stripe", "gateway_event_id": "evt_1", "order_id": "o-1", "value": "1299.50", "currency": "BRL",
        "occurred_at": _WHEN, "email": EMAIL, "phone": PHONE, "first_name": "Zelda", "city": "Sorocaba",
        "event_source_url": "https://shop.example.com/p?fbclid=IwAR0abc", "client_ip": "203.0.113.7",
    },
    "refunds": {
        "gateway": "stripe", "gateway_event_id": "re_1", "order_id": "o-1", "value": "10.50", "currency": "BRL",
        "occurred_at": _WHEN,
    },
}  # fmt: skip

# Values that JSON has no word for in Python, or that Python would not write; by their place in a text.
TOKENS = (
    "NaN", "-Infinity", "1e999999999", "-1e-999999999", "9" * 5000, "-0", "0.1e1", "1" + "0" * 400,
    "[" * _DEEP + "]" * _DEEP, '{"a":' * 900 + "1" + "}" * 900, '{"value":1,"value":2}',
)  # fmt: skip
MARK = "\ue000"
TEXTS = (
    "", " ", "\0", "a\0b", "\ud800", "x\udfff", "\u202e", "\u2028", "\r\n", "a\tb", "\\N", "\\.", "\x1e", "é" * 300,
    "😀" * 50, "a" * 9_000, "9" * 3_000, " " * 4_000, "a@" * 2_000, "%40" * 2_000, "fbclid=" * 1_000,
    "a." * 2_000 + "@",
    "+55 " * 1_500, "((((" * 900, "=?" * 900, "&" * 3_000, "1,299", "1.299,00", "1e5", "1E+11", "0x1f", "\uff11\uff12",
    "∞", "1_000", "-1", "NaN", "nan", "null", "None", "2026-02-30T00:00:00Z", "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59", "31/12/2026 10:00", "20260301120000", "99999999999999999999", "::ffff:1.2.3.4",
    "fe80::1%eth0", "999.1.1.1", "fb.1.1700000000000." + "x" * 700, "'; DROP TABLE clicks; --", "=1+1", "<b>", "%00%ff",
    "https://" + "[" * 50, "http://[::1", "\N{COMBINING ACUTE ACCENT}" * 500, "BRL\n", "ß", "İ", "{{fbclid}}",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 10**15, 10**30, 10**300, 0.1, -0.0, 1e308, 5e-324, [], {}, [[]], [None], {"": ""},
    {"a": [1, {"b": None}]}, [1, "x", None, {}], {"value": "x", "name": "phone"}, list(range(50)),
)  # fmt: skip


def base64_of(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


WRAPS: tuple[Callable[[list[Any]], Any], ...] = (
    lambda values: values,
    lambda values: {"data": values, "total": len(values)},
    lambda values: {"object": "list", "data": values, "has_more": False},
    lambda values: {"Records": [{"eventSource": "aws:sqs", "body": json.dumps(value)} for value in values]},
    lambda values: {
        "Records": [
            {"eventSource": "aws:kinesis", "kinesis": {"data": base64_of(json.dumps(each).encode())}} for each in values
        ]
    },
    lambda values: {
        "requestId": "r", "timestamp": 1,
        "records": [{"data": base64_of(gzip.compress(json.dumps(value).encode(), 1))} for value in values],
    },
    lambda values: [{"headers": {}, "body": value} for value in values],
    lambda values: [
        {"id": "1", "source": "x", "detail-type": "sale", "detail": value} if isinstance(value, dict) else value
        for value in values
    ],
)  # fmt: skip
