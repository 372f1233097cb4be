"""The suite of the example plugin of Genesys Cloud, before a small cloud."""

import json
import re
from types import MappingProxyType
from uuid import UUID

from vendors.genesys import Cloud

from jackfield.plugin.secrets import Secret
from jackfield.testing import ProviderSuite
from jackfield_genesys import Genesys

ALICE, BOB, SALES = (str(UUID(int=number)) for number in (0xA11CE, 0xB0B, 0x5A1E5))
CHANNEL = re.compile(r"/channel-\d+/")
BODIES = {
    f"v2.users.{ALICE}.presence": {
        "presenceDefinition": {"systemPresence": "Available"},
        "modifiedDate": "2026-01-01T12:00:00.000Z",
    },
    f"v2.users.{ALICE}.routingStatus": {"routingStatus": {"status": "IDLE", "startTime": "2026-01-01T12:00:01.000Z"}},
    f"v2.users.{BOB}.presence": {"presenceDefinition": {"systemPresence": "Meal"}},
    f"v2.users.{BOB}.conversations.calls": {"id": str(UUID(int=0xCA11)), "participants": []},
    f"v2.routing.queues.{SALES}.conversations.calls": {"id": str(UUID(int=0xCA12)), "participants": []},
}


class Channels:
    """What a channel's websocket says for a frame of ours: nothing; its topics are added by REST."""

    def __init__(self, cloud):
        self.channel = list(cloud.channels.values())[-1] if cloud.channels else None

    def received(self, frame):
        return ()


class GenesysSuite(ProviderSuite):
    provider = Genesys("acme", "client", Secret("text", "s3cret-of-the-client"), queues=(SALES,))
    roster = MappingProxyType({"user": (ALICE, BOB), "queue": (SALES,)})
    authenticates = refuses = True

    def __init__(self):
        self.cloud = Cloud(users=[ALICE, BOB])

    def examples(self):
        return [
            json.dumps(
                {"topicName": topic, "eventBody": body, "metadata": {"CorrelationId": f"correlation-{n}"}}
            ).encode()
            for n, (topic, body) in enumerate(BODIES.items())
        ]

    def vendor(self, *, refuses=False):
        self.cloud.refuses = refuses
        return Channels(self.cloud)

    def served(self, vendor):
        return None if vendor is None or vendor.channel is None else vendor.channel.topics

    def rest(self, request):
        return self.cloud.rest(request)

    def subscribes(self, request):
        return request.url.endswith("/subscriptions")

    def comparable(self, frame):
        return CHANNEL.sub("/channel/", frame)
