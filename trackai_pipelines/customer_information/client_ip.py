"""The buyer's IP address (`client_ip_address`), which is never hashed.

Here: the one address in what servers, proxies and Meta's parameter builder write. Not here: what happens to a record
whose address is invalid (`facts`).
"""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from trackai_pipelines.customer_information import appendix

# An octet, and how public addresses do not begin: this network, private (10, 172.16, 192.168), shared by a provider's
# customers (100.64), loopback, link-local (169.254), multicast and reserved (from 224).
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_V4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")
_NOBODYS_V4 = re.compile(
    r"0\.|10\.|127\.|169\.254\.|192\.168\.|172\.(?:1[6-9]|2[0-9]|3[01])\.|22[4-9]\.|2[345][0-9]\."
    r"|100\.(?:6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\."
)
# Unspecified, loopback, unique local, link-local and the site-local before it, multicast.
_NOBODYS_V6 = tuple(map(ip_network, ("::/128", "::1/128", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8")))
# 203.0.113.7:443, [2001:db8::1]:443, and PostgreSQL's notation of a host.
_PORT = re.compile(r"([0-9.]+):[0-9]{1,5}")
_BRACKETS = re.compile(r"\[([^\]]*)\](?::[0-9]{1,5})?")
_HOST_BITS = re.compile(r"([^:/]+)/32|([^/]*:[^/]*)/128")
_APPENDIX = re.compile(rf"(.+){appendix.ANY}")
_BETWEEN = re.compile(r"[\s,;]+")
# X-Forwarded-For has one address for each proxy.
_LONGEST = 1_024


def address_of(value: object) -> str | None:
    """Return the first public IP address in its usual notation; None where there is none.

    A list is X-Forwarded-For's or Forwarded's (RFC 7239): the client comes first, and may be followed, or replaced, by
    what only its own network knows. Ports, brackets, zones and the appendix of Meta's parameter builder are no part of
    an address; an IPv4 address that is written as IPv6 (::ffff:203.0.113.7) is what it stands for.
    """
    if not isinstance(value, str):
        return None
    # Nearly all are plain: no other notation is tried on them.
    if _V4.fullmatch(value):
        return None if _NOBODYS_V4.match(value) else value
    if len(value) > _LONGEST:
        return None
    return next(filter(None, map(_one, _BETWEEN.split(value))), None)


def _one(written: str) -> str | None:
    text = written.removeprefix("for=").removeprefix("For=").strip("\"'")
    for shape in (_BRACKETS, _PORT, _HOST_BITS):
        found = shape.fullmatch(text)
        if found:
            text = next(filter(None, found.groups()), "")
    return _public(text) or ((shorter := _APPENDIX.fullmatch(text)) and _public(shorter[1])) or None


def _public(text: str) -> str | None:
    try:
        address: IPv4Address | IPv6Address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if isinstance(address, IPv4Address):
        return None if _NOBODYS_V4.match(str(address)) else str(address)
    return None if any(address in network for network in _NOBODYS_V6) else str(address)
