"""What the options of a plugin lack so that an operator can use them safely."""

from __future__ import annotations

import re
from typing import Any

import attrs

from jackfield.plugin.secrets import Secret

__all__ = ["problems_of_options"]

_SECRET = re.compile(r"(^|_)(token|password|passphrase|secret|api_key|key_password)$")


def problems_of_options(options: Any) -> list[str]:
    """What is wrong with the fields of an options object; nothing where all is well."""
    if not attrs.has(type(options)):
        return [f"{type(options).__name__} is no attrs class"]
    found = []
    for field in attrs.fields(attrs.resolve_types(type(options))):
        if field.init and not field.metadata.get("help"):
            found.append(f"{field.alias} has no line of help: metadata=field_help(…)")
        if _SECRET.search(field.name) and not isinstance(getattr(options, field.name), Secret | None):
            found.append(f"{field.alias} is no Secret: its text would show")
    return found
