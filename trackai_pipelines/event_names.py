"""Event names: Meta's standard events are known in any case and spelling, all other names stand as they are.

Here: the one list, and the one spelling of each. Not here: what an event must hold (`delivery.validate`).
Meta compares names by case ("Standard events" of the pixel reference): `purchase` is a custom event, which no purchase
is counted by.
"""

import re
from functools import lru_cache

PURCHASE = "Purchase"

_STANDARD = frozenset(
    {
        "AddPaymentInfo",
        "AddToCart",
        "AddToWishlist",
        "CompleteRegistration",
        "Contact",
        "CustomizeProduct",
        "Donate",
        "FindLocation",
        "InitiateCheckout",
        "Lead",
        "PageView",
        PURCHASE,
        "Schedule",
        "Search",
        "StartTrial",
        "SubmitApplication",
        "Subscribe",
        "ViewContent",
    }
)
_BY_LETTERS = {name.lower(): name for name in _STANDARD}
_BETWEEN_WORDS = re.compile(r"[\s_.-]+")


def event_name_of(name: str) -> str:
    """Return Meta's spelling of a standard event (`add_to_cart`, `Initiate Checkout`), any other name as it is."""
    return name if name in _STANDARD else _spelled(name)


@lru_cache(maxsize=1024)
def _spelled(name: str) -> str:
    return _BY_LETTERS.get(_BETWEEN_WORDS.sub("", name).lower(), name)
