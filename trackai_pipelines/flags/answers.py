"""What OFREP is answered, as JSON.

What belongs here: the forms of OFREP 0.3.0, and what its clients need beyond them. What does not: HTTP (web.py), and
values (flag_values).
Source: https://github.com/open-feature/protocol, service/openapi.yaml.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import msgspec

from trackai_pipelines.flag_values.evaluation import Evaluation

# OFREP knows no others; clients refuse an answer with one that they do not know.
_REASONS = frozenset({"STATIC", "TARGETING_MATCH", "SPLIT", "DISABLED"})
_DETAILS = {
    "FLAG_NOT_FOUND": "There is no flag {key} that this client may see. Check the key, and the client's app.",
    "TARGETING_KEY_MISSING": "The flag {key} divides its users, and the context does not say who this is. Send a "
    "targetingKey, or the attribute by which the flag divides them.",
    "INVALID_CONTEXT": "The attribute by which the flag {key} divides its users is not a text. Send it as text.",
    "PARSE_ERROR": "The value of the flag {key} is not of its type. Correct it with `trackai flags`.",
    "GENERAL": "The flag {key} could not be evaluated. The server's log says why.",
}

NO_JSON = ("PARSE_ERROR", "The body is not JSON. Send an object with a context.")
NO_CONTEXT = ("INVALID_CONTEXT", 'The body has no object `context`. Send {"context": {"targetingKey": "..."}}.')
NOT_READY = (
    "GENERAL",
    "Flags could not be read yet: the database does not answer. Try again in a moment.",
)

_encoder = msgspec.json.Encoder()
encoded = _encoder.encode


def answer_of(key: str, found: Evaluation) -> dict[str, Any]:
    """Return the answer for one flag, a success or a failure."""
    if found.error_code:
        code = found.error_code if found.error_code in _DETAILS else "GENERAL"
        return failure(code, _DETAILS[code].format(key=key), key)
    # Not the segment: pages need not know whom we call what.
    metadata: dict[str, Any] = {"flagVersion": found.flag_version, "overrideVersion": found.override_version}
    if found.prerequisite is not None:
        metadata["prerequisite"] = found.prerequisite
    reason = found.reason
    if reason not in _REASONS:
        metadata["reason"] = reason
        reason = "UNKNOWN"
    return {"key": key, "value": found.value, "reason": reason, "variant": found.variant, "metadata": metadata}


def failure(code: str, details: str, key: str | None = None) -> dict[str, str]:
    """Return the answer of a failure; a key is named where one flag was asked for."""
    return {**({} if key is None else {"key": key}), "errorCode": code, "errorDetails": details}


def status_of(answer: Mapping[str, Any]) -> int:
    """Return the HTTP status of an answer for one flag."""
    code = answer.get("errorCode")
    return 200 if code is None else 404 if code == "FLAG_NOT_FOUND" else 400


def bulk(answers: Sequence[Mapping[str, Any]], slug: str, stream: str) -> tuple[bytes, str]:
    """Return the body of a bulk answer and its ETag, which is a hash of the answers alone.

    Every server process therefore has the same, and it changes when an answer does. `stream` is the path of the event
    stream: relative, because a server behind a proxy does not know its own address.
    """
    flags = _encoder.encode(answers)
    etag = etag_of(flags)
    rest = _encoder.encode(
        {
            "metadata": {"tenant": slug},
            "eventStreams": [{"type": "sse", "endpoint": {"requestUri": stream}, "inactivityDelaySec": 120}],
        }
    )
    return b'{"flags":' + flags + b"," + rest[1:], etag


def etag_of(content: bytes) -> str:
    """Return the ETag of a content, which is equal in every server process."""
    return f'"{sha256(content).hexdigest()[:32]}"'


def matches(etag: str, if_none_match: str) -> bool:
    """Return whether a header If-None-Match names the ETag (RFC 9110, 13.1.2; a proxy may have made it weak)."""
    given = [one.strip().removeprefix("W/") for one in if_none_match.split(",")]
    return etag in given or given == ["*"]
