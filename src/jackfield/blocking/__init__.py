"""The gateway in a script or a notebook, without ``async``.

::

    import jackfield.blocking

    with jackfield.blocking.open_gateway("gateway.toml") as gateway:
        with gateway.listen("contact.*", timeout=60) as contacts:
            for event in contacts:
                print(event.kind, event.address, event.data)

It is the same gateway with the same methods, on a thread of its own; the thread that calls waits. Plugins and
observers run on the gateway's thread. Ctrl-C interrupts any wait, and leaving the block closes everything in order.
"""

from jackfield.blocking._gateway import DurableListener, Gateway, Listener, open_gateway
from jackfield.blocking._watch import Watch

__all__ = ["DurableListener", "Gateway", "Listener", "Watch", "open_gateway"]
