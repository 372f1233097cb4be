"""vCons for Jackfield: the options of a ``[sinks.NAME]`` table with ``type = "vcon"``."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import attrs

from jackfield.events import Event
from jackfield.plugin.command import CommandSpec
from jackfield.plugin.contact_format import ContactFormat
from jackfield.plugin.hooks import hookimpl
from jackfield.plugin.options import field_help, ge, is_url
from jackfield.plugin.posting import PostOptions, is_header_name, is_post_url, open_poster
from jackfield.plugin.secrets import Secret
from jackfield.plugin.sink import OpenSink, Sink, SinkSpec
from jackfield_vcon.identity import check_domain
from jackfield_vcon.redact import Part

if TYPE_CHECKING:
    from jackfield.plugin.downloading import Downloader
    from jackfield_vcon.destinations import Destination
    from jackfield_vcon.sealing import Sealer

__all__ = ["Vcon", "jackfield_commands", "jackfield_contact_formats", "jackfield_sinks"]


def _path(_instance: object, _attribute: object, value: str) -> None:
    if not value.strip():
        raise ValueError('the path is empty; give a folder of its own, such as "var/vcons"')


def _domain(_instance: object, _attribute: object, value: str) -> None:
    check_domain(value)


def _templates(_instance: object, _attribute: object, value: Mapping[str, str]) -> None:
    for provider, url in value.items():
        if "{id}" not in url:
            raise ValueError(f"{provider}: the URL must hold {{id}} in place of a recording's id")
        if "@" in url.partition("//")[2].partition("/")[0]:
            hint = 'give them as recording_auth_value: "Basic " and the base64 of USER:PASSWORD'
            raise ValueError(f"{provider}: the URL must not hold a user and a password; {hint}")
        try:
            is_post_url(None, None, url.replace("{id}", "id"))
        except ValueError as error:
            raise ValueError(f"{provider}: {error}") from None


def _sign_key(_instance: object, _attribute: object, value: Secret | None) -> None:
    if value is not None:
        from jackfield_vcon.sealing import signer_of  # with what it needs, it takes longer to import than all else

        signer_of(value.reveal())


def _encrypt_key(_instance: object, _attribute: object, value: Secret | None) -> None:
    if value is not None:
        from jackfield_vcon.sealing import recipient_of

        recipient_of(value.reveal())


@attrs.frozen
class Vcon(PostOptions):
    """Each finished conversation as one vCon, in a file of its own or by HTTP POST."""

    path: str = attrs.field(
        validator=_path,
        metadata=field_help("the folder for DATE/UUID.vcon.json, and for what is under way", path=True, exclusive=True),
    )
    url: str | None = attrs.field(
        default=None, validator=is_post_url, metadata=field_help("where to POST vCons, instead of writing files")
    )
    max_request_bytes: int = attrs.field(
        default=100_000_000, validator=ge(1), metadata=field_help("a longer vCon is not posted, but put aside")
    )
    domain: str = attrs.field(
        default="localhost",
        validator=_domain,
        metadata=field_help("your domain, of which the uuids of conversations and agents are made"),
    )
    settle_seconds: float = attrs.field(
        default=30.0, validator=ge(0), metadata=field_help("how long after its newest event a conversation is written")
    )
    idle_seconds: float = attrs.field(
        default=3600.0,
        validator=ge(1),
        metadata=field_help("after so long without an event it is written even if its end was not seen"),
    )
    amend_seconds: float = attrs.field(
        default=604_800.0,
        validator=ge(60),
        metadata=field_help("for how long a late event gives an amended vCon; its events are kept for that"),
    )
    redact: tuple[Part, ...] = attrs.field(
        default=(),
        metadata=field_help(
            'what vCons leave out: "numbers", "names", "messages", "transcripts"; events and recordings too then'
        ),
    )
    sign_key: Secret | None = attrs.field(
        default=None,
        validator=_sign_key,
        metadata=field_help("signs vCons (JWS): a private key of RSA or P-256 in PEM"),
    )
    sign_certificate: str | None = attrs.field(
        default=None, metadata=field_help("a PEM file of its certificate and those above it", path=True)
    )
    sign_certificate_url: str | None = attrs.field(
        default=None, metadata=field_help("or where readers find these, https://…")
    )
    encrypt_key: Secret | None = attrs.field(
        default=None,
        validator=_encrypt_key,
        metadata=field_help("encrypts signed vCons (JWE): the reader's public key of RSA, or certificate, in PEM"),
    )
    recordings: Literal["link", "fetch"] = attrs.field(
        default="link",
        metadata=field_help('"link" writes where a recording is, "fetch" reads it too, for its hash'),
    )
    recording_urls: Mapping[str, str] = attrs.field(
        default=MappingProxyType({}),
        hash=False,
        validator=_templates,
        metadata=field_help(
            "a table of URLs by provider, with {id} for a recording's id, where events hold no link", by_provider=True
        ),
    )
    recording_auth_header: str = attrs.field(
        default="Authorization",
        validator=is_header_name,
        metadata=field_help("a header that authenticates at the hosts of recording_urls"),
    )
    recording_auth_value: Secret | None = attrs.field(
        default=None, metadata=field_help("that header's value, such as Bearer and a token; never written")
    )
    recording_ca_file: str | None = attrs.field(
        default=None,
        metadata=field_help("a PEM file of authorities to trust for recordings instead of the system's", path=True),
    )
    recording_bytes: int = attrs.field(
        default=200_000_000, validator=ge(1), metadata=field_help("a longer recording is not fetched")
    )
    recording_seconds: float = attrs.field(
        default=60.0, validator=ge(0.001), metadata=field_help("for how long one is fetched")
    )
    fsync: Literal["never", "batch"] = attrs.field(
        default="never",
        metadata=field_help('"never" survives a crash of the process, "batch" one of the machine too, at flushes'),
    )

    def __attrs_post_init__(self) -> None:
        if self.url is not None:
            self.check_posting(self.url)
        if self.recording_ca_file is not None:
            self._downloader().check()
        if self.sign_key is None:
            if self.sign_certificate or self.sign_certificate_url:
                raise ValueError("sign_key: required with sign_certificate or sign_certificate_url")
            if self.encrypt_key is not None:
                raise ValueError("sign_key: required with encrypt_key, since what is encrypted must be signed")
            return
        if (self.sign_certificate is None) == (self.sign_certificate_url is None):
            raise ValueError("sign_key: give either its sign_certificate or the sign_certificate_url, for its readers")
        if self.sign_certificate_url is not None:
            is_url("https")(None, None, self.sign_certificate_url)
        if (sealer := self.sealer()) is not None:
            sealer.check()

    def sealer(self) -> Sealer | None:
        """What signs and encrypts; ``None`` where nothing does."""
        if self.sign_key is None:
            return None
        from jackfield_vcon.sealing import Sealer

        file = None if self.sign_certificate is None else Path(self.sign_certificate)
        return Sealer(self.sign_key, file or self.sign_certificate_url or "", self.encrypt_key)

    def _downloader(self) -> Downloader:
        from jackfield.plugin.downloading import Downloader

        return Downloader(
            self.recording_bytes,
            self.recording_seconds,
            self.allow_private,
            self.recording_ca_file,
            "recording_ca_file",
        )

    @asynccontextmanager
    async def open(self, *, now: Callable[[], float] = time.time) -> AsyncGenerator[OpenSink, None]:
        """Make the folder ready; `OSError` where that cannot be done. `now` is what all decisions go by."""
        # What reads, writes and asks is loaded by a sink that is opened, and not by every command.
        import trio

        from jackfield_vcon.fetching import Fetcher
        from jackfield_vcon.spool import Spool
        from jackfield_vcon.writer import Making, Times, Writer

        folder = Path(self.path)
        times = Times(self.settle_seconds, self.idle_seconds, self.amend_seconds)
        making = Making(self.domain, frozenset(self.redact), self.recording_urls, self.sealer())
        fetcher = None
        if self.recordings == "fetch" and not self.redact:  # which leaves recordings out
            fetcher = Fetcher(self._downloader(), self.recording_auth_header, self.recording_auth_value)
        async with AsyncExitStack() as stack:
            destination = await self._destination(stack, folder, now)
            spool = await trio.to_thread.run_sync(partial(Spool.open, folder, fsync=self.fsync == "batch"))
            writer = Writer(spool, destination, times, making, now, fetcher)
            await trio.to_thread.run_sync(spool.delay, now() + self.settle_seconds)
            writer.start(min(max(self.settle_seconds / 4, 0.05), 5.0))
            try:
                yield writer
            finally:
                with trio.CancelScope(shield=True):
                    await writer.stop()
                    await trio.to_thread.run_sync(spool.close)

    async def _destination(self, stack: AsyncExitStack, folder: Path, now: Callable[[], float]) -> Destination:
        from jackfield_vcon.destinations import Files, Posts

        if self.url is None:
            return Files(folder, fsync=self.fsync == "batch")
        poster = await stack.enter_async_context(open_poster(self, self.url))
        return Posts(folder, poster, self.max_request_bytes, now, fsync=self.fsync == "batch")


@hookimpl
def jackfield_sinks() -> list[SinkSpec]:
    """Offer the sink ``vcon``."""
    return [SinkSpec("vcon", "each finished conversation as a vCon", Vcon, batch_events=1000)]


@hookimpl
def jackfield_commands() -> list[CommandSpec]:
    """Offer ``jackfield vcon``."""
    # Imported late, as what it needs is.
    from jackfield_vcon.commands import COMMAND

    return [COMMAND]


@hookimpl
def jackfield_contact_formats() -> list[ContactFormat]:
    """Offer ``application/vcon``."""
    return [ContactFormat("vcon", "application/vcon", _write_contact)]


def _write_contact(events: Sequence[Event], sinks: Sequence[Sink]) -> bytes:
    # What assembles vCons is loaded when one is asked for.
    from jackfield_vcon.on_demand import write_contact

    return write_contact(events, sinks)
