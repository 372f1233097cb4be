"""Events of a neutral contact centre, a second apart."""

from datetime import UTC, datetime, timedelta

import pytest

from jackfield.addresses import Address
from jackfield.events import Event, Parties

START = datetime(2026, 11, 26, 9, tzinfo=UTC)


def happened(kind, second=0, id="c1", *, feed="office", correlation=None, data=None, received=None, **parties):
    """An event of the provider ``acme``, at so many seconds after the start."""
    entity, _, word = kind.partition(".")
    resource = "contact" if entity == "offer" else entity
    if entity in ("contact", "offer") and correlation is None:
        correlation = id
    at = START + timedelta(seconds=second)
    return Event(
        f"{kind}-{id}-{second}",
        kind,
        Address("acme", "account", "A", resource, feed if entity == "stream" else id, word),
        at,
        received or at,
        feed,
        correlation,
        parties=Parties(**parties),
        data=data,
    )


@pytest.fixture(name="happened")
def _happened():
    return happened


@pytest.fixture(name="at")
def _at():
    return lambda second: START + timedelta(seconds=second)
