"""The names in documentation, examples and templates exist in the code."""

import importlib
import re
from pathlib import Path

import pytest

from jackfield.kinds import KIND_NAMES, KINDS, UNMAPPED
from jackfield.testing import sample_events
from jackfield_vinix.kinds import TABLE as VINIX
from jackfield_voipbin.kinds import TABLE as VOIPBIN

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *sorted(ROOT.glob("docs/**/*.md")),
    *sorted(ROOT.glob("docs/examples/**/*.py")),
    *sorted(ROOT.glob("plugins/*/*.md")),
    *sorted(path for path in ROOT.glob("src/jackfield/_cli/**/*") if path.suffix in {".py", ".txt"}),
    *sorted(ROOT.glob("src/jackfield/_dashboard/**/*.js")),
]
ENTITIES = {kind.entity for kind in KINDS} - {"call_group"}
KIND = re.compile(rf"(?<![\w./:-])(({'|'.join(sorted(ENTITIES))})\.([a-z_]+))(?![\w:/(-]|\.[a-z\d*])")
QUOTED = re.compile(rf"""["'`]({KIND.pattern})""")
# The vendors' own names of events have the form of a kind.
VENDORS = {f"{resource}.{word}" for table in (VINIX, VOIPBIN) for resource, words in table.items() for word in words}
DOTTED = re.compile(r"(?<![\w./-])jackfield(?:_\w+)?(?:\.\w+)+")
# An entry-point group; names of logs; a sub-protocol of websockets.
NOT_MODULES = {"jackfield.service", "jackfield.conformance", "jackfield.file", "jackfield.v1"}


def relative(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_every_kind_that_is_named_exists(page):
    # In code an attribute has the form of a kind too, so there only quoted names count.
    form = KIND if page.suffix == ".md" else QUOTED
    found = {match[1] for match in form.finditer(page.read_text())}
    assert found - KIND_NAMES - VENDORS == set()


def test_sample_events_have_kinds_that_exist():
    kinds = {event.kind for event in sample_events(10)}
    assert {kind for kind in kinds if kind.partition(".")[0] != UNMAPPED} <= KIND_NAMES


@pytest.mark.parametrize("page", [page for page in PAGES if page.suffix == ".md"], ids=relative)
def test_every_dotted_name_of_the_public_interface_exists(page):
    for name in set(DOTTED.findall(page.read_text())) - NOT_MODULES:
        if not name.startswith(("jackfield_acme", "jackfield_asterisk", "jackfield_sqlite")):
            assert exists(name), name


def exists(name):
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False
