"""What precedes each connection: the provider logs in, and says where to connect to and by which protocol."""

from __future__ import annotations

from jackfield._loading.guard import provider_code
from jackfield._net.http_client import Perform
from jackfield.config import Feed
from jackfield.errors import ConnectionLost, JackfieldError, RestError
from jackfield.plugin.protocol import FeedProtocol
from jackfield.plugin.provider import Provider, SupportsAuthentication, SupportsResume
from jackfield.plugin.transport import AnyEndpoint

__all__ = ["connect_as", "log_in"]


async def log_in(feed: Feed, before: Provider | None, perform: Perform) -> Provider:
    """Have the configured provider renew its credentials; `before` is what the last login returned."""
    if not isinstance(feed.provider, SupportsAuthentication):
        return feed.provider
    try:
        with provider_code():
            return await perform(feed.provider.authenticate(before))
    except RestError as error:
        raise ConnectionLost(error.reason, auth_failed=error.auth_failed, retry_after=error.retry_after) from None
    except JackfieldError as error:  # a secret that is missing may be there later; a provider's bug may pass
        raise ConnectionLost(str(error), auth_failed=True) from None


def connect_as(
    feed: Feed, provider: Provider, before: FeedProtocol | None, token: str | None
) -> tuple[AnyEndpoint, FeedProtocol]:
    """Where to connect to now, and a fresh protocol; `before` is the last connection's, `token` the last stored one."""
    try:
        with provider_code():
            if token is not None and isinstance(provider, SupportsResume):
                return provider.resume_from(token), provider.protocol(feed.name, before)
            return provider.endpoint(), provider.protocol(feed.name, before)
    except JackfieldError as error:
        raise ConnectionLost(str(error), auth_failed=True) from None
