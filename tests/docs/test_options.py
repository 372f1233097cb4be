"""An option keeps one name from the configuration's reference to the line that uses it."""

import re
from pathlib import Path

import attrs
import pytest

from jackfield import Registry
from jackfield.config import (
    DashboardOptions,
    DeliveryOptions,
    GatewayOptions,
    MetricsOptions,
    NamesOptions,
    ViewerOptions,
    WebhooksOptions,
)

ROOT = Path(__file__).parents[2]
SOURCES = {path: path.read_text() for path in [*ROOT.glob("src/**/*.py"), *ROOT.glob("plugins/*/src/**/*.py")]}
REGISTRY = Registry.load()
TABLES = [
    GatewayOptions,
    WebhooksOptions,
    MetricsOptions,
    DashboardOptions,
    ViewerOptions,
    NamesOptions,
    DeliveryOptions,
]
PLUGINS = [spec.cls for spec in (*REGISTRY.providers.values(), *REGISTRY.sinks.values())]
OPTIONS = [(table, field.alias) for table in (*TABLES, *PLUGINS) for field in attrs.fields(table)]


@pytest.mark.parametrize(("table", "option"), OPTIONS, ids=lambda value: getattr(value, "__name__", value))
def test_the_name_of_each_option_is_read_somewhere(table, option):
    packages = {each.__module__.partition(".")[0] for each in table.__mro__ if attrs.has(each)}
    places = {path: text for path, text in SOURCES.items() if packages & {*path.parts}}
    assert any(re.search(rf"\.{option}\b", text) for text in places.values())


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__)
def test_each_option_of_each_table_is_in_the_reference(table):
    page = (ROOT / "docs" / "reference" / "configuration.md").read_text()
    assert all(f"| `{field.alias}` | " in page for field in attrs.fields(table))
