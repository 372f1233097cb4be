"""One agent at several vendors, as lines of text; no clock, no terminal, no network."""

from datetime import datetime

import attrs
from standing import Standing, agent_name, timer

from jackfield.state import Agent, Change, Feed, Snapshot

ENTITIES = ("feed", "call", "contact", "agent", "queue")
WITH_CONTACT = ("reserved", "busy", "wrapup")


@attrs.define
class Desktop:
    """The state of one agent, identified by name."""

    agent: str
    standing: Standing = attrs.field(factory=Standing)
    _said: dict[str, str] = attrs.field(factory=dict)
    """The last text of each row without its timer."""
    _contacts: dict[str, str] = attrs.field(factory=dict)
    """By agent: the contact that is or was in hand, for the time of the wrap-up."""

    def show(self, snapshot: Snapshot) -> None:
        """Begin with everything as it stands."""
        self.standing.begin(snapshot)

    def change(self, change: Change, now: datetime) -> str:
        """Take in one change; the text of the agent's row if it is another one, else an empty one."""
        value = self.standing.put(change)
        if isinstance(value, Feed):
            return "\n          ".join(filter(None, (self._news(each, now) for each in self._mine(value.name))))
        if isinstance(value, Agent) and agent_name(value) == self.agent:
            return self._news(value, now)
        return ""

    def lines(self, now: datetime) -> list[str]:
        """One line per vendor."""
        return [self._text(each, now) for each in sorted(self._mine(), key=lambda each: each.feed)]

    def _mine(self, feed: str = "") -> list[Agent]:
        agents = self.standing.agents.values()
        return [each for each in agents if agent_name(each) == self.agent and feed in ("", each.feed)]

    def _news(self, agent: Agent, now: datetime) -> str:
        text = self._text(agent, agent.since)
        before, self._said[agent.key] = self._said.get(agent.key), text
        return self._text(agent, now) if before != text else ""

    def _text(self, agent: Agent, now: datetime) -> str:
        """The agent at one vendor, with the contact in hand."""
        feed = self.standing.feeds.get(agent.feed)
        word = self.standing.word(agent) if feed is not None and feed.live else "offline"
        text = f"{agent.feed:<12} {self.agent:<10} {word:<10} {timer(agent.since, now):<10}"
        if agent.contact:
            contact = self.standing.contacts.get(agent.contact)
            if contact is not None:
                caller, queue = self.standing.caller(contact), self.standing.queue(contact)
                self._contacts[agent.key] = f" {caller or 'unknown caller'}, queue {queue or 'unknown'}"
        if agent.state not in WITH_CONTACT:
            self._contacts.pop(agent.key, None)
        return (text + self._contacts.get(agent.key, "")).rstrip()
