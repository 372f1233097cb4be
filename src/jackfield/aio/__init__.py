"""The gateway inside an asyncio program, such as a web application.

::

    import asyncio, jackfield.aio

    async def main():
        async with jackfield.aio.open_gateway("gateway.toml") as gateway:
            with gateway.listen("contact.*") as contacts:
                async for event in contacts:
                    print(event.kind, event.address, event.data)

    asyncio.run(main())

It is the same gateway with the same methods; what has to cross to its thread is awaited here. Plugins and
observers run on that thread.
"""

from jackfield.aio._gateway import DurableListener, Gateway, Listener, open_gateway
from jackfield.aio._watch import Watch

__all__ = ["DurableListener", "Gateway", "Listener", "Watch", "open_gateway"]
