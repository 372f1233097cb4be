"""One simulated hour at both vendors, side by side: how often each kind of event came.

    python tests/bench/vendors_hour.py [SEED]

The same day goes through both simulators, at ten happenings a second, and each provider makes neutral events of it. A
contact counts once it is over at both; whatever else a vendor reports of it may differ, the counted kinds may not.
"""

import sys
from collections import Counter
from datetime import UTC, datetime
from itertools import islice

from jackfield.plugin.secrets import Secret
from jackfield.simulation.day import Day
from jackfield.state import State
from jackfield.testing import simulated_events
from jackfield_vinix import Vinix
from jackfield_vinix.simulator import ACCOUNT, VinixSimulator
from jackfield_voipbin import Voipbin
from jackfield_voipbin.simulator import CUSTOMER, VoipbinSimulator

HAPPENINGS = 36_000
COUNTED = ("contact.queued", "offer.created", "contact.connected", "contact.abandoned", "over")
TOKEN = Secret("text", "of-nobody")
AT = datetime(2026, 1, 1, tzinfo=UTC)


def contacts_of(events):
    """By the caller's number, the kinds of events of each contact that is over, counted."""
    state, kinds = State(most=10**6), {}
    for event in {event.id: event for event in events}.values():
        state.apply(event)
        kinds.setdefault(event.correlation, Counter())[event.kind] += 1
    snapshot = state.snapshot(AT)
    callers = {call.contact: call.caller for call in snapshot.calls.values()}
    return {
        contact.caller or callers.get(contact.key): kinds[contact.id] + Counter(over=1)
        for contact in snapshot.contacts.values()
        if contact.over
    }


def main(seed):
    """Print the table; 1 where a counted kind differs for any contact."""
    contacts = sum(event.what == "queued" for event in islice(Day(seed, lambda: AT), HAPPENINGS))
    voipbin = Voipbin(token=TOKEN, customer_id=CUSTOMER)
    vinix = Vinix(url="wss://gateway.example", auth_token=TOKEN, account_id=ACCOUNT)
    ours = contacts_of(simulated_events(voipbin, VoipbinSimulator("of-nobody", seed=seed), HAPPENINGS))
    theirs = contacts_of(simulated_events(vinix, VinixSimulator("of-nobody", seed=seed), HAPPENINGS))
    both = ours.keys() & theirs.keys()
    totals = [sum((each[caller] for caller in both), Counter()) for each in (ours, theirs)]
    different = [caller for caller in both if any(ours[caller][kind] != theirs[caller][kind] for kind in COUNTED)]
    print(f"seed {seed}: {contacts} contacts in {HAPPENINGS} happenings; {len(both)} are over at both")
    print(f"{'':30} {'voipbin':>9} {'vinix':>9}")
    for kind in dict.fromkeys([*COUNTED, *sorted(totals[0] | totals[1])]):
        print(f"{kind:30} {totals[0][kind]:9} {totals[1][kind]:9}")
    print(f"contacts whose counted kinds differ: {len(different)}")
    return int(bool(different))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1))
