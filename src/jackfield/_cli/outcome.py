"""A command's exit status: each exception becomes one message on standard error."""

from __future__ import annotations

from collections.abc import Callable

from jackfield._cli.console import abandon_stdout, say
from jackfield._cli.streams import INTERRUPTED_STATUS, OutputError
from jackfield._net.exception_groups import leaves
from jackfield.errors import ConfigError, JackfieldError, PluginError

__all__ = ["status_of"]

INTERRUPTED = "interrupted before the end; what was printed or done is not the whole"


def status_of(work: Callable[[], int], *, until_signal: bool = False) -> int:
    """Run a command; returns its exit status. An interrupt is the end of one that runs until a signal."""
    try:
        return work()
    except ConfigError as error:
        count = len(error.problems)
        return _failed(
            f"{count} {'problem' if count == 1 else 'problems'} in the configuration:\n" + _indented(error), 2
        )
    except PluginError as error:
        return _failed(str(error), 2)
    except JackfieldError as error:
        return _failed(str(error), 1)
    except KeyboardInterrupt:
        return 0 if until_signal else _failed(INTERRUPTED, INTERRUPTED_STATUS)
    except BaseExceptionGroup as group:  # from trio's nurseries
        meant, others = group.split(JackfieldError)
        if meant is not None and others is None:
            return _failed("; ".join(dict.fromkeys(map(str, leaves(meant)))), 1)
        if group.split(KeyboardInterrupt)[1] is not None:
            raise
        return 0 if until_signal else _failed(INTERRUPTED, INTERRUPTED_STATUS)
    except OSError as error:
        return _of_os_error(error)


def _of_os_error(error: OSError) -> int:
    if isinstance(error, OutputError):
        abandon_stdout()
        return _failed(str(error), 1)
    if isinstance(error, BrokenPipeError):  # the reader of standard output has closed the pipe
        abandon_stdout()
        return 0
    if error.filename is None:
        raise error
    return _failed(f"{error.filename}: {error.strerror}", 1)  # a traceback would tell the operator no more


def _failed(message: str, status: int) -> int:
    say(f"jackfield: {message}", level="error")
    return status


def _indented(error: ConfigError) -> str:
    return "\n".join(f"  {_printable(str(problem))}" for problem in error.problems)


def _printable(text: str) -> str:
    """A key or a name may hold what a terminal would obey."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
