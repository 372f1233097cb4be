"""Wraps unexpected exceptions of a provider's code in `PluginError`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from jackfield.errors import JackfieldError, PluginError

__all__ = ["failure", "provider_code"]


@contextmanager
def provider_code(*others: type[Exception]) -> Iterator[None]:
    """Run a provider's code; `PluginError` where it fails, and as they are what it raises on purpose and `others`."""
    try:
        yield
    except JackfieldError:
        raise
    except others:
        raise
    except Exception as error:  # noqa: BLE001  # a provider's bug must not end what goes on beside it
        raise PluginError(failure(error)) from None


def failure(error: Exception) -> str:
    """What to say of an exception that a provider did not mean."""
    return f"the provider failed: {type(error).__name__}: {error}"
