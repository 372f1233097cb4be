"""`jackfield._feed.recorder`: what a vendor says is counted in bounded space and without our secrets."""

from datetime import UTC, datetime

import attrs

from jackfield._feed import effects
from jackfield._feed.recorder import FeedRecorder
from jackfield.config import Feed
from jackfield.plugin.secrets import Secret
from jackfield.reports._counters import MOST_REASONS, OTHER_REASONS


@attrs.frozen
class Options:
    token: Secret


def recorder(secret, reports=None):
    reports = [] if reports is None else reports
    options = Options(secret)
    feed, now = Feed("office", "acme", options), lambda: datetime.now(UTC)
    return FeedRecorder(feed, options, lambda events: None, reports.append, now)


def test_the_reason_of_an_ignored_frame_is_counted_without_a_secret():
    records = recorder(Secret("text", "tok-s3cret"))
    records.handle(effects.FrameIgnored("hello, tok-s3cret"))
    assert dict(records.stats.ignored) == {"hello, ***": 1}


def test_a_flood_of_different_reasons_is_counted_under_a_bounded_number_of_them():
    records = recorder(Secret("text", "tok-s3cret"))
    for number in range(300):
        records.handle(effects.FrameIgnored(f"frame {number}"))
    ignored = records.stats.ignored
    assert len(ignored) == MOST_REASONS + 1
    assert ignored.total() == 300
    assert ignored[OTHER_REASONS] == 300 - MOST_REASONS


def test_redaction_reads_no_file(tmp_path):
    path = tmp_path / "token"
    path.write_text("tok-s3cret")
    secret = Secret("file", str(path))
    assert secret.reveal() == "tok-s3cret"
    path.unlink()
    assert recorder(secret).redacted("bad tok-s3cret") == "bad ***"


def test_what_a_login_has_brought_is_redacted_too():
    records = recorder(Secret("text", "configured-1"))
    records.provider = Options(Secret("text", "fresh-token-2"))
    assert records.redacted("configured-1 or fresh-token-2") == "*** or ***"


def test_a_slow_step_is_reported_with_provider_step_and_seconds_at_each_doubling():
    reports = []
    records = recorder(Secret("text", "tok-s3cret"), reports)
    for _ in range(5):
        records.handle(effects.SlowStep("received", 0.7))
    assert [(each.provider, each.step, each.seconds, each.total) for each in reports] == [
        ("acme", "received", 0.7, total) for total in (1, 2, 4)
    ]
    assert str(reports[0]) == (
        "office: the step 'received' of the provider 'acme' held up everything else for 0.7 s (1 so far)"
    )
    assert records.stats.slow_steps == 5
