"""The documentation as a site: ``nox -s docs`` makes it in ``build/docs``, with every warning an error."""

from importlib import metadata

project = "Jackfield"
author = "the Jackfield developers"
project_copyright = "the Jackfield developers, Apache-2.0"
version = release = metadata.version("jackfield")

extensions = ["myst_parser", "sphinx.ext.autodoc"]
# The pages stand for themselves in the repository too: links are plain paths, and headings are anchors.
myst_heading_anchors = 3
exclude_patterns = ["examples"]
suppress_warnings = ["myst.xref_missing"]  # links to the code beside these pages; a test follows each of them

highlight_language = "none"  # a block without a language is not Python

html_theme = "furo"
html_title = "Jackfield"
html_show_sphinx = False

default_role = "py:obj"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True, "show-inheritance": False}
python_use_unqualified_type_names = True
