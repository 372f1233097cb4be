"""The installed plugins: found, loaded one by one, checked, looked up.

A plugin that cannot be imported, or offers something of the wrong type, is left out and reported by
distribution and entry point; it never stops the host.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any, TypeVar

import attrs
import pluggy

from jackfield._loading.contact_formats import check_media_types
from jackfield._loading.discovery import find_plugins, plugin_code, prints_to_stderr
from jackfield._loading.observers import Observer, showable
from jackfield._loading.own_kinds import offered_kinds
from jackfield.errors import PluginError
from jackfield.kinds import Kind
from jackfield.plugin.command import CommandSpec
from jackfield.plugin.contact_format import ContactFormat
from jackfield.plugin.coordinator import CoordinatorSpec
from jackfield.plugin.hooks import HOOK_API, HookSpecs
from jackfield.plugin.provider import ProviderSpec
from jackfield.plugin.redaction import Redactor
from jackfield.plugin.sink import SinkSpec
from jackfield.reports import PluginLoadFailed, Report

__all__ = ["Loaded", "Registry"]

Spec = TypeVar("Spec", ProviderSpec, SinkSpec, CommandSpec, CoordinatorSpec, ContactFormat)
HOOKS = [name for name in vars(HookSpecs) if name.startswith("jackfield_")]


@attrs.frozen
class Loaded:
    """One plugin that was loaded."""

    distribution: str
    version: str
    entry_point: str
    hooks: tuple[str, ...]
    """The hooks that it implements."""
    offers: tuple[str, ...]
    """What it brings, such as ``provider voipbin``."""


@attrs.define
class Registry:
    """What this process can speak and deliver to."""

    providers: dict[str, ProviderSpec] = attrs.field(factory=dict)
    sinks: dict[str, SinkSpec] = attrs.field(factory=dict)
    commands: dict[str, CommandSpec] = attrs.field(factory=dict)
    coordinators: dict[str, CoordinatorSpec] = attrs.field(factory=dict)
    kinds: dict[str, Kind] = attrs.field(factory=dict)
    """Those that plugins have registered."""
    contact_formats: dict[str, ContactFormat] = attrs.field(factory=dict)
    loaded: list[Loaded] = attrs.field(factory=list)
    failures: list[PluginLoadFailed] = attrs.field(factory=list)
    redact: Redactor = attrs.field(factory=Redactor)
    """Hides secrets in what observers get."""
    _observers: list[Observer] = attrs.field(factory=list, repr=False)
    """In the order in which they were added."""

    @classmethod
    def load(cls, *, only: Iterable[str] | None = None, strict: bool = False) -> Registry:
        """Load the installed plugins, or `only` those of these distributions or entry points.

        A failure is kept in `failures`; with `strict` the first one raises `PluginError`.
        """
        registry = cls()
        wanted = None if only is None else set(only)
        found, broken = find_plugins()
        for failure in broken:
            if wanted is None or failure.entry_point in wanted:
                registry._fail(failure)
        for each in found:
            names = {each.distribution, each.point.name}
            if wanted is None or wanted & names:
                try:
                    plugin = each.load()
                except PluginError as error:
                    registry._fail(PluginLoadFailed(each.distribution, each.point.name, str(error)))
                else:
                    registry.add(
                        plugin, distribution=each.distribution, version=each.version, entry_point=each.point.name
                    )
        known = {name for each in found for name in (each.distribution, each.point.name)}
        for name in sorted((wanted or set()) - known):
            registry._fail(PluginLoadFailed(name, name, "not installed"))
        if strict and registry.failures:
            raise PluginError(str(registry.failures[0]))
        return registry

    def extended(self, plugins: Iterable[Any]) -> Registry:
        """A registry of its own with the same plugins, the same redactor and further plugins, for one gateway.

        `PluginError` where one of those, which a program has made itself, cannot be used.
        """
        registry = Registry(
            providers=dict(self.providers),
            sinks=dict(self.sinks),
            commands=dict(self.commands),
            coordinators=dict(self.coordinators),
            kinds=dict(self.kinds),
            contact_formats=dict(self.contact_formats),
            loaded=list(self.loaded),
            failures=list(self.failures),
            redact=self.redact,
            observers=[attrs.evolve(each) for each in self._observers],
        )
        for plugin in plugins:
            if not registry.add(plugin):
                raise PluginError(str(registry.failures[-1]))
        return registry

    def add(self, plugin: Any, *, distribution: str = "", version: str = "", entry_point: str = "") -> bool:
        """Register a module or object whose functions are marked with `hookimpl`; whether it can be used."""
        name = entry_point or getattr(plugin, "__name__", type(plugin).__name__)
        distribution = distribution or name
        try:
            hooks, relay = _read(plugin, name)
            providers = _offered(relay, "jackfield_providers", ProviderSpec, self.providers)
            sinks = _offered(relay, "jackfield_sinks", SinkSpec, self.sinks)
            commands = _offered(relay, "jackfield_commands", CommandSpec, self.commands)
            coordinators = _offered(relay, "jackfield_coordinators", CoordinatorSpec, self.coordinators)
            kinds = offered_kinds(relay, self.kinds)
            formats = _offered(relay, "jackfield_contact_formats", ContactFormat, self.contact_formats)
            check_media_types(formats.values(), self.contact_formats.values())
        except PluginError as error:
            self._fail(PluginLoadFailed(distribution, name, str(error)))
            return False
        self.providers |= providers
        self.sinks |= sinks
        self.commands |= commands
        self.coordinators |= coordinators
        self.kinds |= kinds
        self.contact_formats |= formats
        offered: list[tuple[str, Iterable[str]]] = [("provider", providers), ("sink", sinks), ("command", commands)]
        offered += [("coordinator", coordinators), ("kind", kinds), ("contact format", formats)]
        offers = [f"{what} {each}" for what, specs in offered for each in specs]
        self.loaded.append(Loaded(distribution, version, name, hooks, tuple(offers)))
        if "jackfield_observe" in hooks:
            self._observers.append(Observer(distribution, name, relay.jackfield_observe))
        return True

    def observe(self, report: Report) -> None:
        """Pass a report to every observer; one that raises is reported once and does not hinder the others."""
        report = showable(report, self.redact)
        for observer in self._observers:
            if problem := observer.observe(report):
                self._fail(PluginLoadFailed(observer.distribution, observer.entry_point, problem))

    def _fail(self, failure: PluginLoadFailed) -> None:
        failure = showable(failure, self.redact)
        self.failures.append(failure)
        self.observe(failure)


def _read(plugin: Any, name: str) -> tuple[tuple[str, ...], Any]:
    """The hooks that a plugin implements, and pluggy's way to call them; `PluginError` where it breaks the contract."""
    if problem := _other_api(getattr(plugin, "jackfield_api", HOOK_API)):
        raise PluginError(problem)
    # Each plugin has a manager of its own, so that one call reaches one plugin.
    manager = pluggy.PluginManager("jackfield")
    manager.add_hookspecs(HookSpecs)
    try:
        hash(plugin)  # pluggy keeps plugins in sets
        manager.register(plugin, name=name)
    except (pluggy.PluginValidationError, ValueError, TypeError) as error:
        raise PluginError(" ".join(str(error).split())) from None
    callers = sorted(manager.get_hookcallers(plugin) or [], key=lambda caller: caller.name)
    hooks = tuple(caller.name for caller in callers)
    if unknown := [hook for hook in hooks if hook not in HOOKS]:
        raise PluginError(f"no such hook: {', '.join(unknown)}")
    if unmarked := [hook for hook in HOOKS if hook not in hooks and callable(getattr(plugin, hook, None))]:
        raise PluginError(f"not marked with hookimpl: {', '.join(unmarked)}")
    if not hooks:
        raise PluginError("implements no hook of Jackfield's")
    for caller in callers:
        if caller.name == "jackfield_observe" and "report" not in caller.get_hookimpls()[0].argnames:
            raise PluginError("jackfield_observe must have the parameter report, without a default")
    return hooks, manager.hook


