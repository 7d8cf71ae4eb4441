"""What Meta's parameter builder puts after values is no part of them."""

from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trackai_pipelines.customer_information.appendix import without_appendix
from trackai_pipelines.customer_information.client_ip import address_of
from trackai_pipelines.customer_information.contact import email_hash, phone_hash
from trackai_pipelines.customer_information.parameters import hashed_parameters

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
ANY = st.sampled_from([2, 6, 8]).flatmap(lambda length: st.text(LETTERS, min_size=length, max_size=length))
# Format, language, whether it is new, and a version, as the builder's source packs them.
WRITTEN = st.builds(
    lambda language, new, version: _base64url(bytes([1, language, new, *version])),
    st.integers(1, 6),
    st.integers(0, 3),
    st.tuples(*[st.integers(0, 255)] * 3),
) | st.sampled_from(["AQ", "Ag", "Aw", "BA", "BQ", "Bg"])
RAW = {
    "fn": "Ana",
    "ln": "Souza",
    "ct": "São Paulo",
    "st": "SP",
    "zp": "01310-100",
    "country": "br",
    "db": "1997-02-13",
    "ge": "f",
    "external_id": "user.7",
}


def _base64url(octets: bytes) -> str:
    from base64 import urlsafe_b64encode

    return urlsafe_b64encode(octets).decode().rstrip("=")


@given(st.binary(), ANY, st.booleans(), st.sampled_from(["", " "]))
def test_a_hash_is_never_hashed_again_in_any_field(value: bytes, appendix: str, upper: bool, space: str) -> None:
    digest = sha256(value).hexdigest()
    for end in ("", f".{appendix}"):
        given_value = f"{space}{digest.upper() if upper else digest}{end}{space}"
        assert email_hash(given_value) == phone_hash(given_value, "BR") == digest
        assert hashed_parameters(dict.fromkeys(RAW, given_value), "BR") == dict.fromkeys(RAW, digest)


@given(WRITTEN)
@example("AQQCAQIA")
def test_raw_values_are_hashed_without_it(appendix: str) -> None:
    names = {"fn", "ln", "ct"} if len(appendix) == 2 else set()
    raw = {name: value for name, value in RAW.items() if name not in names}
    assert hashed_parameters({name: f"{value}.{appendix}" for name, value in raw.items()}, None) == hashed_parameters(
        raw, None
    )
    if len(appendix) > 2:
        assert email_hash(f"ana@example.com.{appendix}") == email_hash("ana@example.com")
        assert phone_hash(f"+55 11 98765-4321.{appendix}", None) == phone_hash("5511987654321", None)


@given(st.ip_addresses(), ANY)
def test_an_address_is_told_without_it(address: IPv4Address | IPv6Address, appendix: str) -> None:
    assert address_of(f"{address}.{appendix}") == address_of(str(address))


@pytest.mark.parametrize("text", ["jose.AQUINO", "maria.souza", "a.b", "7.12345678", ".AQ", "x.AQ1", "ana.AQzzzzzz"])
def test_what_only_ends_in_a_dot_and_letters_stays(text: str) -> None:
    assert without_appendix(text) == text


@pytest.mark.parametrize("city", ["Salvador.BA", "Salvador BA", "SALVADOR.ba"])
def test_a_city_keeps_its_state(city: str) -> None:
    assert hashed_parameters({"ct": city}, "BR") == hashed_parameters({"ct": "salvadorba"}, "BR")


@pytest.mark.parametrize("length", [32, 40, 128])
def test_a_hash_of_another_kind_is_no_name(length: int) -> None:
    other = "0123456789abcdef" * 8
    given_value = other[:length]
    assert hashed_parameters({**dict.fromkeys(RAW, given_value), "ge": "f"}, None).keys() == {"ge", "external_id"}
    assert email_hash(given_value) is None
    assert hashed_parameters({"fn": f"{given_value}.AQYBAQIA"}, None) == {}


NOBODYS = ("0.0.0.0", "10.1.2.3", "127.0.0.1", "169.254.1.1", "172.16.0.1", "172.31.255.255", "192.168.0.1",
           "100.64.0.1", "224.0.0.1", "255.255.255.255", "::", "::1", "fe80::1%eth0", "fd00::1", "ff02::1",
           "::ffff:10.0.0.1", "unknown", "", "x", "1.2.3.0/24", "1.2.3.256", "203.0.113.7.1.2")  # fmt: skip


@pytest.mark.parametrize("written", NOBODYS)
def test_an_address_of_no_buyer(written: str) -> None:
    assert address_of(written) is None


@given(st.ip_addresses(v=4), st.lists(st.sampled_from(NOBODYS), max_size=3), st.integers(1, 65_535))
def test_the_first_public_address_of_a_list(address: IPv4Address, before: list[str], port: int) -> None:
    expected = str(address) if _is_public(address) else None
    for written in (
        str(address),
        f"{address}:{port}",
        f"::ffff:{address}",
        f"[::ffff:{address}]:{port}",
        f"{address}/32",
    ):
        assert address_of(written) == expected
        assert address_of(", ".join([*before, written])) == expected
        if expected:
            assert address_of(f"{written},198.51.100.9 ,10.0.0.1") == expected
        assert address_of(f'for="{written}";proto=https;by=198.51.100.9') == expected


@given(st.ip_addresses(v=6))
def test_addresses_of_version_6(address: IPv6Address) -> None:
    found = address_of(f"[{address}]:443")
    assert found == address_of(f"{address}%eth0") == address_of(f" {str(address).upper()} ")
    assert found is None or ip_address(found) in (address, address.ipv4_mapped)


def _is_public(address: IPv4Address) -> bool:
    """Return what the registry of special addresses says; ranges of documentation stand for anybody's here."""
    documentation = str(address).startswith(("192.0.", "198.18.", "198.19.", "198.51.100.", "203.0.113."))
    return documentation or (address.is_global and not address.is_multicast)
