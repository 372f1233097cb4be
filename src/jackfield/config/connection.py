"""What every feed's table may hold beside its provider's own options."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import attrs

from jackfield.plugin.options import field_help, ge, is_url
from jackfield.plugin.secrets import Secret
from jackfield.plugin.webhook import MAX_MESSAGE_BYTES

__all__ = ["ConnectionOptions"]

MOST_HOLDERS = 2


def _proxy(_instance: Any, _attribute: Any, value: str | None) -> None:
    if value is None:
        return
    is_url("http", "https")(None, None, value)
    if "@" in urlsplit(value).netloc:
        raise ValueError("user and password do not belong in the URL; give proxy_credentials")


def _holders(_instance: Any, _attribute: Any, value: int) -> None:
    if not 1 <= value <= MOST_HOLDERS:
        raise ValueError(f"{value} is neither 1 nor {MOST_HOLDERS}")


@attrs.frozen
class ConnectionOptions:
    """What every ``[feeds.NAME]`` table may hold beside the provider's own options."""

    ping_seconds: float = attrs.field(
        default=20.0,
        validator=ge(1),
        metadata=field_help("seconds between pings; less than the time after which a proxy cuts idle connections"),
    )
    pong_timeout: float = attrs.field(
        default=15.0,
        validator=ge(0.1),
        metadata=field_help("seconds to wait for any answer to a ping before the connection counts as lost"),
    )
    handshake_timeout: float = attrs.field(
        default=15.0,
        validator=ge(0.1),
        metadata=field_help("seconds that connecting may take, TLS and upgrade included"),
    )
    idle_check_seconds: float = attrs.field(
        default=0.0,
        validator=ge(0),
        metadata=field_help(
            "how long a silence is normal; then REST is queried, or without it the connection renewed; 0: any"
        ),
    )
    max_message_bytes: int = attrs.field(
        default=MAX_MESSAGE_BYTES,
        validator=ge(262_144),  # what is smaller is cut out of the stream before anybody looks at it
        metadata=field_help("the largest message that is accepted, by websocket as by webhook"),
    )
    proxy: str | None = attrs.field(
        default=None,
        validator=_proxy,
        metadata=field_help("an HTTP proxy to connect through, such as http://proxy.example:3128"),
    )
    proxy_credentials: Secret | None = attrs.field(default=None, metadata=field_help("user:password for the proxy"))
    client_cert: str | None = attrs.field(
        default=None,
        metadata=field_help("a PEM file with the certificate by which the vendor knows us, with its key", path=True),
    )
    client_key: str | None = attrs.field(
        default=None, metadata=field_help("a PEM file with the key of client_cert, if it is in another file", path=True)
    )

    holders: int = attrs.field(
        default=1,
        validator=_holders,
        metadata=field_help(
            "members of the [cluster] that are connected at once; with 2, one writes, and one stands by"
        ),
    )

    def __attrs_post_init__(self) -> None:
        if self.proxy_credentials is not None and self.proxy is None:
            raise ValueError("proxy_credentials needs proxy, the URL of the proxy")
        if self.client_key is not None and self.client_cert is None:
            raise ValueError("client_key needs client_cert, the certificate that it is the key of")
