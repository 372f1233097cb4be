"""Scripts that complete a command line in bash, zsh and fish, from a tree of words.

Each script first finds the subcommand that the line has come to, and then offers what may follow it.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator

import attrs

__all__ = ["SCRIPTS", "Word"]


@attrs.define
class Word:
    """A command, a subcommand or an option."""

    name: str
    summary: str = ""
    takes_value: bool = False
    """Of an option: whether the next word is its value."""
    choices: list[str] = attrs.field(factory=list)
    """What may stand as its argument."""
    is_file: bool = False
    """Whether its argument is the path of a file or a folder."""
    options: list[Word] = attrs.field(factory=list)
    subcommands: list[Word] = attrs.field(factory=list)

    def each(self, path: str = "") -> Iterator[tuple[str, Word]]:
        """This command and all below it, each with the words that lead to it."""
        path = f"{path} {self.name}".lstrip()
        yield path, self
        for subcommand in self.subcommands:
            yield from subcommand.each(path)

    @property
    def first_words(self) -> list[str]:
        """What may follow that is no option."""
        return [*self.choices, *(each.name for each in self.subcommands)]


def _paths(root: Word) -> str:
    """The pattern of all words that lead to a subcommand."""
    return "|".join(f'"{path}"' for path, _ in root.each() if " " in path)


BASH = """\
# bash completion of jackfield; made by 'jackfield completion bash'
_jackfield() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} path={name} index words='' files='' options=''
    for ((index = 1; index < COMP_CWORD; index++)); do
        case "$path ${{COMP_WORDS[index]}}" in
            {paths}) path="$path ${{COMP_WORDS[index]}}" ;;
        esac
    done
    case "$path ${{COMP_WORDS[COMP_CWORD-1]}}" in
{values}
        *)
            case $path in
{commands}
            esac
            [[ $current == -* ]] && words=$options files=''
            ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$current"))
    if [[ $files ]]; then
        compopt -o filenames
        COMPREPLY+=($(compgen -f -- "$current"))
    fi
}}
complete -F _jackfield {name}
"""


def _bash(root: Word) -> str:
    values, commands = [], []
    for path, word in root.each():
        words, options = " ".join(word.first_words), " ".join(each.name for each in word.options)
        offered = f"words={shlex.quote(words)} options={shlex.quote(options)} files={'1' * word.is_file}"
        commands.append(f'                "{path}") {offered} ;;')
        for option in word.options:
            if option.takes_value:
                choices = shlex.quote(" ".join(option.choices))
                values.append(f'        "{path} {option.name}") words={choices} files={"1" * option.is_file} ;;')
    return BASH.format(name=root.name, paths=_paths(root), values="\n".join(values), commands="\n".join(commands))


ZSH = """\
#compdef {name}
# zsh completion of jackfield; made by 'jackfield completion zsh'
_jackfield() {{
    local command={name} index files=''
    local -a described
    for ((index = 2; index < CURRENT; index++)); do
        case "$command ${{words[index]}}" in
            ({paths}) command="$command ${{words[index]}}" ;;
        esac
    done
    case "$command ${{words[CURRENT-1]}}" in
{values}
        (*)
            if [[ ${{words[CURRENT]}} == -* ]]; then
                case $command in
{options}
                esac
            else
                case $command in
{commands}
                esac
            fi
            ;;
    esac
    (( ${{#described}} )) && _describe 'jackfield' described
    [[ $files ]] && _files
    return 0
}}
compdef _jackfield {name}
"""


def _described(words: list[Word]) -> str:
    """An array for zsh's ``_describe``."""
    return "(" + " ".join(shlex.quote(f"{each.name}:{each.summary}") for each in words) + ")"


def _zsh(root: Word) -> str:
    values, options, commands = [], [], []
    for path, word in root.each():
        following = [*map(Word, word.choices), *word.subcommands]
        options.append(f'                    ("{path}") described={_described(word.options)} ;;')
        commands.append(
            f'                    ("{path}") described={_described(following)} files={"1" * word.is_file} ;;'
        )
        for option in word.options:
            if option.takes_value:
                choices = _described(list(map(Word, option.choices)))
                values.append(f'        ("{path} {option.name}") described={choices} files={"1" * option.is_file} ;;')
    return ZSH.format(
        name=root.name,
        paths=_paths(root),
        values="\n".join(values),
        options="\n".join(options),
        commands="\n".join(commands),
    )


FISH = """\
# fish completion of jackfield; made by 'jackfield completion fish'
function __jackfield_at
    set -l command {name}
    for word in (commandline -opc)[2..]
        switch "$command $word"
            case {paths}
                set command "$command $word"
        end
    end
    test "$command" = "$argv"
end
complete -c {name} -f
{lines}
"""


def _quoted(text: str) -> str:
    """A word for fish, which knows other escapes than POSIX."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _fish(root: Word) -> str:
    lines = []
    for path, word in root.each():
        at = f"complete -c {root.name} -n {_quoted(f'__jackfield_at {path}')}"
        lines += [f"{at} -a {_quoted(each.name)} -d {_quoted(each.summary)}" for each in word.subcommands]
        if word.choices:
            lines.append(f"{at} -a {_quoted(' '.join(word.choices))}")
        if word.is_file:
            lines.append(f"{at} -F")
        for option in word.options:
            line = f"{at} -l {option.name.removeprefix('--')} -d {_quoted(option.summary)}"
            if option.takes_value:
                line += " -r -F" if option.is_file else " -x"
            if option.choices:
                line += f" -a {_quoted(' '.join(option.choices))}"
            lines.append(line)
    paths = " ".join(_quoted(path) for path, _ in root.each() if " " in path)
    return FISH.format(name=root.name, paths=paths, lines="\n".join(lines))


SCRIPTS: dict[str, Callable[[Word], str]] = {"bash": _bash, "fish": _fish, "zsh": _zsh}
"""By the shell's name."""
