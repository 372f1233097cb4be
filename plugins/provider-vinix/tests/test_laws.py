"""The laws of translation for Vinix."""

import itertools
import re

from hypothesis import given
from hypothesis import strategies as st

from jackfield.addresses import Source
from jackfield.testing import strategies
from jackfield.testing.laws import TranslationLaws, World
from jackfield_vinix.dialects import DocumentedDialect
from jackfield_vinix.kinds import FAMILIES, TABLE
from jackfield_vinix.topics import covers_binding, decode_word, encode_word, matches_amqp, matches_binding

WORDS = sorted({word for words in TABLE.values() for word in words})
ONE, SOME, ANY = r"\.[^.]*", r"(?:\.[^.]*)+", r"(?:\.[^.]*)*"


def qubicle(binding, key):
    """As one regular expression over the words below the account, each with its dot before it."""
    application, *words = binding.split(".")
    family, account, *rest = [*words, "*"] if len(words) == 1 else words or ["", ""]
    if application != "qubicle" or family not in FAMILIES or account not in ("ACC", "*", "#"):
        return False
    rest = ["#", *rest] if account == "#" else rest
    parts = [{"*": ONE, "#": ANY}.get(word, re.escape("." + word)) for word in rest]
    if rest[-1:] == ["*"]:
        parts[-1] = SOME
    elif rest[-1:] != ["#"]:
        parts.append(ANY)
    head = f"qubicle.{family}.ACC"
    return key.startswith(f"{head}.") and bool(re.fullmatch("".join(parts), key[len(head) :]))


class TestDocumented(TranslationLaws):
    world = World(
        DocumentedDialect("ACC"),
        Source("vinix", "account", "ACC"),
        resources=FAMILIES,
        words=WORDS,
        topics=strategies.delimited(".", beginning=("qubicle", "queue", "ACC"), wildcards=["*", "#"]),
        oracle=qubicle,
    )


class TestOtherFamilies(TranslationLaws):
    """Calls, conferences and faxes; a key of a document holds more than its address, so that nothing is made of one."""

    world = World(
        DocumentedDialect("ACC", ("call", "conference", "fax")),
        Source("vinix", "account", "ACC"),
        resources=("queue", "call", "conference", "fax"),
        words=["join", "CHANNEL_ANSWER", "add-member", "status"],
        topics=st.sampled_from(["call.*.*", "fax.status.*", "conference.event.*.*", "qubicle.queue.ACC.*"]),
        oracle=lambda topic, key: others(topic, key) if not topic.startswith("qubicle.") else qubicle(topic, key),
    )


def others(topic, key):
    """As one regular expression."""
    families = {
        "call.*.*": r"call\.ACC\.[^.]*\.[^.]*",
        "fax.status.*": r"fax\.[^.]*\.ACC\.[^.]*",
        "conference.event.*.*": r"conference\.event\.ACC\.[^.]*",
    }
    return bool(re.fullmatch(families[topic] + r"(\..*)?", key))


def brute(pattern, key):
    """By trying each number of words for each hash."""
    if not pattern:
        return not key
    if pattern[0] == "#":
        return any(brute(pattern[1:], key[taken:]) for taken in range(len(key) + 1))
    return bool(key) and pattern[0] in ("*", key[0]) and brute(pattern[1:], key[1:])


def words_of(text):
    return text.split(".") if text else []


@given(strategies.delimited(".", wildcards=["*", "#"]), strategies.delimited("."))
def test_the_amqp_matcher_agrees_with_trying_everything(binding, key):
    assert matches_amqp(binding, key) == brute(words_of(binding), words_of(key))


@given(strategies.delimited(".", wildcards=["*", "#"]), strategies.delimited("."))
def test_a_hash_brings_whatever_what_it_stands_for_brings(binding, key):
    if matches_amqp(binding, key):
        assert matches_amqp(f"{binding}.#" if binding else "#", key)
        assert matches_amqp(f"#.{binding}" if binding else "#", key)


@given(strategies.segments())
def test_a_word_is_read_back_from_its_escape_and_holds_no_dot(text):
    word = encode_word(text)
    assert "." not in word
    assert decode_word(word) == text


BINDINGS = st.lists(st.sampled_from(["a", "b", "*", "#"]), max_size=4).map(
    lambda words: ".".join(["qubicle.queue.ACC", *words])
)
KEYS = [
    ".".join(["qubicle.queue.ACC", *words]) for count in range(1, 5) for words in itertools.product("abc", repeat=count)
]


@given(BINDINGS, BINDINGS)
def test_a_binding_that_covers_another_brings_every_key_that_the_other_brings(binding, other):
    brings = {key for key in KEYS if matches_binding(binding, "ACC", key)}
    others = {key for key in KEYS if matches_binding(other, "ACC", key)}
    if covers_binding(binding, "ACC", other):
        assert others <= brings
    elif "#" not in binding + other:
        assert not others <= brings
