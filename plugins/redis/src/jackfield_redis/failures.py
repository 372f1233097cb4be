"""What an error of Redis means, in one line, and what is to be done about it."""

from __future__ import annotations

import re
from collections.abc import Callable

import attrs
from coredis import exceptions as said

from jackfield.errors import DeliveryError, OnError

__all__ = ["TROUBLES", "Failure", "failure_of"]

TROUBLES = (said.RedisError, OSError)
"""What a connection raises; a `TimeoutError` is an `OSError`."""


@attrs.frozen
class Failure:
    """An error in words."""

    reason: str
    on_error: OnError = "retry"
    stale: bool = True
    """Whether the connection is of no more use."""

    def raised(self, missing: frozenset[int] | None = None) -> DeliveryError:
        """As a sink says it."""
        return DeliveryError(self.reason, on_error=self.on_error, failed=missing)


_CLUSTER = "it is a node of a Redis Cluster, and this plugin speaks to one server: give it one outside of the cluster"
_LOGIN = "it does not accept username and password"
_CODES: dict[type[Exception], str] = {
    said.AskError: "ASK",  # and MOVED
    said.AuthenticationFailureError: "WRONGPASS",
    said.AuthenticationRequiredError: "NOAUTH",
    said.AuthorizationError: "NOPERM",
    said.BusyLoadingError: "LOADING",
    said.ClusterCrossSlotError: "CROSSSLOT",
    said.ClusterDownError: "CLUSTERDOWN",
    said.ReadOnlyError: "READONLY",
    said.TryAgainError: "TRYAGAIN",
    said.UnknownCommandError: "UNKNOWN",
    said.WrongTypeError: "WRONGTYPE",
}
"""The code that an answer began with, which coredis has made a class of."""
_MEANINGS: dict[str, tuple[str, OnError]] = {
    "ASK": (_CLUSTER, "pause"),
    "CROSSSLOT": (_CLUSTER, "pause"),
    "MOVED": (_CLUSTER, "pause"),
    "CLUSTERDOWN": ("its cluster does not serve the key now", "retry"),
    "LOADING": ("it is loading its data", "retry"),
    "MASTERDOWN": ("it is a replica that has lost its primary", "retry"),
    "MISCONF": ("it cannot write its data to disk, so it accepts nothing", "retry"),
    "NOAUTH": (_LOGIN, "pause"),
    "NOPERM": ("the user may not do this", "pause"),
    "NOREPLICAS": ("it has not as many replicas as it must have to accept writes", "retry"),
    "OOM": ("it has no memory left (maxmemory)", "retry"),
    "READONLY": ("it is a replica, which accepts no writes; another server may be the primary by now", "retry"),
    "TRYAGAIN": ("its cluster does not serve the key now", "retry"),
    "UNKNOWN": ("it does not know a command; Redis 6.2 or newer is needed", "pause"),
    "WRONGPASS": (_LOGIN, "pause"),
    "WRONGTYPE": ("something else stands under a key of the stream", "pause"),
}
# Of an error in a script Redis 6.2 has its own behind this, and later ones before everything else.
_IN_SCRIPT = re.compile(r"(?:@user_script: ?\d+: -?|^-?)([A-Z]{3,})\b")


def failure_of(error: BaseException, server: str, redact: Callable[[str], str]) -> Failure:
    """What an error means at this server."""
    text = redact(" ".join(str(error).split()))
    if isinstance(error, TimeoutError):
        return Failure(f"{server}: no answer in time")
    if not isinstance(error, said.ResponseError | said.RedisClusterError | said.BusyLoadingError):
        cause = error.__cause__ or error.__context__
        why = redact(" ".join(str(cause).split()) or type(cause).__name__) if isinstance(cause, Exception) else text
        shown = text or type(error).__name__
        if meaning := _meaning(error, ""):
            return Failure(f"{server}: {meaning[0]} ({shown})", meaning[1])
        return Failure(f"{server}: {shown}: {why}" if why != text else f"{server}: {shown}")
    found = _meaning(error, text)
    if found is None:
        return Failure(f"{server}: {text}", stale=False)
    return Failure(f"{server}: {found[0]} ({text})", found[1], stale=found[1] == "retry" and "OOM" not in text)


def _meaning(error: BaseException, text: str) -> tuple[str, OnError] | None:
    for classes, code in _CODES.items():
        if isinstance(error, classes):
            return _MEANINGS[code]
    codes = _IN_SCRIPT.findall(text)
    return next((_MEANINGS[code] for code in reversed(codes) if code in _MEANINGS), None)
