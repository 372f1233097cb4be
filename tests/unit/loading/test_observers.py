"""`jackfield._loading.observers`: what observers get can be shown anywhere."""

import pytest

from jackfield._loading.observers import showable
from jackfield._loading.registry import Registry
from jackfield.plugin.hooks import hookimpl
from jackfield.plugin.redaction import Redactor
from jackfield.plugin.secrets import Secret
from jackfield.reports import DeliveryFailed, PluginLoadFailed, TopicRefused

REDACT = Redactor.of([Secret("text", "hunter2")])


@pytest.mark.parametrize("control", ["\x1b[2J", "\r", "\n", "\x07", "\x9b31m", "\u202e", "\u2028", "\ud83d"])
def test_no_text_of_a_report_holds_what_a_terminal_obeys_or_cannot_print(control):
    report = showable(TopicRefused("office", "call:1", f"no{control}such token: hunter2"), REDACT)
    assert report.reason.isprintable()
    assert str(report).encode()
    assert "hunter2" not in str(report)
    assert report.reason.startswith("no ")


def test_a_report_that_can_be_shown_stays_the_same_object():
    report = DeliveryFailed("crm", "answered HTTP 503", 1, 2.0)
    assert showable(report, REDACT) is report


def test_the_names_by_which_observers_know_a_report_stay_as_they_are():
    assert showable(DeliveryFailed("hunter2", "hunter2", 1, 2.0), REDACT) == DeliveryFailed("hunter2", "***", 1, 2.0)


def test_every_observer_of_a_registry_gets_what_can_be_shown():
    got = []

    class Observer:
        @hookimpl
        def jackfield_observe(self, report):
            got.append(report)

    registry = Registry().extended([Observer()])
    registry.redact.add([Secret("text", "hunter2")])
    registry.observe(TopicRefused("office", "t", "hunter2\x1b"))
    assert got == [TopicRefused("office", "t", "*** ")]


def test_what_a_broken_plugin_says_of_itself_can_be_shown():
    registry = Registry()
    registry._fail(PluginLoadFailed("d", "e", "raised\x1b[31m"))
    assert registry.failures[0].problem == "raised [31m"
