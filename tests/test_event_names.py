"""Meta's standard events are known in any case and spelling; a custom event keeps its name."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackai_pipelines.event_names import event_name_of

# Meta's pixel reference, word by word.
STANDARD = (
    ("Add", "Payment", "Info"),
    ("Add", "To", "Cart"),
    ("Add", "To", "Wishlist"),
    ("Complete", "Registration"),
    ("Contact",),
    ("Customize", "Product"),
    ("Donate",),
    ("Find", "Location"),
    ("Initiate", "Checkout"),
    ("Lead",),
    ("Page", "View"),
    ("Purchase",),
    ("Schedule",),
    ("Search",),
    ("Start", "Trial"),
    ("Submit", "Application"),
    ("Subscribe",),
    ("View", "Content"),
)


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("purchase", "Purchase"),
        ("PURCHASE", "Purchase"),
        (" Purchase ", "Purchase"),
        ("Initiate Checkout", "InitiateCheckout"),
        ("initiatecheckout", "InitiateCheckout"),
        ("add_to_cart", "AddToCart"),
        ("add-to-wishlist", "AddToWishlist"),
        ("ADD.PAYMENT.INFO", "AddPaymentInfo"),
        ("lead", "Lead"),
        ("view\u00a0content", "ViewContent"),
        ("Compra", "Compra"),
        ("purchase_upsell", "purchase_upsell"),
        ("My Event", "My Event"),
        ("leads", "leads"),
        (" custom ", " custom "),
    ],
)
def test_a_name(written: str, sent: str) -> None:
    assert event_name_of(written) == sent


@given(
    words=st.sampled_from(STANDARD),
    between=st.sampled_from(["", " ", "_", "-", ".", "  ", "\t", " - "]),
    around=st.sampled_from(["", " ", "_", "\n"]),
    case=st.lists(st.booleans(), min_size=30, max_size=30),
)
def test_a_standard_event_in_any_spelling(words: tuple[str, ...], between: str, around: str, case: list[bool]) -> None:
    text = between.join(words)
    mixed = "".join(
        letter.upper() if upper else letter.lower() for letter, upper in zip(text, [*case, *case], strict=False)
    )
    assert event_name_of(f"{around}{mixed}{around}") == "".join(words)


@given(st.text(max_size=60))
def test_another_name_stays_as_it_is(name: str) -> None:
    plain = {"".join(words).lower() for words in STANDARD}
    if re.sub(r"[\s_.-]+", "", name).lower() not in plain:
        assert event_name_of(name) == name
