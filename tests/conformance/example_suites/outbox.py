"""The suite of the example plugin of an outbox: a source that is pulled from."""

import msgspec

from jackfield.testing import ProviderSuite
from jackfield_outbox import Outbox, Row

KINDS = ("call.initiated", "call.connected", "call.updated", "contact.queued", "agent.ready", "fax.sent")


class OutboxSuite(ProviderSuite):
    provider = Outbox("app", "app.db")
    unsubscribes = False

    def examples(self):
        rows = [Row(n, kind, f"{kind[:2]}-{n}", f'{{"number": {n}}}') for n, kind in enumerate(KINDS, 1)]
        return [msgspec.json.encode(row) for row in rows]
