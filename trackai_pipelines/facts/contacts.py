"""A person's contacts and address as records of any kind have them: what can be used of them, "" for none.

What belongs here: hashes of e-mail and phone, given or made, and the IP address; what cannot be used is left out and
noted, and costs no row. What does not: what is normalised before it is hashed, and which address is a buyer's
(`customer_information`).
"""

from trackai_pipelines.customer_information.client_ip import address_of
from trackai_pipelines.customer_information.contact import email_hash, phone_hash
from trackai_pipelines.customer_information.hashing import already_hashed
from trackai_pipelines.ingest import fields
from trackai_pipelines.ingest.context import Context, Owner, Text


def hashed_email(given: str | None, email: str | None, column: str, context: Context) -> str:
    """Return the hash that is given in a column, else that of an address."""
    digest = _given(given, column, context) if given else None
    if digest or not email:
        return digest or ""
    return email_hash(email) or _left_out(email, "email", "not an e-mail address", context)


def hashed_phone(given: str | None, phone: Text, column: str, owner: Owner, context: Context) -> str:
    """Return the hash that is given in a column, else that of a number, which may be one of the tenant's country."""
    digest = _given(given, column, context) if given else None
    if digest or not phone:
        return digest or ""
    number = str(phone)
    # Of a number that a spreadsheet has shortened, too few digits are left to be anybody's.
    if ("E" in number or "e" in number) and fields.lost_digits(number.strip()):
        return context.leave_out("phone", "has lost its digits in a spreadsheet or a column of floats")
    return phone_hash(number, owner.default_country) or _left_out(
        phone, "phone", "not a whole phone number, or without a country", context
    )


def ip_of(address: object, column: str, context: Context) -> str:
    """Return the IP address in its usual form. `address` is what a file or a gateway has in its place."""
    return (address_of(address) or _left_out(address, column, "not a public IP address", context)) if address else ""


def _given(digest: str, column: str, context: Context) -> str:
    return already_hashed(digest) or _left_out(digest, column, "not a SHA-256", context)


def _left_out(value: object, column: str, reason: str, context: Context) -> str:
    """Note a value that cannot be used, unless it is only white space."""
    return context.leave_out(column, reason) if str(value).strip() else ""
