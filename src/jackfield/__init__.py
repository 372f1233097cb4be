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

from jackfield._gateway import Gateway, GatewayStats, open_gateway
from jackfield._listener import Listener
from jackfield._registry import Registry
from jackfield.addresses import Address, AddressPattern, Source
from jackfield.config import GatewayConfig
from jackfield.errors import ConfigError, JackfieldError
from jackfield.events import Event
from jackfield.selectors import KindPattern, Selector

__all__ = [
    "Address",
    "AddressPattern",
    "ConfigError",
    "Event",
    "Gateway",
    "GatewayConfig",
    "GatewayStats",
    "JackfieldError",
    "KindPattern",
    "Listener",
    "Registry",
    "Selector",
    "Source",
    "open_gateway",
]
