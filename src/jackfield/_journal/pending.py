"""What changes in place and is not saved yet: of sinks, of feeds, and of durable subscriptions."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import TypeVar

import attrs
import trio

from jackfield._journal.downtime import AccountRow
from jackfield._journal.retrying import RetryingWorker
from jackfield._journal.store import Store
from jackfield._journal.store.records import DeadLetterRow, Durable, Loss, Notes, Token
from jackfield.errors import JournalError
from jackfield.events import Event

__all__ = ["PendingNotes"]

T = TypeVar("T")

# How long what has changed may stay unsaved; a save costs some pages on the disk, whatever has changed.
SAVE_SECONDS = 0.25
# Retention, which makes room on a full disk, does not wait longer for a save that the disk refuses.
FLUSH_SECONDS = 1.0


@attrs.define(eq=False)
class PendingNotes:
    """Collects changes, and saves them every so often."""

    _store: Store
    _capacity: int
    """So many dead letters may wait to be saved."""
    _worker: RetryingWorker
    _clock: Callable[[], float] = time.time
    known: dict[str, int] = attrs.field(factory=dict)
    """How far each sink had come when that was last saved: what goes before that is needed by nobody any more."""
    losses: dict[str, Loss] = attrs.field(factory=dict)
    tokens: dict[str, Token] = attrs.field(factory=dict)
    """The newest of each feed."""
    durable: dict[str, Durable] = attrs.field(factory=dict)
    """Each durable subscription, saved or not."""
    dead_lettered: Counter[str] = attrs.field(factory=Counter)
    """How many dead letters each sink has made since the journal was opened."""
    _unsaved_cursors: dict[str, int] = attrs.field(factory=dict)
    _unsaved_dead: list[DeadLetterRow] = attrs.field(factory=list)
    _unsaved_tokens: dict[str, Token] = attrs.field(factory=dict)
    _unsaved_accounts: dict[str, AccountRow] = attrs.field(factory=dict)
    _unsaved_losses: dict[str, Loss] = attrs.field(factory=dict)
    _unsaved_durable: dict[str, Durable | None] = attrs.field(factory=dict)
    _changed: trio.Event = attrs.field(factory=trio.Event)
    _saves: int = 0
    _saved: trio.Event = attrs.field(factory=trio.Event)
    _saving: trio.Lock = attrs.field(factory=trio.Lock)
    _finishing: trio.Event = attrs.field(factory=trio.Event)

    def __attrs_post_init__(self) -> None:
        saved = self._store.saved()
        self.known, self.losses, self.tokens = dict(saved.cursors), dict(saved.losses), dict(saved.tokens)
        self.durable = {name: row for name, row in saved.durable.items() if row is not None}

    def move(self, sink: str, position: int) -> None:
        """Note how far a sink has come."""
        self._unsaved_cursors[sink] = position
        self._stir()

    def dead_letter(self, sink: str, position: int, event: Event, reason: str, attempts: int) -> None:
        """Note a dead letter."""
        self.dead_lettered[sink] += 1
        at = int(self._clock() * 1_000_000)
        self._unsaved_dead.append(DeadLetterRow(sink, position, at, attempts, reason, event))
        self._stir()

    def acknowledge(self, feed: str, token: Token) -> None:
        """Note what a feed's vendor wants back."""
        self.tokens[feed] = self._unsaved_tokens[feed] = token
        self._stir()

    def account(self, feed: str, row: AccountRow) -> None:
        """Note where a feed's next run goes on."""
        self._unsaved_accounts[feed] = row
        self._stir()

    def lose(self, sink: str, count: int, *, slow: bool, ahead: int = 0) -> None:
        """Note that a sink has lost events, and how many of all that it has lost stand behind what it wants next."""
        down, late, _ = self.losses.get(sink, Loss())
        loss = Loss(down, late + count, ahead) if slow else Loss(down + count, late, ahead)
        self.losses[sink] = self._unsaved_losses[sink] = loss
        self._stir()

    def remember(self, name: str, row: Durable | None) -> None:
        """Note how far a durable subscription has come, or with ``None`` that it is to be forgotten."""
        self._unsaved_durable[name] = row
        if row is None:
            del self.durable[name]
        else:
            self.durable[name] = row
        self._stir()

    async def saved(self) -> None:
        """Wait until what is noted by now is saved; `JournalError` while the disk does not take it, which goes on."""
        if not self._anything():
            return
        noted = self._saves + 1 + self._saving.locked()  # a save that is under way may not have it
        while self._saves < noted and self._anything():
            if self._worker.problem:
                raise JournalError(self._worker.problem)
            await self._saved.wait()

    async def room(self) -> None:
        """Wait until what waits to be saved is little enough to read on; a full disk must not fill memory."""
        while len(self._unsaved_dead) >= self._capacity:
            await self._saved.wait()

    def finish(self) -> None:
        """Let `run` return once everything is saved."""
        self._finishing.set()
        self._changed.set()

    async def run(self) -> None:
        """Save what has changed, at most every so often, until `finish` is called."""
        while True:
            while not self._anything() and not self._finishing.is_set():
                self._changed = trio.Event()
                await self._changed.wait()
            if self._anything():
                await self._save()
            if self._finishing.is_set() and not self._anything():
                return
            with trio.move_on_after(SAVE_SECONDS):
                await self._finishing.wait()

    def _anything(self) -> bool:
        return bool(
            self._unsaved_cursors
            or self._unsaved_dead
            or self._unsaved_tokens
            or self._unsaved_accounts
            or self._unsaved_losses
            or self._unsaved_durable
        )

    def _stir(self) -> None:
        if self._store.instant:
            notes = self._take()
            self._store.save(notes)
            self._settle(notes)
        else:
            self._changed.set()

    async def flush(self) -> None:
        """Save what has changed such that a power failure spares it, if the disk allows that now."""
        with trio.move_on_after(FLUSH_SECONDS), suppress(JournalError):
            async with self._saving:
                notes = self._take()
                await self._worker.once(partial(self._store.save, notes, durable=True))
                self._settle(notes)

    async def _save(self) -> None:
        async with self._saving:
            notes = self._take()
            await self._worker.until_done(lambda: self._store.save(notes), lambda: len(self._unsaved_dead), self._wake)
            self._settle(notes)

    def _take(self) -> Notes:
        return Notes(
            dict(self._unsaved_cursors),
            tuple(self._unsaved_dead),
            dict(self._unsaved_tokens),
            dict(self._unsaved_accounts),
            dict(self._unsaved_losses),
            dict(self._unsaved_durable),
        )

    def _settle(self, notes: Notes) -> None:
        """Drop what has been saved."""
        self.known.update(notes.cursors)
        _drop_saved(self._unsaved_cursors, notes.cursors)
        _drop_saved(self._unsaved_tokens, notes.tokens)
        _drop_saved(self._unsaved_accounts, notes.accounts)
        _drop_saved(self._unsaved_losses, notes.losses)
        _drop_saved(self._unsaved_durable, notes.durable)
        del self._unsaved_dead[: len(notes.dead)]
        self._saves += 1
        self._wake()

    def _wake(self) -> None:
        self._saved.set()
        self._saved = trio.Event()


def _drop_saved(mine: dict[str, T], saved: Mapping[str, T]) -> None:
    for name, value in saved.items():
        if mine[name] == value:
            del mine[name]
