"""The installed plugins: found, loaded one by one, checked, looked up.

A plugin that cannot be imported, or offers something of the wrong type, is left out and reported by
distribution and entry point; it never stops the host.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

import attrs
import pluggy

from jackfield.errors import PluginError
from jackfield.plugin.command import CommandSpec
from jackfield.plugin.hooks import ENTRY_POINT_GROUP, HOOK_API, HookSpecs
from jackfield.plugin.provider import ProviderSpec
from jackfield.plugin.sink import SinkSpec
from jackfield.reports import PluginLoadFailed, Report

__all__ = ["Loaded", "Registry"]

Spec = TypeVar("Spec", ProviderSpec, SinkSpec, CommandSpec)


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
    loaded: list[Loaded] = attrs.field(factory=list)
    failures: list[PluginLoadFailed] = attrs.field(factory=list)
    _manager: pluggy.PluginManager = attrs.field(factory=lambda: pluggy.PluginManager("jackfield"), repr=False)
    _added: list[tuple[Any, dict[str, str]]] = attrs.field(factory=list, repr=False)
    _failing_observers: set[str] = attrs.field(factory=set, repr=False)

    def __attrs_post_init__(self) -> None:
        self._manager.add_hookspecs(HookSpecs)

    @classmethod
    def load(cls, *, only: Iterable[str] | None = None, strict: bool = False) -> Registry:
        """Load the installed plugins, or `only` those of these distributions or entry points.

        A failure is kept in `failures`; with `strict` the first one raises `PluginError`.
        """
        registry = cls()
        wanted = None if only is None else set(only)
        found = sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: (_distribution(point)[0], point.name))
        for point in found:
            distribution, version = _distribution(point)
            if wanted is not None and not wanted & {distribution, point.name}:
                continue
            try:
                plugin = point.load()
            except Exception as error:  # noqa: BLE001  # whatever a plugin does at import, the host goes on
                registry._fail(distribution, point.name, f"cannot be imported: {type(error).__name__}: {error}")
            else:
                registry.add(plugin, distribution=distribution, version=version, entry_point=point.name)
        known = {_distribution(point)[0] for point in found} | {point.name for point in found}
        for name in sorted((wanted or set()) - known):
            registry._fail(name, name, "not installed")
        if strict and registry.failures:
            raise PluginError(str(registry.failures[0]))
        return registry

    def extended(self, plugins: Iterable[Any]) -> Registry:
        """A registry of its own with the same plugins and further ones, for one gateway."""
        registry = Registry()
        for plugin, where in self._added:
            registry.add(plugin, **where)
        registry.failures = list(self.failures)
        for plugin in plugins:
            registry.add(plugin)
        return registry

    def add(self, plugin: Any, *, distribution: str = "", version: str = "", entry_point: str = "") -> None:
        """Register a module or object whose functions are marked with `hookimpl`."""
        self._added.append((plugin, {"distribution": distribution, "version": version, "entry_point": entry_point}))
        name = entry_point or getattr(plugin, "__name__", type(plugin).__name__)
        distribution = distribution or name
        if problem := _other_api(getattr(plugin, "jackfield_api", HOOK_API)):
            self._fail(distribution, name, problem)
            return
        try:
            hash(plugin)  # pluggy keeps plugins in sets
            self._manager.register(plugin, name=f"{distribution}:{name}:{len(self._added)}")
        except (pluggy.PluginValidationError, ValueError, TypeError) as error:
            self._fail(distribution, name, " ".join(str(error).split()))
            return
        hooks = tuple(sorted(caller.name for caller in self._manager.get_hookcallers(plugin) or []))
        if unknown := [hook for hook in hooks if not hasattr(HookSpecs, hook)]:
            self._manager.unregister(plugin)
            self._fail(distribution, name, f"no such hook: {', '.join(unknown)}")
            return
        try:
            providers = self._offered(plugin, "jackfield_providers", ProviderSpec, self.providers)
            sinks = self._offered(plugin, "jackfield_sinks", SinkSpec, self.sinks)
            commands = self._offered(plugin, "jackfield_commands", CommandSpec, self.commands)
        except PluginError as error:
            self._manager.unregister(plugin)
            self._fail(distribution, name, str(error))
            return
        self.providers |= providers
        self.sinks |= sinks
        self.commands |= commands
        offered = (("provider", providers), ("sink", sinks), ("command", commands))
        offers = [f"{what} {each}" for what, specs in offered for each in specs]
        if not hooks:
            self._fail(distribution, name, "implements no hook of Jackfield's")
        self.loaded.append(Loaded(distribution, version, name, hooks, tuple(offers)))

    def _offered(self, plugin: Any, hook: str, kind: type[Spec], taken: dict[str, Spec]) -> dict[str, Spec]:
        """What one plugin answers to one hook, checked."""
        others = [each for each in self._manager.get_plugins() if each is not plugin]
        try:
            answers = self._manager.subset_hook_caller(hook, others)()
        except Exception as error:  # noqa: BLE001  # a hook may raise anything; this plugin alone is left out
            raise PluginError(f"{hook} raised {type(error).__name__}: {error}") from None
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

    def observe(self, report: Report) -> None:
        """Call every observer; one that raises is reported once and does not hinder the others."""
        for plugin in self._manager.get_plugins():
            hook = getattr(plugin, "jackfield_observe", None)
            name = self._manager.get_name(plugin) or ""
            if hook is None or name in self._failing_observers:
                continue
            others = [each for each in self._manager.get_plugins() if each is not plugin]
            try:
                self._manager.subset_hook_caller("jackfield_observe", others)(report=report)
            except Exception as error:  # noqa: BLE001  # an observer must not reach a session
                self._failing_observers.add(name)
                distribution, entry_point, _ = name.split(":")
                problem = f"jackfield_observe raised {type(error).__name__}: {error}; it is no longer called"
                self._fail(distribution, entry_point, problem)

    def _fail(self, distribution: str, entry_point: str, problem: str) -> None:
        failure = PluginLoadFailed(distribution, entry_point, problem)
        self.failures.append(failure)
        self.observe(failure)


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


def _distribution(point: EntryPoint) -> tuple[str, str]:
    if point.dist is None:
        return point.value, ""
    return point.dist.name, point.dist.version
