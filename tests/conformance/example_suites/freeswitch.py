"""The suites of the example plugin of FreeSWITCH, in both formats of its events."""

from vendors.freeswitch import PASSWORD, Socket, event, written

from jackfield.plugin.secrets import Secret
from jackfield.testing import ProviderSuite
from jackfield_freeswitch import KINDS, Freeswitch

CALL = "b5a5c1a4-7a52-4a4c-9a77-3b1f7a0e5d11"


class FreeswitchSuite(ProviderSuite):
    provider = Freeswitch("pbx-1", Secret("text", PASSWORD))
    acknowledges = True
    refuses = True

    def examples(self):
        return [written(event(name, CALL, number)) for number, name in enumerate([*KINDS, "CUSTOM"])]

    def vendor(self, *, refuses=False):
        return Socket(refuses)


class PlainFreeswitchSuite(FreeswitchSuite):
    provider = Freeswitch("pbx-1", Secret("text", PASSWORD), format="plain")

    def examples(self):
        return [written(event(name, CALL, number, Reason="a b:c"), "plain") for number, name in enumerate(KINDS)]
