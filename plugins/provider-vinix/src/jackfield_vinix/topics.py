"""Qubicle's dotted bindings and routing keys: their words, and the rules by which one matches the other.

A binding is ``qubicle.<family>.<account>`` with further words that narrow it. Words are separated by dots,
so KAZOO writes a dot within a word as ``%2E``, a space as ``+``, and most others that are no letter or digit
as percent and their bytes; a word that is just ``*`` or ``#`` it leaves alone.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

from jackfield_vinix.kinds import FAMILIES

__all__ = [
    "APPLICATION",
    "PROVIDER",
    "covers_binding",
    "decode_word",
    "encode_word",
    "matches_amqp",
    "matches_binding",
    "word_in",
]

PROVIDER = "vinix"
APPLICATION = "qubicle"

# What KAZOO leaves as it is in a word (kz_amqp_util, KEY_SAFE).
_UNSAFE = re.compile(r"[^A-Za-z0-9_~-]")


def encode_word(text: str) -> str:
    """A text as one word of a key, as KAZOO writes it; ``*`` and ``#`` alone stay, and are wildcards in a binding."""
    if text in ("*", "#"):
        return text
    return _UNSAFE.sub(
        lambda match: "+" if match[0] == " " else "".join(f"%{byte:02X}" for byte in match[0].encode()), text
    )


def decode_word(word: str) -> str:
    """The text that a word of a key stands for; a word that KAZOO would not have written so stays as it is."""
    try:
        return unquote_plus(word, errors="strict") if "%" in word or "+" in word else word
    except UnicodeDecodeError:
        return word


def word_in(key: str) -> str:
    """The event's word in a routing key: the one behind the id; empty in KAZOO 4's keys, which end there."""
    words = key.split(".")
    return decode_word(words[4]) if len(words) > 4 else ""


def matches_amqp(binding: str, routing_key: str) -> bool:
    """Whether a binding of an AMQP topic exchange matches a routing key.

    Law: both are words between dots, none in an empty text and empty ones allowed in any other; in the
    binding ``*`` is any one word, ``#`` any number of words, none included, and any other word itself.
    """
    return _match(_split(binding), _split(routing_key))


def matches_binding(binding: str, account_id: str, routing_key: str) -> bool:
    """Whether a binding of this account brings an event with this routing key, as Vinix documents it.

    Law: the binding names its family, and its account if it goes on. Of what follows, words match as in
    `matches_amqp`, except that a last ``*`` is one word or more, and that a binding that ends without a
    wildcard brings what is below it. Only keys below the account are brought, and only those of the account
    that the subscription gave, whatever the binding says.
    """
    family, words = _below_account(binding, account_id)
    key = routing_key.split(".")
    return key[:3] == [APPLICATION, family, account_id] and len(key) > 3 and _match(words, key[3:])


def covers_binding(binding: str, account_id: str, other: str) -> bool:
    """Whether a binding of this account brings everything that another one brings.

    Law: it brings whatever the other brings. Not the reverse: of a ``#`` with words behind it only the same
    binding is known to be covered.
    """
    family, words = _below_account(binding, account_id)
    its_family, its_words = _below_account(other, account_id)
    if not family or family != its_family:
        return binding == other
    while words and words[-1] == "#":
        words.pop()
    if words == ["*"]:  # there is always one word below the account
        words.clear()
    fixed = its_words[: its_words.index("#")]
    return binding == other or (
        "#" not in words
        and len(words) <= len(fixed)
        and all(mine in ("*", theirs) for mine, theirs in zip(words, fixed, strict=False))
    )


def _below_account(binding: str, account_id: str) -> tuple[str, list[str]]:
    """The family, and in AMQP's terms what the binding says of the words below the account; it ends with ``#``.

    The family is empty where the binding brings nothing of this account.
    """
    application, family, *rest = (*binding.split("."), "")
    account, *words = rest[:-1] or ["*"]
    if application != APPLICATION or family not in FAMILIES or account not in (account_id, "*", "#"):
        return "", []
    if account == "#":
        words.insert(0, "#")
    return family, words if words[-1:] == ["#"] else [*words, "#"]


def _split(text: str) -> list[str]:
    return text.split(".") if text else []


def _match(pattern: list[str], key: list[str]) -> bool:
    """Follow all ways through the pattern at once, so that many ``#`` cost no more than their number."""
    ways = _skip_hashes(pattern, {0})
    for word in key:
        ways = _skip_hashes(
            pattern,
            {
                way if pattern[way] == "#" else way + 1
                for way in ways
                if way < len(pattern) and pattern[way] in ("#", "*", word)
            },
        )
    return len(pattern) in ways


def _skip_hashes(pattern: list[str], ways: set[int]) -> set[int]:
    """The ways, and where each gets to by letting a ``#`` stand for no word."""
    reached = set(ways)
    for start in ways:
        for way in range(start, len(pattern)):
            if pattern[way] != "#":
                break
            reached.add(way + 1)
    return reached
