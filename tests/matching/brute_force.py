"""An independent matcher: plain loops over plain dicts, written from the rules alone, not from our SQL."""

import hashlib
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

Row = dict[str, Any]
Attempt = tuple[str, str, Any]
"""(strategy, outcome, the click's id or None)."""

NOBODYS = {hashlib.sha256(text).hexdigest() for text in (b"", b"undefined", b"NULL", b"test@test.com")}
"""The hashes among those of the worlds that are nobody's."""


def click_id_key(fbc: str | None, fbclid: str | None) -> str | None:
    parts = (fbc or "").strip().split(".")
    if (
        len(parts) in (4, 5)
        and parts[0] == "fb"
        and _digits(parts[1])
        and _digits(parts[2])
        and _id(parts[3])
        and not _stands_for_none(parts[3])
    ):
        return parts[3]
    plain = (fbclid or "").strip()
    return plain if "." not in plain and _id(plain) and not _stands_for_none(plain) else None


def browser_key(fbp: str | None) -> str | None:
    parts = (fbp or "").strip().split(".")
    if (
        len(parts) in (4, 5)
        and parts[0] == "fb"
        and _digits(parts[1])
        and _digits(parts[2])
        and _digits(parts[3])
        and parts[3].strip("0")
    ):
        return ".".join(parts[:4])
    return None


def attempts(conversion: Row, tenant: Row, clicks: list[Row], identities: list[Row]) -> list[Attempt]:
    """Every strategy tried for a conversion, in order, up to the first hit."""
    own = [click for click in clicks if click["tenant_id"] == tenant["id"]]
    tried = []

    key = click_id_key(conversion["fbc"], conversion["fbclid"])
    present = bool((conversion["fbc"] or "").strip() or (conversion["fbclid"] or "").strip())
    same = [click for click in own if key and click_id_key(click["fbc"], click["fbclid"]) == key]
    tried.append(_attempt("fbc", conversion, tenant, present, key, same))

    if tried[-1][1] != "hit":
        key = browser_key(conversion["fbp"])
        same = [click for click in own if key and browser_key(click["fbp"]) == key]
        tried.append(_attempt("fbp", conversion, tenant, bool((conversion["fbp"] or "").strip()), key, same))

    if tried[-1][1] != "hit" and tenant["email_matching"]:
        given = conversion["customer_email_hash"]
        key = None if given in NOBODYS else given
        linked = {
            identity["click_id"]
            for identity in identities
            if identity["tenant_id"] == tenant["id"] and key and identity["email_hash"] == key
        }
        same = [click for click in own if click["id"] in linked]
        tried.append(_attempt("email", conversion, tenant, bool(given), key, same))
    return tried


def attribution(tried: list[Attempt]) -> tuple[str, Any]:
    """(strategy, click) that follows from the attempts."""
    strategy, outcome, click = tried[-1]
    return (strategy, click) if outcome == "hit" else ("unmatched", None)


def _attempt(
    strategy: str, conversion: Row, tenant: Row, present: bool, key: str | None, same_key: list[Row]
) -> Attempt:
    if not present:
        return strategy, "no_key", None
    if key is None:
        return strategy, "malformed_key", None
    sale = conversion["occurred_at"]
    inside = [
        click
        for click in same_key
        if sale - timedelta(days=tenant["lookback_days"]) < click["created_at"] <= sale + timedelta(minutes=5)
    ]
    if inside:
        return strategy, "hit", max(inside, key=lambda click: (click["created_at"], click["id"]))["id"]
    return strategy, "outside_window" if same_key else "no_candidate", None


def _digits(text: str) -> bool:
    return bool(text) and all(character in "0123456789" for character in text)


def _id(text: str) -> bool:
    return 1 <= len(text) <= 512 and not any(character.isspace() for character in text)


def _stands_for_none(text: str) -> bool:
    """Whether a click id of the worlds is a placeholder, as it stands or decoded as often as it takes."""
    if any(start in text and end in text for start, end in ("{}", "<>", "[]")):
        return True
    if (text[:2], text[-2:]) in (("__", "__"), ("%%", "%%")):
        return True
    if unquote(text) != text:
        return _stands_for_none(unquote(text))
    return text.strip("\"' +-").lower() in ("undefined", "null", "none", "nan", "n/a", "fbclid", "0", "")
