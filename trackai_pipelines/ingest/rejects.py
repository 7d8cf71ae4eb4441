"""What is kept of a refused record: its place, its reason, its masked content, its fingerprint.

What belongs here: turning any record into something that the database can always hold. What does not: why a record is
refused (`formats`, `rows`, the kinds), what is masked (`masking`), and writing (`writing`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from trackai_pipelines.ingest.context import Context
from trackai_pipelines.ingest.formats import json_value
from trackai_pipelines.ingest.masking import masked, masked_text
from trackai_pipelines.ingest.outcomes import Refused
from trackai_pipelines.ingest.records import Fields, Payload, Record, Unreadable, canonical_json, sha256


@dataclass(frozen=True, slots=True)
class Reject:
    """A refused record, ready for the database: `payload` is JSON text, `digest` the SHA-256 of the whole record."""

    line: int
    digest: str
    payload: str | None
    reason: str
    tenant_id: str | None


def reject_of(record: Record, reason: str, context: Context) -> Reject:
    """Return what is kept of a record that is refused for `reason`."""
    if isinstance(record, Unreadable):
        return Reject(record.number, record.digest, json.dumps(masked_text(record.raw)), reason, None)
    raw = canonical_json(record.values) if isinstance(record, Fields) and record.raw is None else record.raw
    value = _value_of(record)
    kept = masked_text(raw or b"") if value is None else masked(value)
    return Reject(record.number, sha256(raw or b""), json.dumps(kept), reason, _tenant_id(record, value, context))


def _value_of(record: Record) -> object:
    """Return the record as a JSON value; None where it is none."""
    if isinstance(record, Payload):
        return record.payload
    if isinstance(record, Fields):
        return record.values
    try:
        return json_value(record.raw)
    except Refused:
        return None


def _tenant_id(record: Record, value: object, context: Context) -> str | None:
    named = value if isinstance(value, Mapping) and not isinstance(record, Payload) else {}
    tenant, tenant_id = named.get("tenant"), named.get("tenant_id")
    try:
        return context.owner_of(
            tenant if isinstance(tenant, str) else None, tenant_id if isinstance(tenant_id, str) else None
        ).id
    except Refused:
        return None
