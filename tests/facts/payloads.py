"""Payloads of every gateway, and what their readers make of them."""

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from decimal import Decimal
from pathlib import Path

from trackai_pipelines.facts.gateways import READERS
from trackai_pipelines.facts.refund import Refund
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest.outcomes import MalformedPayload, NotTaken

Payload = dict[str, object]

FBC, FBP = "fb.1.1700000000000.IwAR0abc-DEF_x", "fb.1.1596403881668.1116446470"

# A paid sale of each gateway, to an invented buyer; each test changes what it is about.
PAID: dict[str, Payload] = {
    path.stem: json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    for path in sorted((Path(__file__).parent / "fixtures").glob("*.json"))
}


def changed(payload: Payload, path: str, value: object) -> Payload:
    """A copy of the payload with one field set."""
    copy = deepcopy(payload)
    inside: Payload = copy
    *steps, last = path.split(".")
    for step in steps:
        found = inside[step]
        assert isinstance(found, dict)
        inside = found
    inside[last] = value
    return copy


def read_one(gateway: str, payload: Mapping[str, object]) -> Sale | Refund | NotTaken:
    """The one result of a payload."""
    (result,) = READERS[gateway](payload)
    return result


def sale_of(gateway: str, payload: Mapping[str, object]) -> Sale:
    """The sale of a payload that is one."""
    result = read_one(gateway, payload)
    assert isinstance(result, Sale), result
    assert result.test is None
    return result


def refund_of(gateway: str, payload: Mapping[str, object]) -> Refund:
    """The refund of a payload that is one."""
    result = read_one(gateway, payload)
    assert isinstance(result, Refund), result
    return result


def reason_of(gateway: str, payload: Mapping[str, object]) -> str:
    """Why a payload is no sale to a tenant that takes no test payments."""
    result = read_one(gateway, payload)
    if isinstance(result, Sale) and result.test:
        return f"test payment: {result.test}"
    assert isinstance(result, NotTaken), result
    return result.reason


def outcome(read: Callable[[], object]) -> str:
    """What a reading comes to."""
    try:
        read()
    except MalformedPayload:
        return "refused"
    return "read"
