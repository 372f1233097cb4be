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

from jackfield._gateway import Gateway, open_gateway
from jackfield._listener import Listener, Overflow
from jackfield._registry import Registry
from jackfield._state import GatewayState
from jackfield.addresses import Address, AddressPattern, Source
from jackfield.config import GatewayConfig, Route
from jackfield.errors import ConfigError, JackfieldError, ListenerOverflow
from jackfield.events import Event
from jackfield.selectors import KindPattern, Selector

__all__ = [
    "Address",
    "AddressPattern",
    "ConfigError",
    "Event",
    "Gateway",
    "GatewayConfig",
    "GatewayState",
    "JackfieldError",
    "KindPattern",
    "Listener",
    "ListenerOverflow",
    "Overflow",
    "Registry",
    "Route",
    "Selector",
    "Source",
    "open_gateway",
]
