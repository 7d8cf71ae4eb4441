"""What a conversion says of its buyer beyond e-mail and phone, as it is stored: hashes and nothing else.

What belongs here: the columns that hold it, and the JSON of their hashes. What does not: how each is hashed
(`customer_information`), or where a gateway's payload has it (`gateways`).
"""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from trackai_pipelines.customer_information.parameters import hashed_parameters
from trackai_pipelines.ingest.context import Context

# Columns of a landing file, and Meta's names for their hashes.
PARAMETERS: Mapping[str, str] = {
    "first_name": "fn",
    "last_name": "ln",
    "city": "ct",
    "state": "st",
    "zip": "zp",
    "country": "country",
    "birth_date": "db",
    "gender": "ge",
    "customer_id": "external_id",
}
_UNUSABLE: Mapping[str, str] = {
    "country": "not a country",
    "birth_date": "not a date of birth, or its day and month cannot be told apart",
    "gender": "neither female nor male",
}


class Buyer(Protocol):
    """A record with these columns, raw or hashed."""

    first_name: object
    last_name: object
    city: object
    state: object
    zip: object
    country: object
    birth_date: object
    gender: object
    customer_id: object


def customer_information(record: Buyer, default_country: str | None, context: Context) -> str:
    """Return the hashes as a JSON object by Meta's names; "" where there is none. The rest is left out and noted."""
    # Most files have none of these; spelled out, the test costs them next to nothing.
    if (
        record.first_name is record.last_name is record.city is record.state is record.zip is None
        and record.country is record.birth_date is record.gender is record.customer_id is None
    ):
        return ""
    raw = {parameter: getattr(record, column) for column, parameter in PARAMETERS.items()}
    hashes = hashed_parameters(raw, default_country)
    for column, parameter in PARAMETERS.items():
        value = raw[parameter]
        if value is not None and parameter not in hashes and str(value).strip():
            context.leave_out(column, _UNUSABLE.get(column, "no text that can be hashed"))
    return msgspec.json.encode(hashes).decode() if hashes else ""
