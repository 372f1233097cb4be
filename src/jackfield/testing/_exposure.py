"""Looks for secrets in whatever a plugin logs, prints or shows."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator, Sequence

import attrs

from jackfield.plugin.redaction import secret_forms

__all__ = ["Captured", "captured_output", "shows"]


def shows(text: str, secrets: Sequence[str]) -> bool:
    """Whether a text shows a secret: as it is, or in an encoding that a reader can undo."""
    return any(form in text for secret in secrets for form in secret_forms(secret))


@attrs.define
class Captured:
    """What was logged and printed."""

    log: io.StringIO = attrs.field(factory=io.StringIO)
    output: io.StringIO = attrs.field(factory=io.StringIO)

    def leaks(self, secrets: Sequence[str]) -> list[str]:
        """The places that show a secret."""
        texts = {"a log record": self.log, "standard output or error": self.output}
        return [what for what, text in texts.items() if shows(text.getvalue(), secrets)]


@contextlib.contextmanager
def captured_output(*, stdout: bool = True) -> Iterator[Captured]:
    """Capture every log record of this block, and what is printed; without `stdout` to standard error only."""
    captured = Captured()
    handler = logging.StreamHandler(captured.log)
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with contextlib.ExitStack() as stack:
            if stdout:
                stack.enter_context(contextlib.redirect_stdout(captured.output))
            stack.enter_context(contextlib.redirect_stderr(captured.output))
            yield captured
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
