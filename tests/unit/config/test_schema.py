"""`jackfield.config.schema`: a schema that agrees with what the configuration's reader says."""

import re
import tomllib
from pathlib import Path

import jsonschema
import pytest

from jackfield import Registry
from jackfield._gateway.cluster.lock_files import coordinators
from jackfield.config import build_config
from jackfield.config.schema import config_schema
from jackfield.errors import ConfigError

ROOT = Path(__file__).parents[3]
REGISTRY = Registry.load()
SCHEMA = config_schema(REGISTRY.providers, REGISTRY.sinks, coordinators(REGISTRY))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
PAGES = [ROOT / "README.md", *(ROOT / "docs").glob("*/*.md")]
SHOWN = [
    pytest.param(text, id=f"{page.name}-{number}")
    for page in PAGES
    for number, text in enumerate(re.findall(r"```toml\n(.*?)```", page.read_text(), re.DOTALL))
    if "[feeds." in text and "..." not in text
]
FEED = {"provider": "vinix", "url": "wss://a.example", "auth_token": {"env": "T"}, "account_id": "A"}


def says(document):
    return [error.json_path for error in VALIDATOR.iter_errors(document)]


def test_it_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("text", SHOWN)
def test_what_the_documentation_shows_is_valid(text):
    document = tomllib.loads(text)
    used = {feed.get("provider") for feed in document["feeds"].values()}
    used |= {sink.get("type") for sink in document.get("sinks", {}).values()}
    if used <= {*REGISTRY.providers, *REGISTRY.sinks}:  # others are of example plugins
        assert says(document) == []


@pytest.mark.parametrize(
    "document",
    [
        {"gateway": {"jurnal": "x"}},
        {"gateway": {"fsync": "yes"}},
        {"feeds": {"a": {**FEED, "provider": "vinx"}}},
        {"feeds": {"a": {**FEED, "unsubscribe": "never"}}},
        {"feeds": {"a": {**FEED, "auth_token": {"envy": "T"}}}},
        {"feeds": {"a": {**FEED, "families": ["cal"]}}},
        {"sinks": {"s": {"type": "file"}}},
        {"sinks": {"s": {"type": "file", "path": "x", "delivery": {"concurency": 2}}}},
        {"routes": [{"select": "**", "sinks": ["s"]}]},
    ],
    ids=str,
)
def test_what_the_reader_refuses_for_its_form_the_schema_does_too(document, monkeypatch):
    monkeypatch.setenv("T", "token")
    with pytest.raises(ConfigError):
        build_config({"feeds": {"b": FEED}, **document}, providers=REGISTRY.providers, sinks=REGISTRY.sinks)
    assert says(document)


def test_every_option_that_a_feed_may_have_is_described():
    for kind in SCHEMA["properties"]["feeds"]["additionalProperties"]["oneOf"]:
        assert all(option.get("description") or "const" in option for option in kind["properties"].values())
