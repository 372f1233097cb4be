"""Answer customers' messages by keyword, each at most once, even after a crash: a sink of your own.

    python docs/examples/auto_responder.py --demo           simulated vendors; answers are printed
    python docs/examples/auto_responder.py gateway.toml     see docs/how-to/auto-responder.md

A message is recorded in a file before it is answered. A crash in between leaves it unanswered, and the next start
reports it; it is never answered twice. STOP is recorded too: its sender gets one goodbye and no message after it.
"""

import re
import signal
import sys
import tempfile
import tomllib
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import attrs
import cattrs
import trio
from notes import Notes, open_notes
from simulated import simulated_feeds
from voipbin_messages import post, read_message

from jackfield import Event, JackfieldError, open_gateway
from jackfield.errors import DeliveryError
from jackfield.plugin.hooks import hookimpl
from jackfield.plugin.options import field_help, is_url
from jackfield.plugin.secrets import Secret
from jackfield.plugin.sink import Batch, SinkSpec

Send = Callable[[str, dict[str, Any]], object]
"""Sends one answer under a unique key; raises `DeliveryError` only if the answer was certainly not sent."""


@attrs.frozen
class Rules:
    """The rules file."""

    answers: dict[str, str]
    stop: list[str] = attrs.field(factory=lambda: ["STOP", "UNSUBSCRIBE"])
    goodbye: str = "You have been unsubscribed."

    def answer(self, text: str) -> tuple[str | None, bool]:
        """The answer, if any, and whether it is the last one; the first matching keyword of the file decides."""
        if text.strip(" .!\n").casefold() in {word.casefold() for word in self.stop}:
            return self.goodbye, True
        fitting = (word for word in self.answers if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE))
        return self.answers.get(next(fitting, "")), False


@attrs.frozen
class Responder:
    """The open sink."""

    rules: Rules
    notes: Notes
    send: Send
    limiter: trio.CapacityLimiter = attrs.field(factory=partial(trio.CapacityLimiter, 1))

    async def write(self, batch: Batch) -> None:
        """Answer each message in a thread, since files and HTTP block."""
        for place, event in enumerate(batch.events):
            try:
                await trio.to_thread.run_sync(self.answer, event, limiter=self.limiter)
            except DeliveryError as error:
                raise DeliveryError(error.reason, delivered=place, on_error=error.on_error, rejected_count=1) from None

    def answer(self, event: Event) -> None:
        """Answer one message, unless it was answered before or its sender has unsubscribed."""
        if event.kind != "message.received":
            return
        message = read_message(event)
        if message is None or not isinstance(message.text, str):
            print(f"{event.id}: the message has no sender or no text", file=sys.stderr)
            return
        answer, last = self.rules.answer(message.text)
        if answer is None or not self.notes.begin(message.key, message.number, last=last):
            return
        try:
            self.send(message.key, {"source": message.line, "destinations": [message.customer], "text": answer})
        except DeliveryError:
            self.notes.end(message.key, sent=False)
            raise
        self.notes.end(message.key, sent=True)


@attrs.frozen
class Options:
    """The ``[sinks.NAME]`` table with ``type = "auto-responder"``."""

    rules: str = attrs.field(metadata=field_help("the rules, a TOML file"))
    notes: str = attrs.field(metadata=field_help("the file of answered messages and unsubscribed numbers"))
    token: Secret | None = attrs.field(
        default=None, metadata=field_help("the API's token; without it, answers are printed")
    )
    api: str = attrs.field(
        default="https://api.voipbin.net", validator=is_url("http", "https"), metadata=field_help("the API's URL")
    )

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[Responder, None]:
        """Read the rules, and report the messages that the last run may have left unanswered."""
        try:
            document = tomllib.loads(await trio.Path(self.rules).read_text())
            rules = cattrs.Converter(forbid_extra_keys=True).structure(document, Rules)
        except (cattrs.BaseValidationError, ValueError) as error:
            problems = [str(error)] if isinstance(error, ValueError) else cattrs.transform_error(error)
            raise DeliveryError(f"{self.rules}: {'; '.join(problems)}") from None
        send = partial(post, self.api, self.token) if self.token else lambda *answer: print(*answer, flush=True)
        with open_notes(self.notes) as notes:
            for message in notes.crashed():
                print(f"{message}: may be unanswered because of a crash", file=sys.stderr)
            yield Responder(rules, notes, send)


@hookimpl
def jackfield_sinks() -> list[SinkSpec]:
    """Offer the sink ``auto-responder`` to a gateway that gets this module as a plugin."""
    return [SinkSpec("auto-responder", "answers messages by keyword", Options)]


async def main(config: Any) -> None:
    """Answer until SIGINT or SIGTERM."""
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with open_gateway(config, plugins=[sys.modules[__name__]]):
            await anext(signals)


async def demo() -> None:
    """Answer the messages of simulated vendors."""
    rules = 'answers = { hours = "We are open on weekdays.", parcel = "On its way." }'
    with tempfile.TemporaryDirectory() as folder:
        await trio.Path(folder, "rules.toml").write_text(rules)
        sink = {"type": "auto-responder", "rules": f"{folder}/rules.toml", "notes": f"{folder}/notes.db"}
        route = {"select": ["message.received"], "sinks": ["answers"]}
        async with simulated_feeds(rate=200.0) as feeds:
            await main({"feeds": feeds, "sinks": {"answers": sink}, "routes": [route]})


if __name__ == "__main__":
    try:
        trio.run(*((demo,) if sys.argv[1:] in ([], ["--demo"]) else (main, sys.argv[1])))
    except JackfieldError as error:
        sys.exit(str(error))
