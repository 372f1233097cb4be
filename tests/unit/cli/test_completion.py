"""`jackfield._cli.completion`: what each shell offers, asked of the shells themselves where they are installed."""

import shutil
import subprocess

import pytest

from jackfield._cli import COMMANDS, main, whole_parser
from jackfield._cli.completion import word_of
from jackfield._cli.completion_scripts import SCRIPTS


@pytest.fixture(scope="module")
def root():
    return word_of("jackfield", whole_parser())


def bash(script, line, folder):
    words = line.split(" ")
    asked = f"COMP_WORDS=({' '.join(map(repr, words))}); COMP_CWORD={len(words) - 1}; _jackfield 2>/dev/null"
    return run("bash", [], f'{script}\n{asked}\nprintf "%s\\n" "${{COMPREPLY[@]}}"', folder)


def zsh(script, line, folder):
    # zsh completes at a terminal only: the functions that would fill its menu print what they get instead.
    words = line.split(" ")
    stand_ins = """
    compdef() { }
    _describe() { print -rl -- "${(@P)2%%:*}" | grep -- "^${words[CURRENT]}" }
    _files() { print -rl -- *(N) }
    """
    asked = f"words=({' '.join(map(repr, words))}); CURRENT={len(words)}; _jackfield"
    return run("zsh", ["-f"], f"{stand_ins}\n{script}\n{asked}", folder)


def fish(script, line, folder):
    offered = run("fish", ["--no-config"], f"{script}\ncomplete -C {line!r}", folder)
    return [each.partition("\t")[0] for each in offered]


def run(shell, options, text, folder):
    if shutil.which(shell) is None:
        pytest.skip(f"needs {shell}")
    done = subprocess.run([shell, *options], input=text, capture_output=True, text=True, cwd=folder, check=False)
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.parametrize("shell", [bash, zsh, fish], ids=lambda shell: shell.__name__)
def test_a_shell_offers_what_may_follow(shell, root, tmp_path):
    (tmp_path / "gateway.toml").touch()
    script = SCRIPTS[shell.__name__](root)
    offered = {
        line: sorted(filter(None, shell(script, line, tmp_path)))
        for line in (
            "jackfield jour",
            "jackfield journal sta",
            "jackfield journal replay gateway.toml --d",
            "jackfield run --log-format j",
            "jackfield run gate",
            "jackfield demo --events ",
            "jackfield simulate voipbin --sli",
            "jackfield completion f",
        )
    }
    assert offered == {
        "jackfield jour": ["journal"],
        "jackfield journal sta": ["stats"],
        "jackfield journal replay gateway.toml --d": ["--dead", "--dry-run"],
        "jackfield run --log-format j": ["journald", "json"],
        "jackfield run gate": ["gateway.toml"],
        "jackfield demo --events ": [],
        "jackfield simulate voipbin --sli": [],
        "jackfield completion f": ["fish"],
    }


@pytest.mark.parametrize("shell", sorted(SCRIPTS))
def test_every_command_is_in_the_script(shell, capsys):
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert all(f"jackfield {name}" in script for name in COMMANDS)


def test_a_shell_that_is_not_known_is_refused_with_those_that_are(capsys):
    with pytest.raises(SystemExit):
        main(["completion", "tcsh"])
    assert "bash, fish, zsh" in capsys.readouterr().err.replace("'", "")
