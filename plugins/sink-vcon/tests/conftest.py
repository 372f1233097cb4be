"""What the tests share: conversations of both vendors' simulated days, and the drafts' schemas."""

import json
import threading
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

import jsonschema
import pytest
from http_receiver import Server

from jackfield.addresses import Address
from jackfield.events import Event, Parties
from jackfield.plugin.secrets import Secret
from jackfield.testing import simulated_events
from jackfield_vcon.facts import Facts
from jackfield_vcon.on_demand import conversations as grouped
from jackfield_vinix import Vinix
from jackfield_vinix.simulator import ACCOUNT, VinixSimulator
from jackfield_voipbin import Voipbin
from jackfield_voipbin.simulator import CUSTOMER, VoipbinSimulator

SCHEMAS = [json.loads(path.read_text()) for path in sorted(Path(__file__).with_name("schemas").glob("*.json"))]
START = datetime(2026, 11, 26, 9, tzinfo=UTC)
TOKEN = Secret("text", "t")
VENDORS = {
    "vinix": lambda: simulated_events(
        Vinix(url="wss://gateway.example", auth_token=TOKEN, account_id=ACCOUNT), VinixSimulator("t", seed=1), 1500
    ),
    "documented": lambda: simulated_events(
        Voipbin(token=TOKEN, customer_id=CUSTOMER), VoipbinSimulator("t", seed=1), 1500
    ),
    "deployed": lambda: simulated_events(
        Voipbin(token=TOKEN, customer_id=CUSTOMER), VoipbinSimulator("t", seed=1, profile="2026-10"), 1500
    ),
}


@lru_cache
def conversations_of(vendor):
    """The events of each conversation of a day, by its key."""
    found = grouped(VENDORS[vendor]())
    return {key: events for key, events in found.items() if Facts.of(events).has_substance}


def make_event(kind, second=0, id="c1", *, correlation="c1", feed="office", data=None, received=None, **parties):
    entity, _, word = kind.partition(".")
    at = START + timedelta(seconds=second)
    address = Address("acme", "account", "A", entity, id, word)
    return Event(
        f"{kind}-{id}-{second}",
        kind,
        address,
        at,
        received or at,
        feed,
        correlation,
        parties=Parties(**parties),
        data=data,
    )


def check(vcon):
    """Both schemas accept it, and every index in it is one."""
    for schema in SCHEMAS:
        jsonschema.validate(vcon, schema)
    parties, dialogs = len(vcon["parties"]), len(vcon["dialog"])
    for dialog in filter(None, vcon["dialog"]):
        history = [each["party"] for each in dialog.get("party_history", ())]
        assert all(index < parties for index in [*dialog.get("parties", ()), *history])
        assert all(dialog.get(name, 0) < parties for name in ("originator", "transferor", "transferee"))
        assert all(dialog.get(name, 0) < dialogs for name in ("original", "target_dialog"))
        assert (dialog["type"] == "incomplete") == ("disposition" in dialog)
    for attachment in vcon["attachments"]:
        assert attachment["party"] < parties
        assert attachment["dialog"] < dialogs


@pytest.fixture
def serve():
    """Start servers; they stop with the test."""
    running = []

    def serve(context=None):
        server = Server(context)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        running.append((server, thread))
        return server

    yield serve
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(name="event", scope="session")
def _event():
    return make_event


@pytest.fixture(name="check")
def _check():
    return check


@pytest.fixture(name="conversations", scope="session")
def _conversations():
    return conversations_of
