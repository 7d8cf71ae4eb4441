"""The buyer's IP address (`client_ip_address`), which is never hashed.

Here: its usual notation. Not here: what happens to a record whose address is invalid (`facts`).
"""

from ipaddress import ip_address


def address_of(value: object) -> str | None:
    """Return the IP address in its usual notation; None for an invalid one, or one that no buyer has (0.0.0.0, ::)."""
    # PostgreSQL's inet has no zones (fe80::1%eth0).
    if not isinstance(value, str) or "%" in value:
        return None
    try:
        address = ip_address(value.strip())
    except ValueError:
        return None
    return None if address.is_unspecified else str(address)
