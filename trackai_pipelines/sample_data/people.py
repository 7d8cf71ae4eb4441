"""People who do not exist: their names, e-mail addresses and phone numbers.

What belongs here: who buys, and how they type it. What does not: what they buy (`deliveries`).
"""

from functools import cache
from random import Random
from unicodedata import normalize

from trackai_pipelines.sample_data.world import SampleTenant

# E-mail addresses as people type them.
_CARELESS = 0.1

_SURNAMES = ("Silva", "Moreau", "Baker", "Sato", "Costa", "Novak", "Reyes", "Lindt", "Okafor", "Hayes")


def person(rng: Random, tenant: SampleTenant) -> tuple[str, str]:
    """An invented name, and an e-mail address that nobody else has."""
    first, last = rng.choice(tenant.first_names), rng.choice(_SURNAMES)
    return f"{first} {last}", f"{_ascii(first)}.{last.lower()}.{rng.getrandbits(48):x}@example.com"


@cache
def _ascii(name: str) -> str:
    return normalize("NFKD", name).encode("ascii", "ignore").decode().lower()


def as_typed(rng: Random, email: str) -> str:
    return f" {email.title()} " if rng.random() < _CARELESS else email


def phone_number(rng: Random, tenant: SampleTenant) -> str:
    return tenant.phone.format(a=rng.randrange(1000, 10_000), b=rng.randrange(10_000), c=rng.randrange(100))
