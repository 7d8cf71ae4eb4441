"""The buyer's IP address (`client_ip_address`), which is never hashed.

Here: its usual notation. Not here: what an address that is none costs its record (`ingest`).
"""

from ipaddress import ip_address


def address_of(value: object) -> str | None:
    """The IP address in its usual notation; None for what is no address or none of a buyer (0.0.0.0, ::)."""
    # PostgreSQL's inet has no zones (fe80::1%eth0).
    if not isinstance(value, str) or "%" in value:
        return None
    try:
        address = ip_address(value.strip())
    except ValueError:
        return None
    return None if address.is_unspecified else str(address)
