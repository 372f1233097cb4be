"""What the terminal programs know: the gateway's state as it stands, and the words for it. No vendor is known here."""

from datetime import date, datetime

import attrs

from jackfield.state import Agent, Call, Change, Contact, Feed, Queue, Snapshot, Totals

WORDS = {
    "initiated": "new",
    "originated": "dialling",
    "alerting": "ringing",
    "connected": "talking",
    "clearing": "hanging up",
    "cleared": "over",
    "created": "new",
    "queued": "waiting",
    "routed": "offered",
    "disconnected": "hung up",
    "dequeued": "left",
    "abandoned": "gave up",
    "ended": "over",
    "logged_off": "logged off",
    "not_ready": "away",
    "reserved": "offered",
    "busy": "talking",
    "wrapup": "wrap-up",
}
"""For the states of `jackfield.state.lives`; the others are shown as they are."""


def printable(text: str) -> str:
    """The text without control characters, which a terminal would obey."""
    return "".join(each if each.isprintable() else "?" for each in text)


def timer(since: datetime, now: datetime) -> str:
    """How long ago that was, as minutes and seconds."""
    seconds = max(0, int((now - since).total_seconds()))
    return f"{seconds // 60}:{seconds % 60:02}"


@attrs.define
class Standing:
    """Everything as it stands."""

    feeds: dict[str, Feed] = attrs.field(factory=dict)
    calls: dict[str, Call] = attrs.field(factory=dict)
    contacts: dict[str, Contact] = attrs.field(factory=dict)
    agents: dict[str, Agent] = attrs.field(factory=dict)
    queues: dict[str, Queue] = attrs.field(factory=dict)
    totals: dict[str, Totals] = attrs.field(factory=dict)
    """Today's; kept by the gateway."""
    _callers: dict[str, str] = attrs.field(factory=dict)
    """By contact, as its call says it: not every vendor says it of the contact."""

    def begin(self, snapshot: Snapshot) -> None:
        """Begin with a snapshot."""
        self.feeds, self.queues, self.agents = dict(snapshot.feeds), dict(snapshot.queues), dict(snapshot.agents)
        self.totals = dict(snapshot.totals)
        for call in snapshot.calls.values():
            self._put(call)
        for contact in snapshot.contacts.values():
            self._put(contact)

    def put(self, change: Change) -> Call | Contact | Agent | Feed | None:
        """Take in one change; what it is about, where that is something to show."""
        match change.value:
            case Feed() as feed:
                self.feeds[change.key] = feed
                return feed
            case Queue() as queue:
                self.queues[change.key] = queue
            case Totals() as totals:
                self.totals[change.key] = totals
            case Agent() as agent:
                self.agents[change.key] = agent
                return agent
            case Call() | Contact() as value:
                self._put(value)
                return value
        return None

    def _put(self, value: Call | Contact) -> None:
        if isinstance(value, Call):
            self.calls.pop(value.key, None)
            if value.contact and (name := number_and_name(value)):
                self._callers[value.contact] = name
            if not value.over:
                self.calls[value.key] = value
        elif not value.over:
            self.contacts[value.key] = value
        else:
            self.contacts.pop(value.key, None)
            self._callers.pop(value.key, None)

    def snapshot(self, day: date) -> Snapshot:
        """What is known, for figures."""
        known = (self.feeds, self.calls, self.contacts, self.agents, self.queues)
        return Snapshot(0, *known, day=day, totals=self.totals)

    def caller(self, value: Call | Contact) -> str:
        """The caller's name and number."""
        return printable(number_and_name(value) or self._callers.get(value.key, ""))

    def queue(self, contact: Contact) -> str:
        """The queue's name; without one, the beginning of its id."""
        known = self.queues.get(contact.queue)
        return printable(contact.queue_name or (known.name if known else "") or contact.queue.partition("/")[2][:8])

    def agent(self, contact: Contact) -> str:
        """The agent's name, where the contact is with one."""
        known = self.agents.get(contact.agent)
        return agent_name(known) if known and contact.state in ("offered", "routed", "connected") else ""

    def word(self, value: Call | Contact | Agent) -> str:
        """The state in a word; what is stale or unconfirmed is not shown as if it were known."""
        feed = self.feeds.get(value.feed)
        certainty = feed.certainty(value) if feed else "unconfirmed"
        return WORDS.get(value.state, value.state) if certainty == "live" else "unknown"


def number_and_name(value: Call | Contact) -> str:
    """Who calls, as far as that is said."""
    return " ".join(filter(None, dict.fromkeys((value.caller_name, value.caller))))


def agent_name(agent: Agent) -> str:
    """The agent's name without a mail address's domain; without a name, the beginning of the id."""
    return printable(agent.name.partition("@")[0] or agent.id[:8])
