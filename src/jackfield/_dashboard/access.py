"""Access to the dashboard: open on loopback; elsewhere with a token, over TLS; and what each token shows."""

from __future__ import annotations

import hmac
import secrets
import ssl
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from pathlib import Path

import attrs

from jackfield._net.browsers import is_own_host
from jackfield._net.tls import TLSFileError, server_context
from jackfield._serve.grants import Grant
from jackfield.config import ViewerOptions
from jackfield.errors import ConfigError, ConfigProblem, SecretError
from jackfield.plugin.http import Request
from jackfield.plugin.options import is_loopback
from jackfield.plugin.secrets import Secret

__all__ = ["EVERYBODY", "Access", "Viewer", "plan_access"]

SHORTEST_TOKEN = 16


@attrs.frozen
class Viewer:
    """Who holds one token, and what they see."""

    token: str = attrs.field(default="", repr=False)
    grant: Grant = attrs.field(factory=Grant)
    operator: bool = True
    """Whether they see the operator's page."""
    session: str = attrs.field(factory=lambda: secrets.token_urlsafe(32), repr=False)
    """The cookie's value for those who presented the token; a new one after each start."""

    @classmethod
    def of(cls, name: str, options: ViewerOptions) -> Viewer:
        """The viewer that a ``[viewers.NAME]`` table describes."""
        personal = options.personal
        # A viewer's durable subscriptions are not those of another, nor of a token of [serve] by that name.
        grant = Grant(feeds=frozenset(options.feeds), payloads=personal, personal=personal, token=f"viewers/{name}")
        return cls(options.token.reveal(), grant, options.operator)


EVERYBODY = Viewer()
"""Whoever can reach a dashboard that needs no token."""


@attrs.frozen
class Access:
    """The rules of one running dashboard."""

    host: str
    """The address that it listens on."""
    local: bool = True
    """Whether that is a loopback address."""
    viewers: tuple[Viewer, ...] = ()
    """Those who have tokens; without any, everybody sees everything."""
    tls: ssl.SSLContext | None = None

    def allows_host(self, header: str) -> bool:
        """Whether a request's Host header names this server."""
        return not self.local or is_own_host(header, self.host)

    def presents(self, request: Request) -> bool:
        """Whether a request presents anything as a token or a cookie, right or wrong."""
        return bool(request.header("authorization")) or f"{self._cookie}=" in request.header("cookie")

    def viewer(self, request: Request) -> Viewer | None:
        """Whose token or cookie a request presents; ``None`` where it needs one and has none."""
        if not self.viewers:
            return EVERYBODY
        scheme, _, given = request.header("authorization").partition(" ")
        if scheme.lower() == "bearer" and (viewer := self.holder(given.strip())) is not None:
            return viewer
        try:
            cookie = SimpleCookie(request.header("cookie")).get(self._cookie)
        except CookieError:
            return None
        return None if cookie is None else _find(cookie.value, {each.session: each for each in self.viewers})

    def holder(self, token: str) -> Viewer | None:
        """Whose token this is."""
        return _find(token, {each.token: each for each in self.viewers})

    def cookie(self, viewer: Viewer) -> str:
        """The Set-Cookie header for a viewer who presented the token."""
        attributes = "; Path=/; HttpOnly; SameSite=Strict" + ("; Secure" if self.tls else "")
        return f"{self._cookie}={viewer.session}{attributes}"

    @property
    def _cookie(self) -> str:
        return "__Host-jackfield" if self.tls else "jackfield"


def _find(text: str, viewers: Mapping[str, Viewer]) -> Viewer | None:
    """Compared with each in constant time, so that the time says nothing of a token."""
    given, found = text.encode(), None
    for known, viewer in viewers.items():
        if hmac.compare_digest(given, known.encode()):
            found = viewer
    return found


def plan_access(
    host: str,
    token_file: Path | None = None,
    tls_cert: Path | None = None,
    tls_key: Path | None = None,
    viewers: Mapping[str, ViewerOptions] | None = None,
) -> Access:
    """The rules for a dashboard at this address; raises `ConfigError` if others could read it without token and TLS."""
    problems: list[ConfigProblem] = []
    local = is_loopback(host)
    known, tls = [Viewer.of(name, each) for name, each in (viewers or {}).items()], None
    if token_file is not None:
        known.append(Viewer(_token(token_file, problems)))
    elif not local and not known:
        hint = "so a token is needed: --token-file or a [viewers.NAME] table"
        problems.append(ConfigProblem("--host", f"{host} is not a loopback address, {hint}"))
    if tls_cert is not None:
        tls = _tls(tls_cert, tls_key, problems)
    elif tls_key is not None:
        problems.append(ConfigProblem("--tls-key", "needs a certificate: --tls-cert"))
    elif not local:
        problems.append(
            ConfigProblem("--host", f"{host} is not a loopback address, so TLS is needed: --tls-cert and --tls-key")
        )
    if len({each.token for each in known}) < len(known):
        problems.append(ConfigProblem("viewers", "two viewers have the same token; each needs its own"))
    if problems:
        raise ConfigError(problems)
    return Access(host, local, tuple(known), tls)


def _token(path: Path, problems: list[ConfigProblem]) -> str:
    try:
        token = Secret("file", str(path)).reveal()
    except SecretError as error:
        problems.append(ConfigProblem("--token-file", str(error)))
        return ""
    if len(token) < SHORTEST_TOKEN:
        problems.append(
            ConfigProblem(
                "--token-file", f"the token in {path} has {len(token)} characters; at least {SHORTEST_TOKEN} are needed"
            )
        )
    return token


def _tls(tls_cert: Path, tls_key: Path | None, problems: list[ConfigProblem]) -> ssl.SSLContext | None:
    try:
        return server_context(tls_cert, tls_key)
    except TLSFileError as error:
        problems.append(ConfigProblem(f"--tls-{error.file}", str(error)))
        return None
