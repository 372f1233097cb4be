"""`jackfield_vinix.topics`: bindings, routing keys, and how one matches the other."""

import csv
from pathlib import Path

import pytest

from jackfield_vinix.topics import decode_word, encode_word, matches_amqp, matches_binding, word_in

with Path(__file__).with_name("bindings.tsv").open(newline="") as table:
    DELIVERIES = list(csv.DictReader(table, delimiter="\t"))


@pytest.mark.parametrize("row", DELIVERIES, ids=lambda row: f"{row['client_binding'][8:]} {row['routing_key'][-20:]}")
def test_a_binding_brings_what_the_documentation_promises(row):
    brings = matches_binding(row["client_binding"], row["data_account_id"], row["routing_key"])
    assert brings is (row["seed_reading"] == "true")


# The example set of RabbitMQ's own tests of its topic exchange, each binding with the keys that it brings.
KEYS = [
    "a.b.c",
    "a.b",
    "a.b.b",
    "",
    "b.c.c",
    "a.a.a.a.a",
    "vodka.gin",
    "vodka.martini",
    "b.b.c",
    "nothing.here.at.all",
    "oneword",
]
AMQP = {
    "a.b.c": ["a.b.c"],
    "a.*.c": ["a.b.c"],
    "a.#.b": ["a.b", "a.b.b"],
    "a.b.b.c": [],
    "#": KEYS,
    "#.#": KEYS,
    "#.b": ["a.b", "a.b.b"],
    "*.*": ["a.b", "vodka.gin", "vodka.martini"],
    "a.*": ["a.b"],
    "*.b.c": ["a.b.c", "b.b.c"],
    "a.#": ["a.b.c", "a.b", "a.b.b", "a.a.a.a.a"],
    "a.#.#": ["a.b.c", "a.b", "a.b.b", "a.a.a.a.a"],
    "b.c": [],
    "": [""],
    "*.*.*": ["a.b.c", "a.b.b", "b.c.c", "b.b.c"],
    "*.#": [key for key in KEYS if key],
    "#.*.#": [key for key in KEYS if key],
    "*.#.#": [key for key in KEYS if key],
    "#.#.#": KEYS,
    "*": ["oneword"],
    "#.b.#": ["a.b.c", "a.b", "a.b.b", "b.c.c", "b.b.c"],
}


@pytest.mark.parametrize("binding", AMQP)
def test_plain_bindings_match_as_at_the_reference_broker(binding):
    assert [key for key in KEYS if matches_amqp(binding, key)] == AMQP[binding]


@pytest.mark.parametrize(
    ("binding", "key", "matches"),
    [
        ("a..b", "a..b", True),
        ("a.*.b", "a..b", True),
        ("a.#.b", "a..b", True),
        ("a.*", "a.", True),
        ("a.*", "a", False),
        ("*", "", False),
        ("*.*", ".", True),
        ("#", ".", True),
        (".", ".", True),
        ("a.", "a", False),
        ("*.x.#.y", "a.x.p.qq.y", True),
        ("#.a.#.a.#", "a", False),
        ("#.a.#.a.#", "x.a.y.a", True),
        ("b.0.*.#", "b.0.1", True),
        ("a#", "ab", False),
        ("a*", "ab", False),
    ],
)
def test_empty_words_are_words_and_wildcards_stand_for_whole_ones(binding, key, matches):
    assert matches_amqp(binding, key) is matches


def test_many_hashes_cost_no_more_than_their_number():
    assert not matches_amqp(".".join(["#"] * 60 + ["end"]), ".".join(["a"] * 200))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("key", "key"),
        ("routing.key", "routing%2Ekey"),
        ("test&.192. 168. 5. 5#", "test%26%2E192%2E+168%2E+5%2E+5%23"),
        ("#", "#"),
        ("*", "*"),
        ("a+b", "a%2Bb"),
        ("ä", "%C3%A4"),
    ],
)
def test_words_are_escaped_as_kazoo_does_it(text, word):
    assert encode_word(text) == word
    assert decode_word(word) == text


def test_a_word_that_is_no_escape_stays_as_it_is():
    assert decode_word("100%") == "100%"
    assert decode_word("%ff") == "%ff"


@pytest.mark.parametrize("binding", ["", "qubicle", "qubicle.*", "other.queue.A", "qubicle.calls.A.*", "queue.A.*"])
def test_a_binding_must_name_its_family(binding):
    assert not matches_binding(binding, "A", "qubicle.queue.A.Q.join")


@pytest.mark.parametrize(
    ("key", "word"),
    [
        ("qubicle.queue.A.Q.join", "join"),
        ("qubicle.queue.A.Q", ""),
        ("qubicle.queue.A.Q.join.extra", "join"),
        ("qubicle.queue.A.Q.a%2Eb", "a.b"),
        ("", ""),
    ],
)
def test_the_word_stands_behind_the_id(key, word):
    assert word_in(key) == word
