"""The hooks by which plugins reach the host, in pluggy's terms.

A distribution names a module in the entry-point group ``jackfield``; the module's functions that
are marked with `hookimpl` and named as below are called::

    from jackfield.plugin.hooks import hookimpl

    @hookimpl
    def jackfield_providers() -> list[ProviderSpec]:
        return [ProviderSpec(name="acme", …)]

Hooks are synchronous and never called for an event. An implementation may have fewer parameters
than its hook has, so a hook that gains one breaks no plugin. What would break plugins raises
`HOOK_API`; a plugin that says ``jackfield_api = 1``, or ``jackfield_api = range(1, 3)`` where it works
with several, is left out by a host of another version, with the reason.
"""

from __future__ import annotations

from typing import Protocol

import pluggy

from jackfield.kinds import Kind
from jackfield.plugin.command import CommandSpec
from jackfield.plugin.contact_format import ContactFormat
from jackfield.plugin.coordinator import CoordinatorSpec
from jackfield.plugin.provider import ProviderSpec
from jackfield.plugin.sink import SinkSpec
from jackfield.reports import Report

__all__ = ["ENTRY_POINT_GROUP", "HOOK_API", "HookSpecs", "hookimpl"]

ENTRY_POINT_GROUP = "jackfield"

HOOK_API = 1
"""The version of the hooks and of what goes through them: providers, protocols, sinks, commands."""

_hookspec = pluggy.HookspecMarker("jackfield")
hookimpl: pluggy.HookimplMarker = pluggy.HookimplMarker("jackfield")
"""Marks a function of a plugin as the implementation of the hook of the same name."""


class HookSpecs(Protocol):
    """Every hook, with when it is called."""

    @_hookspec
    def jackfield_providers(self) -> list[ProviderSpec]:
        """The vendors that the plugin speaks. Called once, when the plugin is loaded."""
        ...

    @_hookspec
    def jackfield_sinks(self) -> list[SinkSpec]:
        """The kinds of sinks that the plugin offers. Called once, when the plugin is loaded."""
        ...

    @_hookspec
    def jackfield_commands(self) -> list[CommandSpec]:
        """The plugin's own commands, ``jackfield NAME …``. Called once, when the plugin is loaded."""
        ...

    @_hookspec
    def jackfield_coordinators(self) -> list[CoordinatorSpec]:
        """By what several gateways agree on who holds which feed. Called once, when the plugin is loaded."""
        ...

    @_hookspec
    def jackfield_kinds(self) -> list[Kind]:
        """Kinds of events of the plugin's own, under an entity that Jackfield does not have.

        Called once, when the plugin is loaded. `check` and selectors know them from then on, and `jackfield plugins`
        lists them.
        """
        ...

    @_hookspec
    def jackfield_contact_formats(self) -> list[ContactFormat]:
        """Forms of a contact that ``GET /v1/contacts/…`` gives. Called once, when the plugin is loaded."""
        ...

    @_hookspec
    def jackfield_observe(self, report: Report) -> None:
        """Something changed or went wrong. Called as it happens, on the gateway's own thread.

        Must return at once. An exception is reported once for each plugin and changes nothing else.
        """
        ...
