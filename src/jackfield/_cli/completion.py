"""``jackfield completion``: a script by which a shell completes the command line, made from the parser."""

from __future__ import annotations

import argparse
from pathlib import Path

from jackfield._cli.completion_scripts import SCRIPTS, Word
from jackfield._cli.paths import named_path

__all__ = ["configure", "run", "word_of"]

EPILOG = """\
The script knows the commands and options that are installed now; make it anew after an
update or a new plugin.

  bash   source <(jackfield completion bash)                     in ~/.bashrc
  zsh    source <(jackfield completion zsh)                      in ~/.zshrc, after compinit
  fish   jackfield completion fish > ~/.config/fish/completions/jackfield.fish"""

FILE_WORDS = ("CONFIG", "FILE", "FOLDER", "PATH")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = EPILOG
    parser.add_argument("shell", choices=sorted(SCRIPTS), metavar="SHELL", help=", ".join(sorted(SCRIPTS)))


def run(options: argparse.Namespace) -> int:
    """Print the script."""
    from jackfield._cli import whole_parser  # imports every command

    print(SCRIPTS[options.shell](word_of("jackfield", whole_parser())), end="")
    return 0


def word_of(name: str, parser: argparse.ArgumentParser, summary: str = "") -> Word:
    """What may follow a command's name, and each of its subcommands' names, as its parser knows it."""
    word = Word(name, summary or _first_line(parser.description or ""))
    # argparse has no public way to ask a parser for what it was given.
    for action in vars(parser)["_actions"]:
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001  # likewise
            helps = {each.dest: each.help or "" for each in vars(action)["_choices_actions"]}
            for each, sub in action.choices.items():
                word.subcommands.append(word_of(each, sub, helps.get(each, "")))
        elif action.help == argparse.SUPPRESS:
            continue
        elif action.option_strings:
            takes_value = action.nargs not in (0, "?")
            for flag in (each for each in action.option_strings if each.startswith("--")):
                described = _first_line((action.help or "").replace("%%", "%"))
                word.options.append(Word(flag, described, takes_value, _choices(action), _is_file(action)))
        else:
            word.choices += _choices(action)
            word.is_file |= _is_file(action)
    return word


def _choices(action: argparse.Action) -> list[str]:
    return list(map(str, action.choices or ()))


def _is_file(action: argparse.Action) -> bool:
    return action.type in (Path, named_path) or any(each in str(action.metavar) for each in FILE_WORDS)


def _first_line(text: str) -> str:
    return " ".join(text.split()).partition(";")[0].rstrip(".")
