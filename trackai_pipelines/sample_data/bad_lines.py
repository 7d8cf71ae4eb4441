"""Lines that no loader should accept: one of each kind of mistake that producers make.

What belongs here: broken versions of a good conversion. What does not: how they are refused (`ingest`).
"""

from collections.abc import Callable

from trackai_pipelines.sample_data.stories import Row


def _encoded(row: Row) -> bytes:
    from msgspec.json import encode

    return encode(row)


def _changed(**changes: object) -> Callable[[Row], bytes]:
    """A conversion that is well-formed JSON and wrong in these columns; it has an event id of its own."""
    return lambda row: _encoded({**row, "gateway_event_id": f"bad-{row['gateway_event_id']}", **changes})


def cut_off(row: Row | bytes) -> bytes:
    """A line that ends in the middle of a write."""
    return (row if isinstance(row, bytes) else _encoded(row))[:60]


def without_a_time(click: Row) -> bytes:
    """A click at a time that is none."""
    return _encoded({**click, "external_id": f"bad-{click['external_id']}", "created_at": "yesterday"})


BAD_CONVERSIONS: tuple[Callable[[Row], bytes], ...] = (
    cut_off,
    _changed(tenant="nobody-we-know"),
    _changed(value="-49.90"),
    _changed(currency="QQQ"),
    _changed(occurred_at="2199-01-01T00:00:00+00:00"),
    # A day without a time, and what a spreadsheet makes of a long number.
    _changed(occurred_at="2026-01-01"),
    lambda row: _encoded({**row, "gateway_event_id": "4.50789E+11"}),
    # Latin-1 in a file that should be UTF-8.
    lambda row: _changed(event_source_url="https://example.com/caf@@")(row).replace(b"@@", b"\xe9"),
    _changed(gateway_event_id=None),
    _changed(value="a lot"),
    lambda row: b"<html>502 Bad Gateway</html>",
)
