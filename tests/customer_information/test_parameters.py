"""Hashed parameters: Meta's printed examples, what is passed on, and what never gets out."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackai_pipelines.customer_information.contact import email_hash, phone_hash
from trackai_pipelines.customer_information.hashing import is_sha256, sha256_hex
from trackai_pipelines.customer_information.parameters import hashed_parameters

NAMES = ("fn", "ln", "ct", "st", "zp", "country", "db", "ge", "external_id")
# Parameter, value, SHA-256: the seven examples printed in "Customer information parameters" (January 2026).
EXAMPLES = [
    ("em", "John_Smith@gmail.com", "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f"),
    ("ph", "(650)555-1212 (US)", "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176"),
    ("fn", "Mary", "6915771be1c5aa0c886870b6951b03d7eafc121fea0e80a5ea83beb7c449f4ec"),
    ("fn", "정", "8fa8cd9c440be61d0151429310034083132b35975c4bea67fdd74158eb51db14"),
    ("fn", "Valéry", "08e1996b5dd49e62a4b4c010d44e4345592a863bb9f8e3976219bac29417149c"),
    ("db", "2/16/1997", "01acdbf6ec7b4f478a225f1a246e5d6767eeab1a7ffa17f025265b5b94f40f0c"),
    ("country", "United States", "79adb2a2fce5c6ba215fe5f27f532d4e7edbac4b6a5e09e1ef3a08084a904621"),
]
VECTORS = Path(__file__).parents[3] / "shared" / "data" / "vectors"


def hashed(name: str, value: str) -> str | None:
    if name == "em":
        return email_hash(value)
    return phone_hash(value, "US") if name == "ph" else hashed_parameters({name: value}, None).get(name)


@pytest.mark.parametrize(("name", "value", "digest"), EXAMPLES)
def test_meta_examples(name: str, value: str, digest: str) -> None:
    assert hashed(name, value) == digest


def test_meta_examples_beside_the_repository() -> None:
    for path in VECTORS.glob("meta_docs_hash_vectors.json"):
        for vector in json.loads(path.read_text(encoding="utf-8")):
            assert hashed(vector["field"], vector["input"]) == vector["sha256"]


def test_the_country_decides_how_the_rest_is_read() -> None:
    raw = {"st": "Amazonas", "zp": "94035-1234", "db": "2/3/1997"}
    assert hashed_parameters(raw | {"country": "Brasil"}, "US") == {
        "st": sha256_hex("am"),
        "zp": sha256_hex("940351234"),
        "country": sha256_hex("br"),
        "db": sha256_hex("19970302"),
    }
    assert hashed_parameters(raw, "US") == {
        "st": sha256_hex("amazonas"),
        "zp": sha256_hex("94035"),
        "db": sha256_hex("19970203"),
    }
    assert hashed_parameters(raw, None) == {"st": sha256_hex("am"), "zp": sha256_hex("94035")}


def test_hashes_are_passed_on() -> None:
    digest = sha256_hex("whatever")
    assert hashed_parameters(dict.fromkeys(NAMES, f" {digest.upper()} "), "BR") == dict.fromkeys(NAMES, digest)


@pytest.mark.parametrize("value", ["", " ", "\t\u3000\n", None, [], {}, True])
def test_nothing_is_hashed_of_nothing(value: object) -> None:
    assert hashed_parameters(dict.fromkeys(NAMES, value), "BR") == {}


@given(st.dictionaries(st.sampled_from(NAMES), st.text() | st.integers() | st.floats() | st.binary() | st.none()))
def test_any_value_gives_a_hash_or_nothing(raw: dict[str, object]) -> None:
    found = hashed_parameters(raw, "BR")
    assert found.keys() <= raw.keys()
    assert all(map(is_sha256, found.values()))
