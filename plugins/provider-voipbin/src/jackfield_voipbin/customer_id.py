"""A customer's id, as a configuration gives it."""

from __future__ import annotations

import re

__all__ = ["canonical_id", "is_customer_id"]

_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def is_customer_id(_instance: object, _attribute: object, value: str | None) -> None:
    """Validate the option; `ValueError` for what cannot be one."""
    if value is not None and (not value or ":" in value or "*" in value):
        raise ValueError(f"{value!r} is not a customer id: it must not be empty nor hold ':' or '*'")


def canonical_id(customer_id: str | None) -> str | None:
    """The id as the platform compares it."""
    # The platform accepts a UUID in capitals too, and then sends nothing: it compares texts.
    return customer_id.lower() if customer_id and _UUID.fullmatch(customer_id) else customer_id
