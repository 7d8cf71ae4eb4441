"""OFREP 0.3.0's schema of answers, as facts of its document (open-feature/protocol, service/openapi.yaml).

What belongs here: the schemas. What does not: assertions.

In the document a value is `oneOf` types that overlap: an integer is a number, and the type without a value allows any.
Read literally, no value satisfies that. Here, as in its examples, a value is of any one of those types.
"""

from typing import Any

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_METADATA: Schema = {"type": "object", "additionalProperties": {"type": ["boolean", "string", "number"]}}

SUCCESS: Schema = {
    "type": "object",
    "required": ["key", "reason"],
    "properties": {
        "key": _TEXT,
        "reason": {"enum": ["STATIC", "TARGETING_MATCH", "SPLIT", "DISABLED", "UNKNOWN"]},
        "variant": _TEXT,
        "value": {"type": ["boolean", "string", "integer", "number", "object"]},
        "metadata": _METADATA,
    },
}
FAILURE: Schema = {
    "type": "object",
    "required": ["key", "errorCode"],
    "properties": {
        "key": _TEXT,
        "errorCode": {"enum": ["PARSE_ERROR", "TARGETING_KEY_MISSING", "INVALID_CONTEXT", "GENERAL"]},
        "errorDetails": _TEXT,
        "metadata": _METADATA,
    },
}
NOT_FOUND: Schema = FAILURE | {"properties": FAILURE["properties"] | {"errorCode": {"enum": ["FLAG_NOT_FOUND"]}}}
GENERAL_ERROR: Schema = {"type": "object", "properties": {"errorDetails": _TEXT}}

_EVENT_STREAM: Schema = {
    "type": "object",
    "required": ["type"],
    "oneOf": [
        {"required": ["url"], "not": {"required": ["endpoint"]}},
        {"required": ["endpoint"], "not": {"required": ["url"]}},
    ],
    "properties": {
        "type": _TEXT,
        "url": {"type": "string", "format": "uri"},
        "endpoint": {
            "type": "object",
            "required": ["requestUri"],
            "properties": {
                "origin": {"type": "string", "format": "uri"},
                "requestUri": {"type": "string", "pattern": "^/"},
            },
        },
        "inactivityDelaySec": {"type": "integer", "minimum": 1},
    },
}
BULK_SUCCESS: Schema = {
    "type": "object",
    "required": ["flags"],
    "properties": {
        "flags": {"type": "array", "items": {"oneOf": [SUCCESS, FAILURE]}},
        "metadata": _METADATA,
        "eventStreams": {"type": "array", "items": _EVENT_STREAM},
    },
}
BULK_FAILURE: Schema = {
    "type": "object",
    "required": ["errorCode"],
    "properties": {"errorCode": _TEXT, "errorDetails": _TEXT},
}
EVENT: Schema = {
    "type": "object",
    "required": ["type"],
    "properties": {
        "type": _TEXT,
        "etag": _TEXT,
        "lastModified": {"oneOf": [{"type": "integer", "minimum": 0}, {"type": "string", "format": "date-time"}]},
    },
}

OF_ONE = {200: SUCCESS, 400: FAILURE, 404: NOT_FOUND, 500: GENERAL_ERROR}
OF_BULK = {200: BULK_SUCCESS, 400: BULK_FAILURE, 500: GENERAL_ERROR}
