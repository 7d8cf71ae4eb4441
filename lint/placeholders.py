"""The list of placeholders as SQL: the two functions that a migration creates.

`python -m lint.placeholders` prints them, for the next migration after the list
(`trackai_pipelines/customer_information/placeholders.py`) has changed; a test compares the list with the schema.
"""

import sys
from collections.abc import Iterator

from trackai_pipelines.customer_information.hashing import sha256_hex
from trackai_pipelines.customer_information.placeholders import (
    ENCODED_PERCENT,
    ENTITY,
    IN_PER_CENT,
    PATTERN,
    nobodys_texts,
)

_WIDTH = 105
_STATEMENTS = (
    """\
CREATE OR REPLACE FUNCTION trackai.is_placeholder(key text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    lower_case text COLLATE "C" := translate(key, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz');
    encoded text COLLATE "C" := regexp_replace(lower_case, %(encoded_percent)s, '%%', 'g');
    plain text COLLATE "C" := encoded;
BEGIN
    IF length(key) >= 32 AND key COLLATE "C" ~ '^[0-9A-Za-z-][0-9A-Za-z_-]*$' THEN
        RETURN false;
    END IF;
    IF strpos(encoded, '%%') > 0 THEN
        SELECT string_agg(
                   CASE
                       WHEN length(sign[1]) = 1 THEN sign[1]
                       WHEN sign[1] COLLATE "C" BETWEEN '%%20' AND '%%7e' THEN
                           lower(chr(('x' || right(sign[1], 2))::bit(8)::integer) COLLATE "C")
                       ELSE ' '
                   END, '' ORDER BY place)
        INTO plain
        FROM regexp_matches(encoded, '%%[0-9a-f]{2}|.', 'g') WITH ORDINALITY AS signs (sign, place);
    END IF;
    plain := regexp_replace(
        replace(replace(plain, '&lt;', '<'), '&gt;', '>'), %(entity)s, ' ', 'g');
    RETURN encoded ~ %(in_per_cent)s OR plain ~%(pattern)s;
END $$;""",
    """\
CREATE OR REPLACE FUNCTION trackai.contact_hash(hash text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN left(hash, 16) COLLATE "C" <> ALL (%(hashes)s::text[])
    THEN hash
END;""",
)


def statements() -> Iterator[str]:
    """Yield the statements that create the functions, or replace them."""
    beginnings = sorted({sha256_hex(text)[:16] for text in nobodys_texts()})
    texts = {
        "encoded_percent": _literal(ENCODED_PERCENT),
        "entity": _literal(ENTITY),
        "in_per_cent": _literal(IN_PER_CENT),
        "pattern": _literal(PATTERN, between="|"),
        "hashes": _literal("{" + ",".join(beginnings) + "}", between=","),
    }
    for statement in _STATEMENTS:
        yield statement % texts


def _literal(text: str, between: str = "") -> str:
    """Return a literal, over several lines if it is long: SQL joins what stands in lines that follow each other."""
    text = text.replace("'", "''")
    if len(text) <= _WIDTH:
        return f"'{text}'"
    lines = [""]
    for part in text.split(between):
        if len(lines[-1]) + len(part) > _WIDTH:
            lines.append("")
        lines[-1] += part + between
    lines[-1] = lines[-1].removesuffix(between)
    return "".join(f"\n        '{line}'" for line in lines)


if __name__ == "__main__":
    sys.stdout.write("\n\n".join(statements()) + "\n")
