"""The language of the code and the documentation: the field's terms, and no words of our own in their place."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SUFFIXES = {".css", ".html", ".js", ".md", ".py", ".svg", ".toml", ".txt"}
FILES = sorted(
    path
    for path in [ROOT / "README.md", *ROOT.glob("src/**/*"), *ROOT.glob("plugins/**/*"), *ROOT.glob("docs/**/*")]
    if path.suffix in SUFFIXES and not {"__pycache__", "build", "tests"} & set(path.relative_to(ROOT).parts)
)

# Terms of the field for them: logged, reported or raised; pipeline; sink runner; webhook receiver; retries; delete.
WORDS = re.compile(r"\b(told|lanes?|outlet|mailbox|patience|exhume|strays)\b", re.IGNORECASE)
# A line that may hold one of them, by file, with the reason.
ALLOWED_WORDS: dict[str, dict[str, str]] = {}

# Phrases with a term of the field, which the value names.
PHRASES = {
    r"signs? of life": "last activity",
    r"turn(s|ed)? (it |them |us |some |events |down )*down\b": "reject, refuse",
    r"set aside": "rotate",
    r"in force": "active",
    r"in good (order|manners)": "gracefully",
    r"say(s)? goodbye": "close handshake",
    r"hang(s)? on it": "depend on",
    r"for who\b": "for callers that",
    r"whoever (reads|asks|wants)": "a noun",
    r"\b(is|are) no (file|TOML|JSON|event|topic|address|error|selector|name)\b": "is not a",
}

# Lines that may hold one, with the reason.
ALLOWED_PHRASES = {
    '"INVALID_JSON": "The body is no JSON object.",': "VoIPBIN's own words, in its simulator",
}

# Sentences that could not be understood at once; none may come back.
SENTENCES = [
    "whatever it raises that is not meant becomes one error that names it",
    "In which they are ended in order, once that has begun",
    "What a conversation tells: its session",
    "That of the last connection.",
    "Wait as long as the provider knows that its vendor wants",
    "What was missed was looked for.",
    "What sinks have done that the file does not know yet",
    "Cross out what the file knows now",
    "How often the commit that is under way may still be given way",
    "One thread's turn at the file after another",
    "the newest `capacity` of those that some sink is not done with",
    "So much of events, read or not.",
    "One route to one sink, and for which events' numbers it holds",
    "most gateways are spared the question",
    "reads ahead of an event that it cannot get rid of",
    "How many events from the batch's front will never be delivered",
    "_leave_to_send",
    "Whether what is sent at most is a probe",
    "What stands before a feed's name",
    "Who is turned down in the middle of sending gets to read why",
    "a secret that is not there may be again when it is posted once more",
    "What came until the end of the latest head",
    "hurrying back does not help then",
    "A provider who knows how long its vendor wants to be left alone",
    "Whether more comes than was asked, so that the rest is filtered here",
    "when this returns, every event of it is where it belongs",
    "means nothing to a journal in memory",
    "tells every fault at once, or shows for each feed what is asked",
    "Losses are counted and told",
    "writes a plugin to begin with",
    "As the page gets it.",
    "which `web` reads",
]


@pytest.fixture(scope="module")
def texts():
    """By the file's name: its lines."""
    return {str(path.relative_to(ROOT)): [line.strip() for line in path.read_text().splitlines()] for path in FILES}


def test_the_words_of_a_private_dialect_do_not_come_back(texts):
    found = [(name, line) for name, lines in texts.items() for line in lines if WORDS.search(line)]
    assert [(name, line) for name, line in found if line not in ALLOWED_WORDS.get(name, {})] == []


def test_every_allowed_line_exists_and_has_its_reason(texts):
    for name, lines in ALLOWED_WORDS.items():
        assert all(line in texts[name] and reason for line, reason in lines.items())
    assert sum(map(len, ALLOWED_WORDS.values())) <= 5


def test_no_sentence_that_was_rewritten_comes_back(texts):
    whole = {name: " ".join(re.sub(r"^(#|//)", "", line).strip() for line in lines) for name, lines in texts.items()}
    assert [(name, each) for name, text in whole.items() for each in SENTENCES if each in text] == []


def test_phrases_are_the_terms_of_the_field(texts):
    any_of_them = re.compile("|".join(f"(?:{phrase})" for phrase in PHRASES), re.IGNORECASE)
    found = [
        (name, line, term)
        for name, lines in texts.items()
        for line in lines
        if any_of_them.search(line) and line not in ALLOWED_PHRASES
        for phrase, term in PHRASES.items()
        if re.search(phrase, line, re.IGNORECASE)
    ]
    assert found == []
