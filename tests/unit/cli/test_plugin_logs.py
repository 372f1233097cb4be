"""`jackfield._cli.plugin_logs`: what a plugin logs is a line like any other, without secrets."""

import json
import logging
import re

import pytest

from jackfield._cli.console import Console
from jackfield._cli.plugin_logs import plugin_logs
from jackfield.plugin.redaction import Redactor
from jackfield.plugin.secrets import Secret

LOGGER = logging.getLogger("jackfield.acme")
SECRET = Secret("text", "a-secret-of-nobody")


@pytest.fixture(name="logged")
def _logged(capsys):
    """The lines that a console of a format, and of a least level, makes of what is logged."""
    SECRET.reveal()

    def logged(log, form="text", least="info"):
        with plugin_logs(Console(least, form), Redactor.of([SECRET])):
            log()
        return capsys.readouterr().err.splitlines()

    return logged


def warn():
    LOGGER.warning("%s: %d wait", "c1", 3, extra={"event": "things_waiting"})


def test_a_line_has_time_level_and_name_in_every_format(logged):
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d"
    assert re.fullmatch(rf"{stamp} warning things_waiting c1: 3 wait", logged(warn)[0])
    assert re.fullmatch(r"\d\d:\d\d:\d\d  c1: 3 wait", logged(warn, None)[0])
    assert logged(warn, "journald") == ["<4>things_waiting c1: 3 wait"]
    line = json.loads(logged(warn, "json")[0])
    assert (line["level"], line["event"], line["message"]) == ("warning", "things_waiting", "c1: 3 wait")
    assert line["logger"] == "jackfield.acme"


@pytest.mark.parametrize("least", ["debug", "info", "warning", "error"])
def test_what_is_below_the_level_is_left_out(logged, least):
    levels = ["debug", "info", "warning", "error"]

    def each():
        for level in levels:
            getattr(LOGGER, level)("said")

    lines = logged(each, "journald", least)
    assert [line[:3] for line in lines] == ["<7>", "<6>", "<4>", "<3>"][levels.index(least) :]


def test_a_line_without_a_name_has_its_loggers(logged):
    assert logged(lambda: LOGGER.critical("odd"), "journald") == ["<3>jackfield.acme odd"]


def test_secrets_and_control_characters_are_not_shown_and_an_exception_is_one_line(logged):
    def fail():
        try:
            raise ValueError(f"{SECRET.reveal()} is\nodd")
        except ValueError:
            LOGGER.exception("no \x1b[31m%s", "luck")

    (line,) = logged(fail, "journald")
    assert line == "<3>jackfield.acme no  [31mluck: ValueError: *** is odd"


def test_what_cannot_be_formatted_is_a_line_all_the_same(logged, monkeypatch):
    monkeypatch.setattr(logging.getLogger("jackfield"), "propagate", False)
    assert logged(lambda: LOGGER.warning("%d calls", "no"), "journald") == ["<4>jackfield.acme %d calls with ('no',)"]


def test_others_loggers_and_reports_that_an_observer_logs_are_not_repeated(logged):
    assert logged(lambda: logging.getLogger("jackfield").warning("a report"), "journald") == []


def test_afterwards_logging_is_as_it_was(logged):
    before = logging.getLogger("jackfield").level, list(logging.getLogger("jackfield").handlers)
    logged(warn, least="debug")
    assert (logging.getLogger("jackfield").level, logging.getLogger("jackfield").handlers) == before
