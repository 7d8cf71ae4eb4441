"""Form-encoded bodies of webhooks as nested values, as if they had come as JSON.

What belongs here: names such as `venda[codigo]`, `items[0][id]` and `venda.codigo`, and the bytes behind them. What
does not: what a gateway means by its names (the reader that is handed the value).
"""

import re
from itertools import count
from urllib.parse import parse_qsl

from trackai_pipelines.ingest.outcomes import Refused

_MOST_FIELDS = 10_000
_DEEPEST = 16
_BEGINNING = re.compile(rb"\s*[A-Za-z_][\w.%\[\]-]{0,200}=")
# A name and what stands in brackets or after dots: `a[b][0]`, `a.b`, `a[]`.
_STEPS = re.compile(r"\[([^\[\]]*)\]|\.?([^\[\].]+)")


def is_a_form(raw: bytes) -> bool:
    """Return whether a text is form-encoded rather than JSON."""
    return _BEGINNING.match(raw) is not None


def form_value(raw: bytes) -> dict[str, object]:
    """Return the fields of a form-encoded body, nested by their names; all values are texts. Raises Refused.

    A name that stands twice has its first value, except as `name[]`, which makes a list.
    """
    value: dict[str, object] = {}
    for name, text in _fields(raw.strip()):
        steps = [bracketed or plain for bracketed, plain in _STEPS.findall(name)]
        if len(steps) > _DEEPEST:
            raise Refused(f"not a usable form: a name is nested deeper than {_DEEPEST} levels")
        _put(value, steps or [name], text)
    return {name: _with_lists(inside) for name, inside in value.items()}


def _fields(raw: bytes) -> list[tuple[str, str]]:
    # Programs that are old enough to send forms may write Windows-1252.
    for encoding in ("utf-8", "cp1252"):
        try:
            text = raw.decode(encoding)
            return parse_qsl(
                text, keep_blank_values=True, encoding=encoding, errors="strict", max_num_fields=_MOST_FIELDS
            )
        except UnicodeDecodeError:
            continue
        except ValueError as error:
            raise Refused(f"not a usable form: it has more than {_MOST_FIELDS:,} fields") from error
    raise Refused("not a usable form: it is neither UTF-8 nor Windows-1252")


def _put(value: dict[str, object], steps: list[str], text: str) -> None:
    *folders, last = steps
    inside = value
    for step in folders:
        # `a=1&a[b]=2`: the first value stays.
        found = inside.setdefault(step or _next(inside), {})
        if not isinstance(found, dict):
            return
        inside = found
    inside.setdefault(last or _next(inside), text)


def _next(inside: dict[str, object]) -> str:
    """The number of an entry that comes without one (`a[]`)."""
    return next(str(number) for number in count(len(inside)) if str(number) not in inside)


def _with_lists(value: object) -> object:
    """The value, with what is numbered from 0 as lists."""
    if not isinstance(value, dict):
        return value
    entries = {name: _with_lists(inside) for name, inside in value.items()}
    numbers = [str(number) for number in range(len(entries))]
    return [entries[number] for number in numbers] if set(entries) == set(numbers) else entries
