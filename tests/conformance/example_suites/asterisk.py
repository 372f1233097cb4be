"""The suite of the example plugin of Asterisk."""

import json

from jackfield.plugin.secrets import Secret
from jackfield.testing import ProviderSuite
from jackfield_asterisk import Asterisk

CHANNEL = {
    "id": "1554148909.28",
    "name": "PJSIP/alice-0000001c",
    "state": "Up",
    "caller": {"name": "", "number": "+15550100"},
    "connected": {"name": "", "number": ""},
    "accountcode": "",
    "dialplan": {"context": "in", "exten": "s", "priority": 1},
    "creationtime": "2019-04-01T20:01:49.718+0200",
    "language": "en",
}
BRIDGE = {
    "id": "71de0c21-cf12-454c-bf60-bed9f022e71e",
    "technology": "softmix",
    "bridge_type": "mixing",
    "bridge_class": "base",
    "creator": "ConfBridge",
    "name": "1234",
    "channels": [],
    "creationtime": "2019-04-01T20:01:52.821+0200",
    "video_mode": "none",
}


def ari(name, second, **more):
    moment = f"2019-04-01T20:01:{second:02}.780+0200"
    return {"type": name, "timestamp": moment, **more, "asterisk_id": "00:11:22:33:44:55", "application": "desk"}


FRAMES = {
    "call.initiated": ari("ChannelCreated", 1, channel=CHANNEL | {"state": "Down"}),
    "call.alerting": ari("ChannelStateChange", 2, channel=CHANNEL | {"state": "Ringing"}),
    "call.connected": ari("ChannelStateChange", 3, channel=CHANNEL),
    "call.updated": ari("StasisStart", 4, args=["sales"], channel=CHANNEL),
    "conference.started": ari("BridgeCreated", 5, bridge=BRIDGE),
    "conference.participant_joined": ari("ChannelEnteredBridge", 6, bridge=BRIDGE, channel=CHANNEL),
    "conference.participant_left": ari("ChannelLeftBridge", 7, bridge=BRIDGE, channel=CHANNEL),
    "call.clearing": ari("ChannelHangupRequest", 8, cause=16, channel=CHANNEL),
    "call.cleared": ari("ChannelDestroyed", 9, cause=16, cause_txt="Normal Clearing", channel=CHANNEL),
    "unmapped.device_state": ari("DeviceStateChanged", 10, device_state={"name": "confbridge:1234", "state": "INUSE"}),
    "unmapped.endpoint": ari("PeerStatusChange", 11, endpoint={"technology": "PJSIP", "resource": "alice"}),
    "unmapped.application": ari("SomethingNew", 12, thing={"id": "1"}),
}


class AsteriskSuite(ProviderSuite):
    provider = Asterisk(app="desk", username="jackfield", password=Secret("text", "pw-s3cret"))
    unsubscribes = False

    def examples(self):
        digits = [ari("ChannelDtmfReceived", 20 + number, digit="5", channel=CHANNEL) for number in range(2)]
        return [
            json.dumps(each).encode() for each in [*FRAMES.values(), *digits, ari("StasisEnd", 30, channel=CHANNEL)]
        ]