def _offered(relay: Any, hook: str, kind: type[Spec], taken: dict[str, Spec]) -> dict[str, Spec]:
    """What one plugin answers to one hook, checked."""
    with plugin_code(f"{hook} raised"), prints_to_stderr():
        answers = getattr(relay, hook)()
    offered: dict[str, Spec] = {}
    for answer in answers:
        for spec in answer if isinstance(answer, list | tuple) else [answer]:
            if not isinstance(spec, kind):
                wanted = f"a list of {kind.__name__}"
                raise PluginError(f"{hook} must return {wanted}, not {spec!r} of type {type(spec).__name__}")
            options: Any = getattr(spec, "cls", None)  # a class, if the plugin's author kept to the types
            has_cls = "cls" in attrs.fields_dict(kind)
            if has_cls and not (inspect.isclass(options) and attrs.has(options)):
                raise PluginError(f"{hook}: the cls of {spec.name!r} must be an attrs class")
            if spec.name in taken or spec.name in offered:
                raise PluginError(f"{hook}: another plugin already offers {spec.name!r}")
            offered[spec.name] = spec
    return offered


def _other_api(declared: Any) -> str:
    """Why a plugin that declares this version of the hooks cannot be used; empty where it can."""
    if type(declared) is int:
        declared = range(declared, declared + 1)
    if not isinstance(declared, range):
        return f"jackfield_api must be a number or a range of numbers, not {declared!r}"
    if HOOK_API in declared:
        return ""
    asked = ", ".join(map(str, declared)) or "none"
    return f"made for version {asked} of the hooks (jackfield_api); this Jackfield has version {HOOK_API}"
