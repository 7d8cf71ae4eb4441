"""Names, birth date, gender and id of a buyer (`fn`, `ln`, `db`, `ge`, `external_id`).

Here: their normal forms, ready to be hashed. Not here: the buyer's address (`place`), e-mail and phone (`contact`).
"""

import re
from datetime import date

from trackai_pipelines.customer_information.text import key, plain, without_punctuation

_YEAR_FIRST = re.compile(r"([0-9]{4})[-/. ]?([0-9]{1,2})[-/. ]?([0-9]{1,2})(?:[t ].*)?")
_YEAR_LAST = re.compile(r"([0-9]{1,2})[-/. ]([0-9]{1,2})[-/. ]([0-9]{4})(?:[t ,].*)?|([0-9]{2})([0-9]{2})([0-9]{4})")
_WORDS_AND_NUMBERS = re.compile(r"[^\W\d_]+|[0-9]+")
# Countries where people write the month before the day.
_MONTH_FIRST = frozenset({"us", "ph"})
_EARLIEST, _LATEST = 1900, 2100
# Months by the first letters of their names in English, Portuguese and Spanish, and the words between them.
_MONTHS = {name: month for month, names in enumerate(
    (
        ("jan", "ene"), ("feb", "fev"), ("mar",), ("apr", "abr"), ("may", "mai"), ("jun",),
        ("jul",), ("aug", "ago"), ("sep", "set"), ("oct", "out"), ("nov",), ("dec", "dez", "dic"),
    ), 1,
) for name in names}  # fmt: skip
_FILLERS = frozenset({"de", "del", "of", "the", "st", "nd", "rd", "th", "o", "a"})
_GENDERS = {
    **dict.fromkeys(("f", "fem", "female", "feminine", "woman", "feminino", "feminina", "mulher", "femenino"), "f"),
    **dict.fromkeys(("femenina", "mujer"), "f"),
    **dict.fromkeys(("m", "masc", "male", "masculine", "man", "masculino", "masculina", "homem", "hombre"), "m"),
}


def normalised_name(value: object) -> str | None:
    """Return a first or last name in lower case without punctuation; accents and spaces between words stay."""
    return without_punctuation(plain(value)) or None


def normalised_birth_date(value: object, country: str | None) -> str | None:
    """Return the day as YYYYMMDD; None if it is not a day of the years 1900 to 2099, or is ambiguous.

    It reads dates, ISO 8601 (a time is cut off), numbers with or without separators, and months by name in English,
    Portuguese and Spanish. If day and month cannot be distinguished (2/3/1997), the month comes first for `country`
    us and ph and the day for any other; without a country it is None, because a wrong day would match nobody.
    """
    text = f"{value:%Y-%m-%d}" if isinstance(value, date) else plain(value)
    first = _YEAR_FIRST.fullmatch(text)
    found = _day(first[1], first[2], first[3]) if first else None
    if found is None and (last := _YEAR_LAST.fullmatch(text)):
        one, two, year = last.group(1, 2, 3) if last[1] else last.group(4, 5, 6)
        day_first, month_first = _day(year, two, one), _day(year, one, two)
        if day_first is None or month_first is None or day_first == month_first:
            found = day_first or month_first
        elif country is not None:
            found = month_first if country in _MONTH_FIRST else day_first
    return found or _named_day(text)


def normalised_gender(value: object) -> str | None:
    """Return `f` or `m`, from the words for them in English, Portuguese and Spanish; None for any other value."""
    return _GENDERS.get(key(plain(value)))


def normalised_customer_id(value: object) -> str | None:
    """Return the producer's own id of the buyer, trimmed, its case kept; None if it holds control characters."""
    text = value.strip() if isinstance(value, str) else plain(value)
    return text if text and text.isprintable() else None


def _named_day(text: str) -> str | None:
    """Return a day whose month is written as a word, in any order."""
    if len(text) > 64:
        return None
    words = [word for word in _WORDS_AND_NUMBERS.findall(text) if word not in _FILLERS]
    months = [_MONTHS.get(key(word)[:3]) for word in words if not word.isdecimal()]
    years = [word for word in words if word.isdecimal() and len(word) == 4]
    days = [word for word in words if word.isdecimal() and len(word) <= 2]
    if len(words) != 3 or len(months) != 1 or months[0] is None or len(years) != 1 or len(days) != 1:
        return None
    return _day(years[0], months[0], days[0])


def _day(year: str, month: str | int, day: str) -> str | None:
    if not _EARLIEST <= int(year) < _LATEST:
        return None
    try:
        return f"{date(int(year), int(month), int(day)):%Y%m%d}"
    except ValueError:
        return None
