"""From plain mappings to attrs objects, with every fault found at once and each with its path.

cattrs converts each value; this module goes through the fields itself, because an attrs class
validates only when all its fields are there, and would hide a wrong value behind a missing one.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, time
from math import isfinite
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import attrs
import cattrs
from cattrs.errors import BaseValidationError

from jackfield.errors import ConfigProblem, SecretError, TextError
from jackfield.plugin.secrets import Secret
from jackfield.selectors import Selector

T = TypeVar("T")

Prepare = Callable[[Any, Any, str], Any]
"""What a value as it is written stands for: gets the field, the value and its path, and may raise `ValueError`."""

_KEY = re.compile(r"\['([^']*)'\]")
"""A table's key, as cattrs has it in a path."""

_NAMES = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


def _shown(value: Any) -> str:
    if isinstance(value, date | time):
        return value.isoformat()
    names = {dict: "a table", list: "a list", bool: "true" if value is True else "false"}
    return names.get(type(value)) or repr(value)


def _strict(value: Any, wanted: type[T]) -> T:
    """A value of exactly this type: a configuration's ``"5"`` is not a number and its ``1`` not a truth value."""
    if wanted is float and type(value) is int:
        value = float(value)
    if type(value) is not wanted or (isinstance(value, float) and not isfinite(value)):
        raise ValueError(f"must be {_NAMES[wanted]}, not {_shown(value)}")
    return value


def _check_container(value: Any, origin: Any) -> None:
    """A text's letters and a table's keys are no list."""
    if origin in (list, tuple) and not isinstance(value, list | tuple):
        raise ValueError(f"must be a list, not {_shown(value)}")
    if origin in (dict, Mapping) and not isinstance(value, Mapping):
        raise ValueError(f"must be a table, not {_shown(value)}")


def _one_of(value: Any, literal: Any) -> Any:
    choices = get_args(literal)
    if value not in choices:
        raise ValueError(f"{_shown(value)} is none of {', '.join(map(repr, choices))}")
    return value


def _is_literal(wanted: Any) -> bool:
    return get_origin(wanted) is Literal


def _is_word_or_more(wanted: Any) -> bool:
    """Whether it is some words or else something else, such as ``Literal["memory"] | int``."""
    return get_origin(wanted) in (Union, UnionType) and any(map(_is_literal, get_args(wanted)))


def _word_or_more(value: Any, union: Any) -> Any:
    choices = [word for each in get_args(union) if _is_literal(each) for word in get_args(each)]
    others = [each for each in get_args(union) if not _is_literal(each)]
    if (isinstance(value, str) and value in choices) or type(value) in others:
        return value
    named = ", ".join(
        [*map(repr, choices), *(_NAMES.get(each, each.__name__) for each in others if each is not NoneType)]
    )
    raise ValueError(f"{_shown(value)} is none of {named}")


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True)
    for primitive in _NAMES:
        converter.register_structure_hook(primitive, _strict)
    converter.register_structure_hook_func(_is_literal, _one_of)
    converter.register_structure_hook_func(_is_word_or_more, _word_or_more)
    converter.register_structure_hook(Secret, lambda value, _: Secret.from_config(value))
    converter.register_structure_hook(Selector, lambda value, _: Selector.parse(_strict(value, str)))
    return converter


def _message(error: BaseException, _type: type | None = None) -> str:
    # Validators of attrs put a message first, and then their own objects.
    text = str(error.args[0] if len(error.args) > 1 and isinstance(error.args[0], str) else error)
    return text if isinstance(error, TextError | ValueError) else f"{type(error).__name__}: {text}"


def _explain(error: Exception, path: str) -> Iterable[ConfigProblem]:
    """The faults in one value; a list's have the number of the item in their path."""
    if not isinstance(error, BaseValidationError):
        return [ConfigProblem(path, _message(error))]
    texts = cattrs.transform_error(error, path=path, format_exception=_message)
    faults = (text.rpartition(" @ ") for text in texts)
    return [ConfigProblem(_KEY.sub(r".\1", where), message) for message, _, where in faults]


def unknown_keys(table: Mapping[Any, Any], known: Iterable[str], path: str) -> list[ConfigProblem]:
    """A fault for each key that nothing reads, with the name that was probably meant."""
    names = sorted(known)
    faults = []
    for key in table:
        if not isinstance(key, str):
            faults.append(ConfigProblem(path, f"{key!r} is not an option; the name of one is a text"))
        elif key not in names:
            near = difflib.get_close_matches(key, names, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(names)}"
            faults.append(ConfigProblem(f"{path}.{key}" if path else key, f"unknown option; {hint}"))
    return faults


def as_written(_field: Any, value: Any, _where: str) -> Any:
    """The value itself."""
    return value


def _value(
    converter: cattrs.Converter,
    field: Any,
    given: Any,
    where: str,
    faults: list[ConfigProblem],
    prepare: Prepare = as_written,
) -> Any:
    try:
        prepared = prepare(field, given, where)
        _check_container(prepared, get_origin(field.type))
        value = converter.structure(prepared, field.type)
        if field.validator is not None:
            field.validator(None, field, value)
        if isinstance(value, Secret):
            value.reveal()
    except SecretError as error:
        faults.append(ConfigProblem(where, str(error)))
    except Exception as error:  # noqa: BLE001  # whatever a plugin's own validator raises is a fault of the value
        faults += _explain(error, where)
    else:
        return value
    return None


def structure_some(cls: type[Any], table: Mapping[str, Any], faults: list[ConfigProblem]) -> dict[str, Any]:
    """The values for some fields of an attrs class; those that are wrong have their reasons among `faults`."""
    fields = attrs.fields_dict(attrs.resolve_types(cls))
    converter = _converter()
    return {key: _value(converter, fields[key], given, key, faults) for key, given in table.items()}


def structure(
    cls: type[T], table: Any, path: str, faults: list[ConfigProblem], prepare: Prepare = as_written
) -> T | None:
    """The object that a table describes; ``None``, with its reasons among `faults`, where it is wrong."""
    if not isinstance(table, Mapping):
        faults.append(ConfigProblem(path, f"must be a table, not {_shown(table)}"))
        return None
    converter = _converter()
    plain: Any = cls  # an attrs class, which type checkers cannot say of a type variable
    fields = {field.alias or field.name: field for field in attrs.fields(attrs.resolve_types(plain)) if field.init}
    found = unknown_keys(table, fields, path)
    values: dict[str, Any] = {}
    for name, field in fields.items():
        where = f"{path}.{name}"
        if name not in table:
            if field.default is attrs.NOTHING:
                about = field.metadata.get("help", "")
                found.append(ConfigProblem(where, f"required{f': {about}' if about else ''}"))
            continue
        values[name] = _value(converter, field, table[name], where, found, prepare)
    if not found:
        try:
            return cls(**values)
        except (SecretError, ValueError) as error:  # options that are right by themselves and do not go together
            found.append(ConfigProblem(path, str(error)))
    faults += found
    return None
