"""Access to the dashboard: open on loopback; elsewhere with a token, over TLS."""

from __future__ import annotations

import hmac
import secrets
import ssl
from http.cookies import CookieError, SimpleCookie
from pathlib import Path

import attrs

from jackfield._net.browsers import is_own_host
from jackfield._net.tls import TLSFileError, server_context
from jackfield.errors import ConfigError, ConfigProblem, SecretError
from jackfield.plugin.http import Request
from jackfield.plugin.options import is_loopback
from jackfield.plugin.secrets import Secret

__all__ = ["Access", "plan_access"]

SHORTEST_TOKEN = 16


@attrs.frozen
class Access:
    """The rules of one running dashboard."""

    host: str
    """The address that it listens on."""
    local: bool = True
    """Whether that is a loopback address."""
    token: str = attrs.field(default="", repr=False)
    """The token that a viewer must present; empty if none is needed."""
    tls: ssl.SSLContext | None = None
    session: str = attrs.field(factory=lambda: secrets.token_urlsafe(32), repr=False)
    """The cookie's value for viewers who presented the token; a new one after each start."""

    def allows_host(self, header: str) -> bool:
        """Whether a request's Host header names this server."""
        return not self.local or is_own_host(header, self.host)

    def presents(self, request: Request) -> bool:
        """Whether a request presents anything as a token or a cookie, right or wrong."""
        return bool(request.header("authorization")) or f"{self._cookie}=" in request.header("cookie")

    def admits(self, request: Request) -> bool:
        """Whether a request presents the token or the cookie."""
        if not self.token:
            return True
        scheme, _, given = request.header("authorization").partition(" ")
        if scheme.lower() == "bearer" and self.is_token(given.strip()):
            return True
        try:
            cookie = SimpleCookie(request.header("cookie")).get(self._cookie)
        except CookieError:
            return False
        return cookie is not None and hmac.compare_digest(cookie.value.encode(), self.session.encode())

    def is_token(self, text: str) -> bool:
        """Whether the text equals the token, compared in constant time."""
        return hmac.compare_digest(text.encode(), self.token.encode())

    def cookie(self) -> str:
        """The Set-Cookie header for a viewer who presented the token."""
        attributes = "; Path=/; HttpOnly; SameSite=Strict" + ("; Secure" if self.tls else "")
        return f"{self._cookie}={self.session}{attributes}"

    @property
    def _cookie(self) -> str:
        return "__Host-jackfield" if self.tls else "jackfield"


def plan_access(
    host: str, token_file: Path | None = None, tls_cert: Path | None = None, tls_key: Path | None = None
) -> Access:
    """The rules for a dashboard at this address; raises `ConfigError` if others could read it without token and TLS."""
    problems: list[ConfigProblem] = []
    local = is_loopback(host)
    token, tls = "", None
    if token_file is not None:
        token = _token(token_file, problems)
    elif not local:
        problems.append(
            ConfigProblem("--host", f"{host} is not a loopback address, so a token is needed: --token-file")
        )
    if tls_cert is not None:
        tls = _tls(tls_cert, tls_key, problems)
    elif tls_key is not None:
        problems.append(ConfigProblem("--tls-key", "needs a certificate: --tls-cert"))
    elif not local:
        problems.append(
            ConfigProblem("--host", f"{host} is not a loopback address, so TLS is needed: --tls-cert and --tls-key")
        )
    if problems:
        raise ConfigError(problems)
    return Access(host, local, token, tls)


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
