"""The sub-protocol ``jackfield.v1``: several subscriptions on one websocket, by small JSON messages.

A client sends ``subscribe`` (``id``, ``select``, and if it wants ``after``, ``state``, ``durable``), ``unsubscribe``
(``id``), ``resume`` (``id``, ``after``), and of a durable one ``acknowledge`` (``id``, ``position``). It gets
``subscribed`` with what it gets of what it asked for, ``event`` with its ``position``, ``notice`` for what it missed,
``snapshot`` and ``changes``, ``acknowledged`` once that is saved, ``unsubscribed``, and ``error``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

import attrs
import msgspec
import trio

from jackfield._serve.api import API, check_state
from jackfield._serve.asking import WORDS, Refused, check_name, read_selectors
from jackfield._serve.durable import TAKEN_OVER, Beginning
from jackfield._serve.grants import Grant
from jackfield._serve.messages import changes_document
from jackfield._serve.spoken import FIELDS, Asked, misplaced
from jackfield._serve.subscription import Start, Subscription
from jackfield.selectors import Selector

__all__ = ["Conversation"]

MOST_SUBSCRIPTIONS = 100
CHANGES_SECONDS = 0.25


@attrs.define(eq=False)
class _Open:
    """One subscription on the connection."""

    select: tuple[Selector, ...]
    state: bool
    durable: str = ""
    key: str = ""
    """Under which a durable one is known."""
    confirming: bool = False
    """Whether an answer to what was acknowledged is on its way."""
    scope: trio.CancelScope = attrs.field(factory=trio.CancelScope)


@attrs.define(eq=False)
class Conversation:
    """What one client asks for, and gets."""

    _api: API
    _grant: Grant
    _send: Callable[[list[bytes]], Awaitable[None]]
    _nursery: trio.Nursery
    _open: dict[str, _Open] = attrs.field(factory=dict)

    async def run(self, messages: AsyncIterator[str]) -> None:
        """Answer the client's messages until it ends."""
        async for text in messages:
            id = ""
            try:
                asked = msgspec.json.decode(text, type=Asked)
                id = asked.id
                await self._answer(asked)
            except (msgspec.MsgspecError, ValueError) as error:
                await self._say("error", id, error=f"{error}")
            except Refused as refusal:
                self._api.refuse(refusal.error)
                await self._say("error", id, error=refusal.error, **refusal.details)

    async def _answer(self, asked: Asked) -> None:
        if wrong := misplaced(asked):
            own = ", ".join(FIELDS[asked.type])
            raise Refused(400, f"{wrong}: {asked.type} does not have it{own and f'; it has {own}'}")
        opened = self._open.get(asked.id)
        match asked.type:
            case "subscribe":
                if opened is not None:
                    raise Refused(400, f"there is a subscription {asked.id!r} already")
                if len(self._open) >= MOST_SUBSCRIPTIONS:
                    raise Refused(400, f"a connection has at most {MOST_SUBSCRIPTIONS} subscriptions")
                if asked.state:
                    check_state(self._grant)
                wants_events = bool(asked.select) or not asked.state
                select = read_selectors(asked.select, self._grant) if wants_events else ()
                if asked.durable is not None:
                    check_name(asked.durable, state=asked.state)
                await self._begin(asked, _Open(select, asked.state, asked.durable or ""))
            case "resume":
                if opened is None:
                    raise Refused(400, f"there is no subscription {asked.id!r}")
                if opened.durable and asked.after in WORDS:
                    said = f"after: a durable subscription is resumed behind a position, not by {asked.after!r}"
                    raise Refused(400, said)
                await self._begin(asked, _Open(opened.select, opened.state, opened.durable), instead=opened)
            case "acknowledge":
                if opened is None or not opened.key:
                    raise Refused(400, f"there is no durable subscription {asked.id!r}")
                self._api.durables.acknowledge(opened.key, asked.position)
                if not opened.confirming:
                    opened.confirming = True
                    self._nursery.start_soon(self._confirm, asked.id, opened)
            case "unsubscribe":
                if opened is None:
                    raise Refused(400, f"there is no subscription {asked.id!r}")
                self._close(asked.id)
                await self._say("unsubscribed", asked.id)

    async def _begin(self, asked: Asked, opened: _Open, *, instead: _Open | None = None) -> None:
        if asked.after == "" or (asked.after is None and asked.type == "resume"):
            raise Refused(400, "after: is empty or missing; give a position, or subscribe to what comes next")
        after, resumed = ("", asked.after or "") if instead is not None else (asked.after or "", "")
        beginning = self._api.begin(opened.select, self._grant, after, opened.durable, resumed)
        opened.key = beginning.key
        if instead is not None:
            instead.scope.cancel()
        self._open[asked.id] = opened
        await self._say("subscribed", asked.id, select=[str(each) for each in opened.select])
        self._nursery.start_soon(self._run_one, asked.id, opened, beginning, bool(asked.after))

    async def _confirm(self, id: str, opened: _Open) -> None:
        """Confirm what is saved, once it is; of several that it acknowledges meanwhile the last."""
        durables, position = self._api.durables, ""
        try:
            while position != (position := durables.position(opened.key)):
                await durables.saved()
                await self._say("acknowledged", id, position=position)
        except Refused as refusal:
            self._api.refuse(refusal.error)
            await self._say("error", id, error=refusal.error)
        opened.confirming = False

    def _close(self, id: str) -> None:
        self._open.pop(id).scope.cancel()

    async def _run_one(self, id: str, opened: _Open, beginning: Beginning, resumed: bool) -> None:
        with opened.scope:
            if not opened.state:
                with self._api.durables.follow(opened.key) as following:
                    await self._send_events(id, opened, beginning)
                if following.cancelled_caught and self._open.get(id) is opened:
                    del self._open[id]
                    await self._say("unsubscribed", id, reason=TAKEN_OVER)
                return
            async with self._api.states.watching(self._grant) as (watch, document):
                snapshot, positions = watch.snapshot, self._api.positions
                owners = {key: each.feed for table in (snapshot.agents, snapshot.queues) for key, each in table.items()}
                await self._say("snapshot", id, state=msgspec.Raw(document))
                beginning = beginning if resumed else Beginning(Start(snapshot.position + 1))
                async with trio.open_nursery() as nursery:
                    if opened.select:
                        nursery.start_soon(self._send_events, id, opened, beginning)
                    async for changes in watch:
                        now = datetime.now(UTC)
                        if shown := changes_document(changes, self._grant, positions, now, owners):
                            await self._say("changes", id, state=msgspec.Raw(shown))
                        await trio.sleep(CHANGES_SECONDS)

    async def _send_events(self, id: str, opened: _Open, beginning: Beginning) -> None:
        subscription = self._api.subscribe(opened.select, self._grant, beginning)
        try:
            while True:
                await self._send_piece(id, subscription)
                if (pause := self._api.pause()) >= 0.001:
                    await trio.sleep(pause)
        finally:
            self._api.release(subscription)

    async def _send_piece(self, id: str, subscription: Subscription) -> None:
        piece, positions = await subscription.take(), self._api.positions
        if piece.notice is not None:
            await self._say("notice", id, event=msgspec.Raw(piece.notice.to_json()))
        name = msgspec.json.encode(id)
        texts = [
            b'{"type":"event","id":%b,"position":"%b","event":%b}'
            % (name, positions.text(entry.position).encode(), entry.text(self._grant, positions))
            for entry in piece.entries
        ]
        self._api.counts.sent += len(texts)
        self._api.counts.sent_bytes += sum(map(len, texts))
        if texts:
            await self._send(texts)

    async def _say(self, type: str, id: str, **more: object) -> None:
        await self._send([msgspec.json.encode({"type": type, "id": id, **more})])
