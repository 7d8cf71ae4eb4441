"""What of a context is stored: no e-mail address and no phone number, and no more than 2 KB of a device."""

import json
from hashlib import sha256

import pytest

from trackai_pipelines.flag_values.stored import stored_device, stored_key, stored_request


def hashed(text: str) -> str:
    return f"sha256:{sha256(text.encode()).hexdigest()}"


@pytest.mark.parametrize("key", ["user-1", "42", "José", "😀", "3f2504e0-4f89-11d3-9a0c-0305e82c3301", "auth0|5f"])
def test_the_ids_of_apps_are_stored_as_they_are(key: str) -> None:
    assert stored_key(key) == key


@pytest.mark.parametrize(
    ("key", "normal"),
    [
        ("ana@example.com", "ana@example.com"),
        (" Ana@Example.com ", "ana@example.com"),
        ("+55 (11) 98765-4321", "5511987654321"),
        ("11 98765-4321", "5511987654321"),
        ("5511987654321", "5511987654321"),
    ],
)
def test_what_looks_like_a_contact_is_stored_as_the_hash_of_its_normal_form(key: str, normal: str) -> None:
    assert stored_key(key, "BR") == hashed(normal)


@pytest.mark.parametrize("key", ["ana%40example.com", "user:ana@example.com", "1234567890", "ana\uff20example.com"])
def test_no_other_form_of_a_contact_is_stored(key: str) -> None:
    found = stored_key(key)
    assert found is not None
    assert found.startswith("sha256:")
    assert key not in found


@pytest.mark.parametrize("key", ["a\0b", "\ud800", "u" * 513])
def test_what_the_database_cannot_take_is_hashed(key: str) -> None:
    found = stored_key(key)
    assert found is not None
    assert len(found) == len("sha256:") + 64


@pytest.mark.parametrize("key", [None, ""])
def test_no_key_is_none(key: str | None) -> None:
    assert stored_key(key) is None


def test_a_device_is_masked_and_cut_at_two_kilobytes() -> None:
    device = {"os": "iOS", "phone": "+55 11 98765-4321", "note": "x" * 3_000, "model": "15", "name\0": "\ud800"}
    text = stored_device(device)
    assert text is not None
    assert len(text.encode()) <= 2_048
    shown = json.loads(text)
    assert shown["os"] == "iOS"
    assert shown["model"] == "15"
    assert "98765" not in text
    assert "note" not in shown
    assert "..." in shown


@pytest.mark.parametrize("size", [1, 50, 2_000, 5_000])
def test_a_device_of_any_size_fits(size: int) -> None:
    text = stored_device({f"field{number}": "😀" * 5 for number in range(size)})
    assert text is not None
    assert len(text.encode()) <= 2_048


@pytest.mark.parametrize("device", [None, "iPhone", 15, [], {}])
def test_no_object_is_no_device(device: object) -> None:
    assert stored_device(device) is None


def test_the_id_of_a_request_is_masked_and_cut() -> None:
    assert stored_request("4bf92f3577b34da6a3ce929d0e0e4736") == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert "ana" not in (stored_request("for ana@example.com") or "")
    assert len(stored_request("a b" * 10_000) or "") <= 512
    assert stored_request(None) is None
