"""Jackfield: the event feeds of telephony and contact-centre vendors as one stream.

::

    import jackfield, trio

    async def main():
        async with jackfield.open_gateway("gateway.toml") as gateway:
            with gateway.listen("contact.*") as contacts:
                async for event in contacts:
                    print(event.kind, event.address, event.data)

    trio.run(main)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jackfield._gateway.durable_listener import DurableListener
    from jackfield._gateway.gateway import Gateway
    from jackfield._gateway.listener import Listener
    from jackfield._gateway.opening import open_gateway
    from jackfield._gateway.snapshot import GatewayState
    from jackfield._gateway.watch import Changes, Watch
    from jackfield._loading.registry import Registry
    from jackfield.addresses import Address, AddressPattern, Source
    from jackfield.config import GatewayConfig, Route
    from jackfield.errors import ConfigError, JackfieldError, ListenerOverflow
    from jackfield.events import Event
    from jackfield.plugin.provider import Plan, PlanEntry
    from jackfield.reports import Overflow
    from jackfield.selectors import KindPattern, Selector

__all__ = [
    "Address",
    "AddressPattern",
    "Changes",
    "ConfigError",
    "DurableListener",
    "Event",
    "Gateway",
    "GatewayConfig",
    "GatewayState",
    "JackfieldError",
    "KindPattern",
    "Listener",
    "ListenerOverflow",
    "Overflow",
    "Plan",
    "PlanEntry",
    "Registry",
    "Route",
    "Selector",
    "Source",
    "Watch",
    "open_gateway",
]

_HOMES = {
    "_gateway.durable_listener": ("DurableListener",),
    "_gateway.gateway": ("Gateway",),
    "_gateway.listener": ("Listener",),
    "_gateway.opening": ("open_gateway",),
    "_gateway.snapshot": ("GatewayState",),
    "_gateway.watch": ("Changes", "Watch"),
    "_loading.registry": ("Registry",),
    "addresses": ("Address", "AddressPattern", "Source"),
    "config": ("GatewayConfig", "Route"),
    "errors": ("ConfigError", "JackfieldError", "ListenerOverflow"),
    "events": ("Event",),
    "plugin.provider": ("Plan", "PlanEntry"),
    "reports": ("Overflow",),
    "selectors": ("KindPattern", "Selector"),
}


def __getattr__(name: str) -> Any:
    # Each comes when it is first used: the command, and a plugin that needs two of them, start sooner.
    for home, names in _HOMES.items():
        if name in names:
            value = globals()[name] = getattr(import_module(f"jackfield.{home}"), name)
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
