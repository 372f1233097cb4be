"""VoIPBIN for Jackfield: the options of a ``[feeds.NAME]`` table with ``provider = "voipbin"``."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, Literal
from urllib.parse import quote, urlsplit, urlunsplit

import attrs

from jackfield.addresses import Source
from jackfield.errors import SecretError
from jackfield.plugin.command import CommandSpec
from jackfield.plugin.hooks import hookimpl
from jackfield.plugin.http import HTTPFlow
from jackfield.plugin.options import field_help, ge, is_url
from jackfield.plugin.protocol import FeedProtocol
from jackfield.plugin.provider import Dialect, Provider, ProviderSpec
from jackfield.plugin.secrets import Secret
from jackfield.plugin.simulator import Simulator
from jackfield.plugin.transport import Endpoint
from jackfield.plugin.webhook import Webhook
from jackfield_voipbin.credentials import login, read_credential
from jackfield_voipbin.customer_id import canonical_id, is_customer_id
from jackfield_voipbin.diagnosis import diagnose as _diagnose
from jackfield_voipbin.dialects import AutoDialect, DocumentedDialect, PrefixDialect
from jackfield_voipbin.plans import UNKNOWN_ID
from jackfield_voipbin.rest import Rest, base_of
from jackfield_voipbin.single_event import SingleEventDialect, check_event
from jackfield_voipbin.topics import PROVIDER

if TYPE_CHECKING:
    from jackfield.state import Sync

__all__ = ["Voipbin", "jackfield_commands", "jackfield_providers"]


_rest_url = attrs.validators.optional(is_url("https", "http"))


@attrs.frozen
class Voipbin:
    """A feed of one VoIPBIN customer."""

    stall_seconds: ClassVar[float] = 10.0
    """VoIPBIN queues 2000 frames for a slow reader, and cuts the connection when a write is stuck for 10 s
    (its api-manager, pubsubhandler and the websocket's write deadline)."""

    token: Secret | None = attrs.field(
        default=None,
        metadata=field_help(
            'the account\'s token or access key; or give username and password; receive = "webhook" needs neither'
        ),
    )
    customer_id: str | None = attrs.field(
        default=None,
        converter=canonical_id,
        validator=is_customer_id,
        metadata=field_help(
            "the customer's id, from GET /v1.0/customer; learned from the token or the platform if left out"
        ),
    )
    url: str = attrs.field(
        default="wss://api.voipbin.net/v1.0/ws",
        validator=is_url("wss", "ws"),
        metadata=field_help("the websocket's URL, without the token"),
    )
    dialect_name: Literal["auto", "documented", "prefix"] = attrs.field(
        default="auto",
        alias="dialect",
        metadata=field_help(
            "how topics are written: as documented, as deployed (prefix), or both, whichever the server accepts"
        ),
    )
    event: str | None = attrs.field(
        default=None,
        validator=check_event,
        metadata=field_help(
            "the one event to subscribe to, such as transcribe_speech_ended, so that bare frames need not be guessed at"
        ),
    )
    ca_file: str | None = attrs.field(
        default=None, metadata=field_help("a PEM file of authorities to trust instead of the system's", path=True)
    )
    username: str | None = attrs.field(
        default=None, metadata=field_help("log in before each connection, with this name and the password")
    )
    password: Secret | None = attrs.field(default=None, metadata=field_help("the password of username"))
    credential: Literal["auto", "token", "accesskey"] = attrs.field(
        default="auto", metadata=field_help("what token holds; by its shape if auto: an access key begins with vb_")
    )
    rest_url: str | None = attrs.field(
        default=None,
        validator=_rest_url,
        metadata=field_help("where the REST interface is, without /v1.0; derived from url if left out"),
    )
    reconcile_seconds: float = attrs.field(
        default=300.0,
        validator=ge(0),
        metadata=field_help("how often to compare what came with what REST knows; 0 for never"),
    )
    unsubscribe: Literal["renew", "send"] | None = attrs.field(
        default=None,
        metadata=field_help(
            "renew: what nobody selects any more is left out when the connection is renewed; send: an unsubscribe is "
            'sent, which on the deployed platform may silence every client; left out: send if dialect is "documented"'
        ),
    )
    resubscribe_seconds: float = attrs.field(
        default=30.0,
        validator=ge(0),
        metadata=field_help(
            "how often subscriptions are sent again, which ends the silence after another client's unsubscribe; or 0"
        ),
    )
    receive: Literal["websocket", "webhook", "both"] = attrs.field(
        default="websocket", metadata=field_help("how events come; with both, each is still one event")
    )
    webhook_secret: Secret | None = attrs.field(
        default=None,
        metadata=field_help("what the platform signs webhooks with; `jackfield voipbin webhook show` tells it"),
    )
    webhook_verify: bool = attrs.field(
        default=True,
        metadata=field_help("false accepts webhooks from anybody; for installations that sign none"),
    )

    webhook_flow_posts: bool = attrs.field(
        default=False,
        metadata=field_help(
            "true accepts unsigned posts of a flow's webhook_send action beside signed events; never unsigned events"
        ),
    )

    def __attrs_post_init__(self) -> None:
        self._check_credentials()
        self._check_webhook()
        if self.event is not None and self.dialect_name == "documented":
            raise ValueError(f"event = {self.event!r} needs topics as deployed, and dialect is 'documented'")

    def _check_credentials(self) -> None:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password go together: one of them is missing")
        if self.token is not None and self.username is not None:
            raise ValueError("both token and username are given: give token, or username and password")
        if self.token is None and self.username is None and self.receive != "webhook":
            raise ValueError("there is neither token nor username: give token, or username and password")

    def _check_webhook(self) -> None:
        if self.receive == "websocket":
            return
        if self.receive == "webhook" and self.token is None and self.customer_id is None:
            raise ValueError(
                "receive = 'webhook' without a token needs customer_id: nothing else says whose feed it is"
            )
        if self.webhook_secret is None and self.webhook_verify:
            hint = "or webhook_verify = false for an installation before August 2026, which signs nothing"
            raise ValueError(f"receive = {self.receive!r} needs webhook_secret, {hint}")
        if self.webhook_secret is not None and not self.webhook_verify:
            raise ValueError(
                "webhook_verify = false accepts webhooks that webhook_secret rejects; set one of them only"
            )

    @property
    def source(self) -> Source:
        """The customer; not known before the first login where neither the configuration nor the token says it."""
        return Source(PROVIDER, "customer", self._customer_id)

    @property
    def dialect(self) -> Dialect:
        """The topics of this customer, as the configuration has them."""
        if self.event is not None:
            return SingleEventDialect(self._customer_id, self.event)
        return _dialects(self._customer_id)[self.dialect_name]

    @property
    def _customer_id(self) -> str:
        if self.customer_id is None and self.token is not None:
            with suppress(SecretError):
                return read_credential(self.token.reveal(), self.credential).customer_id or UNKNOWN_ID
        return self.customer_id or UNKNOWN_ID

    @property
    def rest_base(self) -> str:
        """Where REST is, without ``/v1.0``."""
        return base_of(self.url) if self.rest_url is None else self.rest_url.rstrip("/")

    def authenticate(self, before: Provider | None = None) -> HTTPFlow[Voipbin]:
        """Log in or read the token anew, and learn whose feed it is; `RestError` where the credential is of no use."""
        base = self.rest_base
        if self.username is not None and self.password is not None:
            text = yield from login(base, self.username, self.password.reveal(), self.ca_file)
        else:
            text = self._token().reveal()
        credential = read_credential(text, self.credential)
        credential.check(self.customer_id or "", datetime.now(UTC))
        customer_id = self.customer_id or credential.customer_id
        rest = Rest(base, credential, self.ca_file)
        if not customer_id:
            customer_id = yield from rest.customer_id()
        elif credential.kind == "accesskey":  # which says nothing of itself, and would be cut without a reason
            yield from rest.check_customer(customer_id)
        token = Secret("text", text)
        return attrs.evolve(
            self, token=token, username=None, password=None, customer_id=customer_id, credential=credential.kind
        )

    def _token(self) -> Secret:
        if self.token is not None:
            return self.token
        if self.username is None:
            raise SecretError("the feed has neither token nor username, and needs one of them to ask VoIPBIN anything")
        raise SecretError(f"there is no token yet: {self.username!r} must log in first")

    def endpoint(self) -> Endpoint:
        """The URL with the token or access key in its query, under the name that VoIPBIN wants for it."""
        credential = read_credential(self._token().reveal(), self.credential)
        parts = urlsplit(self.url)
        query = "&".join(filter(None, (parts.query, f"{credential.kind}={quote(credential.text, safe='')}")))
        return Endpoint(urlunsplit(parts._replace(query=query)), ca_file=self.ca_file)

    def protocol(self, feed: str, before: FeedProtocol | None = None) -> FeedProtocol:
        """A fresh protocol, which takes over what the last one learned."""
        from jackfield_voipbin.protocol import VoipbinProtocol  # loaded by a feed, and not by every command

        protocol = VoipbinProtocol(
            feed,
            self._customer_id,
            self.dialect,
            self.rest(),
            reconcile_seconds=self.reconcile_seconds,
            resubscribe_seconds=0.0 if self.dialect_name == "documented" else self.resubscribe_seconds,
            unsubscribes=(self.unsubscribe or ("send" if self.dialect_name == "documented" else "renew")) == "send",
        )
        if isinstance(before, VoipbinProtocol):
            protocol.take_over(before)
        return protocol

    def sync(self) -> HTTPFlow[Sync]:
        """What REST lists of the state."""
        from jackfield_voipbin.sync import query_sync

        return (yield from query_sync(self.rest(), datetime.now(UTC)))

    diagnose = _diagnose

    def webhook(self, feed: str) -> Webhook | None:
        """How posts are read, where the platform is to post."""
        if self.receive == "websocket":
            return None
        from jackfield_voipbin.webhook import Reader

        return Webhook(
            Reader(feed, self._customer_id, self.webhook_secret, flow_posts=self.webhook_flow_posts),
            websocket=self.receive != "webhook",
        )

    def rest(self) -> Rest:
        """The customer's access to REST; `SecretError` where there is no token yet."""
        credential = read_credential(self._token().reveal(), self.credential)
        return Rest(self.rest_base, credential, self.ca_file)


def _dialects(customer_id: str) -> dict[str, Dialect]:
    return {
        "auto": AutoDialect(customer_id),
        "documented": DocumentedDialect(customer_id),
        "prefix": PrefixDialect(customer_id),
    }


def _decoder(feed: str) -> FeedProtocol:
    # Imported when a frame is to be read: not every command has one.
    from jackfield_voipbin.protocol import VoipbinProtocol

    return VoipbinProtocol(feed)


def _simulator() -> type[Simulator]:
    # Imported when it is asked for: a gateway has no use for it.
    from jackfield_voipbin.simulator import VoipbinSimulator

    return VoipbinSimulator


@hookimpl
def jackfield_providers() -> list[ProviderSpec]:
    """Offer the provider ``voipbin``."""
    summary = "VoIPBIN: calls, queues, agents, messages, transcripts by websocket"
    return [ProviderSpec(PROVIDER, summary, Voipbin, _dialects, _decoder, _simulator)]


@hookimpl
def jackfield_commands() -> list[CommandSpec]:
    """Offer ``jackfield voipbin``."""
    # Imported late, since it needs the options above.
    from jackfield_voipbin.commands import COMMAND

    return [COMMAND]
