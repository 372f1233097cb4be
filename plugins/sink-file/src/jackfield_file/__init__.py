"""Files for Jackfield: the options of a ``[sinks.NAME]`` table with ``type = "file"``."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Literal

import attrs

from jackfield.plugin.hooks import hookimpl
from jackfield.plugin.options import field_help, ge
from jackfield.plugin.sink import OpenSink, SinkSpec
from jackfield_file.paths import Template
from jackfield_file.rotation import Every, Method, Policy

__all__ = ["File", "jackfield_sinks"]


def _template(_instance: Any, _attribute: Any, value: str) -> None:
    Template.parse(value)


def _mode(_instance: Any, _attribute: Any, value: str) -> None:
    if not re.fullmatch(r"0?[0-7]{3}", value):
        raise ValueError(f"{value!r} is not a mode; give three octal digits, such as '640'")
    if int(value, 8) & 0o600 != 0o600:
        raise ValueError(f"mode {value!r} keeps the owner out, which is this process; '600' at least")


def _utc_now() -> datetime:
    return datetime.now(UTC)


@attrs.frozen
class File:
    """Events appended to files, one CloudEvents JSON object a line."""

    path: str = attrs.field(
        validator=_template,
        metadata=field_help(
            "the file to append to, or a template such as var/{provider}/{date}.jsonl; folders are made",
            path=True,
            exclusive=True,
        ),
    )
    rotate_bytes: int | None = attrs.field(
        default=None,
        validator=ge(1),
        metadata=field_help("rotate a file before it grows beyond this many bytes; a larger batch is never split"),
    )
    rotate_every: Every = attrs.field(
        default="never",
        metadata=field_help('"hour" or "day": rotate a file that was last written in an earlier one (UTC)'),
    )
    keep_files: int | None = attrs.field(
        default=None,
        validator=ge(1),
        metadata=field_help("how many rotated files of each path are kept; none: all"),
    )
    keep_seconds: float | None = attrs.field(
        default=None,
        validator=ge(1),
        metadata=field_help("how long after its rotation a file is kept; none: for ever"),
    )
    compress: Method = attrs.field(default="none", metadata=field_help('"gzip" or "zstd" for rotated files'))
    fsync: Literal["never", "batch"] = attrs.field(
        default="never",
        metadata=field_help(
            '"never" survives a crash of the process, "batch" one of the machine too, at a flush a batch'
        ),
    )
    mode: str = attrs.field(
        default="640", validator=_mode, metadata=field_help("the permissions of new files, less the process's umask")
    )
    open_files: int = attrs.field(
        default=64, validator=ge(1), metadata=field_help("how many files a template keeps open at once")
    )

    def __attrs_post_init__(self) -> None:
        about_rotated = {"keep_files": self.keep_files, "keep_seconds": self.keep_seconds, "compress": self.compress}
        given = [name for name, value in about_rotated.items() if value not in (None, "none")]
        if given and self.rotate_bytes is None and self.rotate_every == "never":
            raise ValueError(f"{given[0]} is about rotated files; give rotate_bytes or rotate_every too")

    @asynccontextmanager
    async def open(self, *, now: Callable[[], datetime] = _utc_now) -> AsyncGenerator[OpenSink, None]:
        """Make folder and file ready; `OSError` where that cannot be done. `now` is what all decisions go by."""
        # What writes is loaded by a sink that is opened, and not by every command.
        import trio

        from jackfield_file.housekeeper import Housekeeper
        from jackfield_file.writer import Writer

        template = Template.parse(self.path)
        policy = Policy(self.rotate_bytes, self.rotate_every, self.keep_files, self.keep_seconds)
        keeper = Housekeeper(policy, template.suffix, self.compress, now)
        writer = Writer(template, policy, int(self.mode, 8), self.fsync == "batch", self.open_files, now, keeper.tend)
        keeper.start()
        try:
            await trio.to_thread.run_sync(writer.prepare)
            yield writer
        finally:
            writer.close()
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(keeper.stop)


@hookimpl
def jackfield_sinks() -> list[SinkSpec]:
    """Offer the sink ``file``."""
    return [SinkSpec("file", "a file, one JSON object a line", File, batch_events=1000)]
