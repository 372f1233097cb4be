"""Telegram for Jackfield: the messages of a bot's chats, by a long poll.

``getUpdates`` is answered when there is something, or empty after a while. A request with an offset tells Telegram that
everything before it was received, so that it is deleted there: the next request goes out only when the events of the
last answer are in the journal, and an update's number is its token, from which a restarted gateway goes on. So no
message is lost and there is no gap, as long as the gateway is away for less than the 24 hours that Telegram keeps them.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

import attrs
import msgspec

from jackfield.addresses import AddressPattern, Source
from jackfield.errors import FrameError
from jackfield.events import Event, content_id
from jackfield.kinds import unmapped_kind
from jackfield.plugin.frames import decode_frame, unix_moment
from jackfield.plugin.hooks import hookimpl
from jackfield.plugin.http import Request, Response
from jackfield.plugin.options import field_help, ge, is_url
from jackfield.plugin.protocol import Action, Emit, FeedProtocol, Ignore
from jackfield.plugin.provider import ProviderSpec
from jackfield.plugin.secrets import Secret
from jackfield.plugin.single_topic import ReadOnly, SingleTopic
from jackfield.plugin.transport import LongPoll

jackfield_api = 1
PROVIDER = "telegram"
KINDS = {"message": "message.received", "channel_post": "message.received"}
UNMAPPED = unmapped_kind("chat")


def dialect(bot: str) -> SingleTopic:
    """Everything of one bot; an update is about a chat, and its sort is the last segment of its address."""
    return SingleTopic(Source(PROVIDER, "bot", bot), _kinds_of, "updates", resources=("chat",))


def _kinds_of(pattern: AddressPattern) -> frozenset[str]:
    if pattern.event is not None:
        return frozenset({KINDS.get(pattern.event, UNMAPPED)})
    return frozenset({*KINDS.values(), UNMAPPED})


@attrs.frozen
class Reader:
    """Reads answers: each is a frame with a list of updates."""

    feed: str
    bot: str

    def read(self, frame: bytes, at: datetime) -> Iterable[Action]:
        answer = decode_frame(msgspec.json.decode, frame)
        if not isinstance(answer, dict) or not isinstance(updates := answer.get("result"), list):
            raise FrameError("not an answer of getUpdates: there is no list 'result'", frame)
        if not updates:
            return (Ignore("nothing new"),)
        return tuple(self._action(each, at) for each in updates)

    def _action(self, update: Any, at: datetime) -> Action:
        if (number := _number(update)) is None:
            return Ignore("an update without update_id")
        word, body = next(((key, each) for key, each in update.items() if isinstance(each, dict)), ("unknown", {}))
        chat = _chat(body)
        event = Event(
            id=content_id(self.bot.encode(), str(number).encode()),
            kind=KINDS.get(word, UNMAPPED),
            address=dialect(self.bot).address_of(f"chat:{chat}", word),
            time=unix_moment(body.get("date")),
            received=at,
            feed=self.feed,
            correlation=chat,
            native_type=word,
            data=update,
        )
        return Emit(event, token=str(number))


def _number(update: Any) -> int | None:
    number = update.get("update_id") if isinstance(update, dict) else None
    return number if isinstance(number, int) and not isinstance(number, bool) else None


def _chat(body: dict[str, Any]) -> str:
    """The chat that an update is about; of a pressed button that of its message."""
    for holder in (body, body.get("message")):
        chat = holder.get("chat") if isinstance(holder, dict) else None
        if isinstance(chat, dict) and isinstance(chat.get("id"), int):
            return str(chat["id"])
    return "unknown"


@attrs.frozen
class Telegram:
    """A feed of one bot."""

    bot: str = attrs.field(
        validator=attrs.validators.matches_re(r"\d+"), metadata=field_help("the bot's id: the digits before the colon")
    )
    token: Secret = attrs.field(metadata=field_help("what follows the colon in the bot's token"))
    url: str = attrs.field(
        default="https://api.telegram.org", validator=is_url("http", "https"), metadata=field_help("the API's server")
    )
    poll_seconds: int = attrs.field(
        default=50, validator=ge(1), metadata=field_help("seconds after which a request is answered without an update")
    )
    ca_file: str | None = attrs.field(default=None, metadata=field_help("a PEM file of the authorities to trust"))

    endpoint_resumes = True  # it begins with the oldest update that was never confirmed

    @property
    def source(self) -> Source:
        return Source(PROVIDER, "bot", self.bot)

    @property
    def dialect(self) -> SingleTopic:
        return dialect(self.bot)

    def endpoint(self) -> LongPoll:
        return self._poll(None)

    def resume_from(self, token: str) -> LongPoll:
        return self._poll(int(token) + 1)

    def _poll(self, offset: int | None) -> LongPoll:
        ask = partial(self._request, self.token.reveal())
        # The token is in the path, so the URL is not to be shown.
        return LongPoll(ask(offset), Polling(ask, offset).following, self.poll_seconds + 30.0, display=self.url)

    def _request(self, token: str, offset: int | None) -> Request:
        query = {"timeout": self.poll_seconds} | ({} if offset is None else {"offset": offset})
        return Request("GET", f"{self.url}/bot{self.bot}:{token}/getUpdates?{urlencode(query)}", ca_file=self.ca_file)

    def protocol(self, feed: str, before: FeedProtocol | None = None) -> ReadOnly:
        return ReadOnly(Reader(feed, self.bot).read)


@attrs.define
class Polling:
    """Where the next request of one connection begins."""

    ask: Callable[[int | None], Request]
    offset: int | None

    def following(self, response: Response) -> Request:
        """The request behind the newest update; `FrameError` ends the connection, since the same would come again."""
        answer = decode_frame(msgspec.json.decode, response.body)
        updates = answer.get("result") if isinstance(answer, dict) else None
        if not isinstance(updates, list):
            raise FrameError("not an answer of getUpdates: there is no list 'result'", response.body)
        numbers = [number for number in map(_number, updates) if number is not None]
        if updates and not numbers:
            raise FrameError("updates without an update_id", response.body)
        self.offset = max(numbers) + 1 if numbers else self.offset
        return self.ask(self.offset)


@hookimpl
def jackfield_providers() -> list[ProviderSpec]:
    """Offer the provider ``telegram``."""
    return [
        ProviderSpec(
            PROVIDER,
            "Telegram: the messages of a bot's chats, by a long poll",
            Telegram,
            dialects=lambda bot: {"updates": dialect(bot)},
            decoder=lambda feed: ReadOnly(Reader(feed, "unknown").read),
        )
    ]
