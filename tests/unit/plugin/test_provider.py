"""`jackfield.plugin.provider`: what a feed shows of itself before it has a credential."""

import attrs
import pytest

from jackfield.plugin.provider import display_url
from jackfield.plugin.secrets import Secret
from jackfield_vinix import Vinix
from jackfield_voipbin import Voipbin

MISSING = Secret("env", "JACKFIELD_NO_SUCH_VARIABLE")


@attrs.frozen
class Bare:
    pass


@attrs.frozen
class Telling:
    display_url: str = "https://u:p@acme.example/stream?key=s3cret"
    url: str = "wss://elsewhere.example"


@pytest.mark.parametrize(
    ("provider", "shown"),
    [
        (Voipbin(username="me", password=MISSING), "wss://api.voipbin.net/v1.0/ws"),
        (Voipbin(MISSING, "abc", url="wss://x.example/ws?token=s3cret"), "wss://x.example/ws"),
        (
            Vinix(
                url="wss://user:pw@gw.example:5555",
                rest_url="https://r.example",
                username="me",
                password=MISSING,
                account_name="acme",
            ),
            "wss://gw.example:5555",
        ),
        (Telling(), "https://acme.example/stream"),
        (Bare(), ""),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else value,
)
def test_the_url_that_is_shown_needs_no_secret_and_no_login_and_holds_none(provider, shown):
    assert display_url(provider) == shown
