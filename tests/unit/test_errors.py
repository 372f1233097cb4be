"""`jackfield.errors`: what the exceptions carry."""

import inspect

from jackfield import errors
from jackfield.errors import ConfigError, ConfigProblem, HandshakeRefused, JackfieldError, SelectorError


def test_every_exception_is_in_the_tree_that_the_docstring_draws():
    classes = [each for _, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, Exception)]
    for each in classes:
        assert issubclass(each, JackfieldError)
        assert each.__name__ in errors.__doc__


def test_a_configuration_error_tells_every_fault_with_its_path():
    error = ConfigError([ConfigProblem("feeds.a.url", "required"), ConfigProblem("", "no TOML")])
    assert str(error) == "feeds.a.url: required\nno TOML"


def test_only_401_and_403_mean_refused_credentials():
    assert [HandshakeRefused(status, "").auth_failed for status in (401, 403, 404, 429, 503)] == [True, True] + [
        False
    ] * 3


def test_a_text_error_names_the_character_counted_from_one():
    assert str(SelectorError("empty segment", "a//b", 2)) == "empty segment, at character 3 of 'a//b'"
