"""The example plugins under docs/examples/plugins are gold; PostgreSQL's, which needs a server, has its own test."""

import pytest
from profiles import is_thorough

from example_suites.asterisk import AsteriskSuite
from example_suites.freeswitch import FreeswitchSuite, PlainFreeswitchSuite
from example_suites.genesys import GenesysSuite
from example_suites.outbox import OutboxSuite
from example_suites.sqlite import SqliteSuite
from example_suites.telegram import TelegramSuite
from example_suites.twilio import TwilioSuite
from jackfield.testing._rules import Level
from jackfield.testing._scorecard import run_suite

SUITES = [
    AsteriskSuite,
    FreeswitchSuite,
    GenesysSuite,
    OutboxSuite,
    PlainFreeswitchSuite,
    SqliteSuite,
    TelegramSuite,
    TwilioSuite,
]


@pytest.mark.parametrize("suite", SUITES)
def test_an_example_is_gold(suite):
    card = run_suite(suite, examples=100 if is_thorough() else 5)
    assert card.failures == ()
    assert card.level is Level.GOLD
