"""Who may ask: host, origin, and the token or the ticket that a request shows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import attrs

from jackfield._net.browsers import is_own_host
from jackfield._serve.asking import Refused, Target
from jackfield._serve.grants import ALL, Grant
from jackfield._serve.tickets import Tickets
from jackfield.config import ServeOptions, TokenOptions
from jackfield.plugin.http import Request
from jackfield.plugin.options import is_loopback

__all__ = ["Access"]

ALLOWED_HEADERS = "authorization, last-event-id, cache-control, content-type"


@attrs.define(eq=False)
class Access:
    """The rules of one server."""

    _options: ServeOptions
    _host: str
    """The address that it listens on."""
    _tickets: Tickets
    _grants: Mapping[str, Grant] = attrs.field(init=False)
    _by_hash: Mapping[str, str] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        tokens = self._options.tokens
        self._grants = {name: _grant(name, each) for name, each in tokens.items()}
        self._by_hash = {each.hash: name for name, each in tokens.items()}

    def check_host(self, request: Request) -> None:
        """`Refused` for another server's name: a page whose own name leads to this address would send that."""
        header = request.header("host")
        name = header.rpartition(":")[0] if ":" in header and not header.endswith("]") else header
        if name.lower() in {each.lower() for each in self._options.hosts}:
            return
        if not is_own_host(header, self._host) or (self._options.hosts and not is_loopback(self._host)):
            raise Refused(421, "this server does not serve that host name; [serve] hosts has its names")

    def cors(self, request: Request) -> dict[str, str]:
        """The headers for the page that asks; `Refused` for one of an origin that is not allowed."""
        origin = request.header("origin")
        if not origin:
            if request.header("sec-fetch-site") == "cross-site":
                raise Refused(403, "pages of other sites may not ask without their origin")
            return {}
        host = request.header("host").lower()
        if origin.lower() in (f"http://{host}", f"https://{host}"):
            return {"vary": "origin"}
        if origin not in self._options.origins:
            raise Refused(403, "this origin may not ask; [serve] origins has those that may")
        return {
            "access-control-allow-origin": origin,
            "access-control-expose-headers": "jackfield-select",
            "vary": "origin",
        }

    def preflight(self) -> dict[str, str]:
        """Further headers for a browser that asks whether it may ask."""
        return {
            "access-control-allow-methods": "GET, POST, DELETE",
            "access-control-allow-headers": ALLOWED_HEADERS,
            "access-control-max-age": "600",
        }

    def grant(self, request: Request, target: Target, now: float) -> Grant:
        """What a request may see; `Refused` where it shows nothing that is valid."""
        name = self._named(request, target, now)
        return ALL if name is None else self._grants[name]

    def ticket(self, request: Request, now: float) -> dict[str, object]:
        """A ticket for the token that a request shows in its header."""
        name = self._bearer(request)
        if name is None:
            raise Refused(401, "a ticket is for a token: send it as Authorization: Bearer TOKEN", _CHALLENGE)
        text, until = self._tickets.make(name, self._options.tokens[name], now)
        return {"ticket": text, "expires_in": self._tickets.seconds, "expires": until}

    def _named(self, request: Request, target: Target, now: float) -> str | None:
        if (name := self._bearer(request)) is not None:
            return name
        if ticket := target.text("ticket"):
            try:
                return self._tickets.read(ticket, self._options.tokens, now)
            except ValueError as error:
                raise Refused(401, str(error), _CHALLENGE) from None
        if not self._options.open:
            raise Refused(401, "a token is needed: Authorization: Bearer TOKEN, or ?ticket= in a browser", _CHALLENGE)
        return None

    def _bearer(self, request: Request) -> str | None:
        """The name of the token in the header; ``None`` where there is no header."""
        header = request.header("authorization")
        if not header:
            return None
        scheme, _, token = header.partition(" ")
        # A token is random and long, so that its hash cannot be found piece by piece.
        found = f"sha256:{hashlib.sha256(token.strip().encode()).hexdigest()}"
        if scheme.lower() != "bearer" or found not in self._by_hash:
            raise Refused(401, "the token is wrong", _CHALLENGE)
        return self._by_hash[found]


_CHALLENGE = {"www-authenticate": 'Bearer realm="jackfield"'}


def _grant(name: str, token: TokenOptions) -> Grant:
    return Grant(token.select, frozenset(token.feeds), token.payloads, token.personal, name)
