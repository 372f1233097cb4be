"""Exceptions out of nurseries' groups."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import attrs

__all__ = ["Body", "leaves", "sole_cause", "unwrapped"]


def leaves(group: BaseExceptionGroup[Any]) -> Iterator[BaseException]:
    """The exceptions in a group and in the groups within it."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from leaves(error)
        else:
            yield error


def sole_cause(group: BaseExceptionGroup[Any]) -> BaseException:
    """The one exception in a group; the group where there are several."""
    causes = list(leaves(group))
    return causes[0] if len(causes) == 1 else group


@attrs.define
class Body:
    """What the body of a context manager has raised; the body is run within `watched`."""

    raised: BaseException | None = None

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Note what is raised, and let it pass."""
        try:
            yield
        except (Exception, KeyboardInterrupt, SystemExit) as error:
            self.raised = error
            raise


@contextmanager
def unwrapped() -> Iterator[Body]:
    """Let what the body of a context manager raises leave as itself, although nurseries in between wrap it.

    A group that holds anything else besides leaves as the group. What is a cancellation stays one.
    """
    body = Body()
    try:
        yield body
    except BaseExceptionGroup as group:
        mine = leaves(body.raised) if isinstance(body.raised, BaseExceptionGroup) else [body.raised]
        if list(leaves(group)) != list(mine):
            raise
    if body.raised is not None:
        raise body.raised
