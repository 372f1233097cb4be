"""Who may see the dashboard: anybody on this machine, or elsewhere who knows the token, over TLS."""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import ssl
from http.cookies import CookieError, SimpleCookie
from pathlib import Path

import attrs

from jackfield.errors import ConfigError, ConfigProblem, SecretError
from jackfield.plugin.http import Request
from jackfield.plugin.secrets import Secret

__all__ = ["Access", "plan_access"]

SHORTEST_TOKEN = 16


@attrs.frozen
class Access:
    """The rules of one running dashboard."""

    host: str
    """Where it listens."""
    local: bool = True
    """Whether that is this machine's loopback."""
    token: str = attrs.field(default="", repr=False)
    """What a viewer must know; empty where nothing."""
    tls: ssl.SSLContext | None = None
    session: str = attrs.field(factory=lambda: secrets.token_urlsafe(32), repr=False)
    """What the cookie of a viewer holds who knew it; another one after each start."""

    def takes_host(self, header: str) -> bool:
        """Whether a request's Host is one of ours.

        On loopback a page of somebody else's, whose name was made to lead here, would have another.
        """
        name = header.rpartition(":")[0] if not header.endswith("]") and ":" in header else header
        return not self.local or name.lower() in {"localhost", "127.0.0.1", "[::1]", self.host.lower()}

    def admits(self, request: Request) -> bool:
        """Whether a request shows that its sender knows the token."""
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
        """Whether this is the token."""
        return hmac.compare_digest(text.encode(), self.token.encode())

    def cookie(self) -> str:
        """What a viewer's browser is to keep."""
        rules = "; Path=/; HttpOnly; SameSite=Strict" + ("; Secure" if self.tls else "")
        return f"{self._cookie}={self.session}{rules}"

    @property
    def _cookie(self) -> str:
        return "__Host-jackfield" if self.tls else "jackfield"


def plan_access(
    host: str, token_file: Path | None = None, tls_cert: Path | None = None, tls_key: Path | None = None
) -> Access:
    """The rules for a dashboard at this address; `ConfigError` where it would be open to who should not see it."""
    faults: list[ConfigProblem] = []
    local = _is_loopback(host)
    token, tls = "", None
    if token_file is not None:
        token = _token(token_file, faults)
    elif not local:
        faults.append(
            ConfigProblem("--host", f"{host} is not this machine's loopback, so a token is needed: --token-file")
        )
    if tls_cert is not None:
        tls = _tls(tls_cert, tls_key, faults)
    elif tls_key is not None:
        faults.append(ConfigProblem("--tls-key", "belongs to a certificate: --tls-cert"))
    elif not local:
        faults.append(
            ConfigProblem(
                "--host", f"{host} is not this machine's loopback, so TLS is needed: --tls-cert and --tls-key"
            )
        )
    if faults:
        raise ConfigError(faults)
    return Access(host, local, token, tls)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _token(path: Path, faults: list[ConfigProblem]) -> str:
    try:
        token = Secret("file", str(path)).reveal()
    except SecretError as error:
        faults.append(ConfigProblem("--token-file", str(error)))
        return ""
    if len(token) < SHORTEST_TOKEN:
        faults.append(
            ConfigProblem(
                "--token-file", f"the token in {path} has {len(token)} characters; at least {SHORTEST_TOKEN} are needed"
            )
        )
    return token


def _tls(tls_cert: Path, tls_key: Path | None, faults: list[ConfigProblem]) -> ssl.SSLContext | None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    for option, path in (("--tls-cert", tls_cert), ("--tls-key", tls_key)):
        if path is not None and not path.is_file():
            faults.append(ConfigProblem(option, f"{path} is no file"))
            return None
    try:
        # A tls_key with a password cannot be used, and must not be asked for at a terminal.
        context.load_cert_chain(tls_cert, tls_key, password=lambda: b"")
    except (ssl.SSLError, OSError) as error:
        why = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
        faults.append(
            ConfigProblem(
                "--tls-cert",
                f"{tls_cert} with the tls_key {tls_key or 'in it'} cannot be used: {why}; both must be PEM",
            )
        )
        return None
    return context
