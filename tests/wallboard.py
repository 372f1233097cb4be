"""A script of a contact centre's day with known figures, and a page that shows it."""

import os
import tempfile
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import trio
from browser import open_page

import jackfield
from jackfield._dashboard.access import Access
from jackfield._dashboard.site import Site
from jackfield.addresses import Address
from jackfield.config import GatewayConfig, GatewayOptions
from jackfield.events import Event, Parties

SUPPORT, SALES = ("q1", "Support"), ("q2", "Sales, which has a name that no column is as wide as")

FIGURES = {
    "level": ("79 %", "11 of 14 within 20 s"),
    "waiting": ("2", "contacts in queues"),
    "longest": ("1:", "Support"),
    "abandoned": ("14 %", "2 of 14 today"),
}
"""What the tiles show of the script: the value's beginning, and the note."""
FACTS = {"answered": "12", "speed": "0:09", "handle": "1:00", "talking": "1"}
STAFF = {"ready": "2", "busy": "1", "wrapup": "1", "not_ready": "1"}
TONES = {"level": "warn", "waiting": "good", "longest": "warn", "abandoned": "bad"}


def zone_of_noon(now):
    """A time zone in which it is about noon, so that the script's events are of one day."""
    hours = 12 - now.hour
    return f"Etc/GMT{-hours:+}" if hours else "UTC"


def at_noon(now, journal="memory", **tables):
    return GatewayConfig((), gateway=GatewayOptions(time_zone=zone_of_noon(now), journal=str(journal)), **tables)


class Script:
    """Its events; each is of a moment before now."""

    def __init__(self, now=None):
        self.now = now or datetime.now(UTC)
        self.events, self.serial = [], 0

    def happens(self, kind, id, ago, resource="contact", correlation=None, **parties):
        self.serial += 1
        at = self.now - timedelta(seconds=ago)
        address = Address("acme", "account", "A", resource, id, "word")
        about = Parties(**{name: text for name, text in parties.items() if text})
        event = Event(f"e{self.serial}", kind, address, at, at, "office", correlation, parties=about)
        self.events.append(event)

    def connected(self):
        """The feed is up."""
        self._stream("connected", self.now - timedelta(hours=1), by="webhook")

    def synced(self):
        """Its vendor has listed everything, and there was nothing."""
        at = self.now - timedelta(minutes=59)
        self._stream("synced", at, as_of=at.isoformat(), listed=[], complete=["agent", "call", "contact", "queue"])

    def disconnected(self):
        self._stream("disconnected", self.now)

    def gap(self):
        """Events may be missing until now."""
        self._stream("gap_suspected", self.now, since=(self.now - timedelta(seconds=5)).isoformat())

    def _stream(self, word, at, **data):
        address = Address("acme", "account", "A", "stream", "office", word)
        self.events.append(Event(word, f"stream.{word}", address, at, at, "office", data=data))

    def contact(self, id, queue, ago, caller=""):
        queue_id, queue_name = queue
        parties = {"queue_id": queue_id, "queue_name": queue_name, "caller": caller}
        self.happens("contact.queued", id, ago, correlation=id, **parties)
        return parties

    def answered(self, id, queue, ago, wait, agent="", handle=60.0):
        """A contact that waited so long, and was handled for a minute unless it still is."""
        parties = self.contact(id, queue, ago, "+493012345")
        parties |= {"agent_id": agent, "agent_name": agent.title()}
        self.happens("contact.connected", id, ago - wait, correlation=id, **parties)
        if handle:
            self.happens("contact.disconnected", id, ago - wait - handle, correlation=id, **parties)
            self.happens("contact.ended", id, ago - wait - handle, correlation=id)

    def abandoned(self, id, queue, ago, wait):
        self.contact(id, queue, ago)
        self.happens("contact.abandoned", id, ago - wait, correlation=id)

    def agent(self, id, *kinds, reason=""):
        for place, kind in enumerate(kinds):
            why = reason if kind == "not_ready" else ""
            self.happens(
                f"agent.{kind}", id, 900 - place, "agent", agent_id=id, agent_name=id.title(), agent_reason=why
            )

    @classmethod
    def of_the_day(cls):
        """Eleven of fourteen answered in time, two given up; two wait, the longer one for a little over a minute."""
        day = cls()
        day.connected()
        day.synced()
        for name, kinds in {
            "ann": ["logged_on", "ready"],
            "bob": ["logged_on", "ready"],
            "cleo": ["logged_on", "ready"],
            "dan": ["logged_on", "ready", "wrapup_started"],
            "eve": ["logged_on", "not_ready"],
        }.items():
            day.agent(name, *kinds, reason="lunch")
        for number in range(8):
            day.answered(f"s{number}", SUPPORT, 600 - number, wait=5)
        day.answered("s8", SUPPORT, 600, wait=40)
        day.abandoned("s9", SUPPORT, 600, wait=30)
        for number in range(2):
            day.answered(f"t{number}", SALES, 500, wait=10)
        day.answered("t2", SALES, 300, wait=10, agent="cleo", handle=0)
        day.abandoned("t3", SALES, 500, wait=30)
        day.contact("w1", SUPPORT, 62, "+49 30 555-0100")
        day.contact("w2", SALES, 11, "+15550142")
        return day


@asynccontextmanager
async def shown(folder, config, *events, path="", width=1440, viewers=()):
    """A page that shows what a gateway publishes; the page, the gateway and the URL."""
    site = Site(Access("127.0.0.1", viewers=viewers))
    async with (
        jackfield.open_gateway(config, plugins=[site]) as gateway,
        open_page(folder) as page,
        trio.open_nursery() as nursery,
    ):
        await gateway.snapshot()  # the state follows from here on
        await gateway.publish(*events)
        url = await nursery.start(partial(site.run, gateway, 0))
        await page.window(width)
        await page.open(url + path)
        yield page, gateway, url
        nursery.cancel_scope.cancel()


def find_axe():
    """The script of axe-core, or None: as ``npm install axe-core`` leaves it in a temporary folder `axe`."""
    there = Path(tempfile.gettempdir()) / "axe" / "node_modules" / "axe-core" / "axe.min.js"
    path = Path(os.environ.get("AXE_CORE", there))
    return path.read_text() if path.is_file() else None
