"""A person's e-mail address and phone number as records of any kind have them: raw, to be hashed.

What belongs here: the hashes of both, "" where there is nothing that can be used. What does not: what is normalised
before it is hashed (`customer_information`), and hashes that a record gives itself (`ingest.fields`).
"""

from trackai_pipelines.customer_information.contact import email_hash, phone_hash
from trackai_pipelines.ingest import fields
from trackai_pipelines.ingest.context import Owner, Text


def hashed_email(email: str | None) -> str:
    """Return the hash of an address."""
    return (email_hash(email) or "") if email else ""


def hashed_phone(phone: Text, owner: Owner) -> str:
    """Return the hash of a number; without a country code it is one of the tenant's country."""
    # Of a number that a spreadsheet has shortened, too few digits are left to be anybody's.
    if not phone:
        return ""
    number = str(phone)
    if ("E" in number or "e" in number) and fields.lost_digits(number.strip()):
        return ""
    return phone_hash(number, owner.default_country) or ""
