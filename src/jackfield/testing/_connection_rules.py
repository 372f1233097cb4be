"""The rules about a provider's connection: a real session drives it, before a vendor over memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from urllib.parse import urlsplit

import msgspec
import trio

from jackfield.plugin.transport import ByteStream, Endpoint, HTTPStream, LongPoll, PullSource
from jackfield.reports import Backfilled, FeedStateChanged, TopicRefused
from jackfield.reports.feed_states import FeedState
from jackfield.testing._churn import subscription_churn
from jackfield.testing._exposure import captured_output, shows
from jackfield.testing._harness import Harness, Scenario, Vendor, play
from jackfield.testing._provider_declaration import ProviderDeclaration
from jackfield.testing._rules import Level, rule

__all__ = ["ConnectionRules"]

# Sooner than a session gives up waiting for an answer, so that a refusal was reported and not just waited for.
REPORTED_SECONDS = 25.0
# Later than that.
SILENT_SECONDS = 90.0
HOUR = 3600.0
# How long a vendor that speaks first may take to do so: less than a session waits for its answers.
GREETING_SECONDS = 5.0


# The schemes of each transport's URLs.
SCHEMES: dict[type, tuple[str, ...]] = {
    Endpoint: ("ws", "wss"),
    ByteStream: ("tcp", "tls"),
    HTTPStream: ("http", "https"),
    LongPoll: ("http", "https"),
}


class ConnectionRules(ProviderDeclaration):
    """Everything that can be seen of a provider while a session drives it."""

    def shown_endpoint(self) -> dict[str, str]:
        """What is shown of where it connects to."""
        endpoint = self.provider.endpoint()
        return {"the endpoint's repr": repr(endpoint), "the URL that is shown": endpoint.display}

    @rule(Level.BRONZE)
    def test_names_an_endpoint(self) -> None:
        """A feed without a URL of its transport's can never connect."""
        for _ in range(2):
            endpoint = self.provider.endpoint()
            if isinstance(endpoint, PullSource):
                continue
            schemes = SCHEMES[type(endpoint)]
            wanted = " or ".join(f"{scheme}:" for scheme in schemes)
            assert urlsplit(endpoint.url).scheme in schemes, f"{endpoint.display} is not a {wanted} URL"
            assert urlsplit(endpoint.url).hostname, "the endpoint's URL names no host"

    def _play(self, scenario: Scenario, vendor: Callable[[], Vendor | None] | None = None) -> Harness:
        return play(self.provider, vendor or self.vendor, self.rest, scenario, self.subscribes)

    async def _settle(self, harness: Harness) -> None:
        topics = self.topics()
        assert topics, f"the dialect has no topic for {self.selector}: set `selector` to something that it has"
        harness.session.wanted.set(topics)
        settled = await harness.settled(topics)
        reported = [str(report) for report in harness.reports]
        assert settled, f"active are {sorted(harness.session.stats.topics)} and not {sorted(topics)}: {reported}"
        served = self.served(harness.vendors[-1])
        missing = sorted(set(topics) - set(served)) if served is not None else []
        assert not missing, f"{missing} count as active, and the vendor was not asked for them"

    async def _begin(self, harness: Harness) -> None:
        """Settle, for a rule that is about what comes then."""
        try:
            await self._settle(harness)
        except AssertionError:
            self.not_applicable("its topics do not become active, which confirms_subscriptions reports")

    async def _again(self, harness: Harness) -> None:
        """Lose the connection, and settle again."""
        connections = len(harness.came)
        await harness.drop()
        assert await harness.within(SILENT_SECONDS, lambda: len(harness.came) > connections), "no second connection"
        await self._settle(harness)

    @rule(Level.BRONZE)
    def test_confirms_subscriptions(self) -> None:
        """A topic that the vendor serves and the protocol never confirms is counted as lost."""
        self._play(self._settle)

    @rule(Level.SILVER)
    def test_reports_refusals(self) -> None:
        """A topic that the vendor refuses must be reported at once, and not count as active."""
        if not self.refuses:
            self.not_applicable("the vendor refuses no topic")

        async def scenario(harness: Harness) -> None:
            harness.session.wanted.set(self.topics())
            await trio.sleep(REPORTED_SECONDS)

        harness = self._play(scenario, lambda: self.vendor(refuses=True))
        assert any(isinstance(report, TopicRefused) for report in harness.reports), "no refusal was reported"
        assert not harness.session.stats.topics, f"{sorted(harness.session.stats.topics)} count as served"

    @rule(Level.SILVER)
    def test_times_out_unanswered_subscriptions(self) -> None:
        """Where a vendor answers, what it does not answer is timed out: neither confirmed nor forgotten."""
        if not self.acknowledges:
            self.not_applicable("the vendor answers no subscription")

        async def scenario(harness: Harness) -> None:
            harness.session.wanted.set(self.topics())
            await trio.sleep(SILENT_SECONDS)

        harness = self._play(scenario, lambda: None)
        assert not harness.session.stats.topics, (
            f"active without an answer of the vendor: {sorted(harness.session.stats.topics)}"
        )
        assert any(isinstance(report, TopicRefused) for report in harness.reports), "the silence was not reported"

    @rule(Level.SILVER)
    def test_unsubscribes_unwanted_topics(self) -> None:
        """What nobody wants any more must not go on costing the vendor and us."""
        if not self.unsubscribes:
            self.not_applicable("the vendor needs no unsubscribe")

        async def scenario(harness: Harness) -> None:
            await self._begin(harness)
            before = len(harness.came[-1])
            harness.session.wanted.set(())
            assert await harness.settled(()), f"still active: {sorted(harness.session.stats.topics)}"
            given = await harness.within(REPORTED_SECONDS, lambda: len(harness.came[-1]) > before)
            assert given, "the vendor got no unsubscribe for topics that nobody wants any more"

        self._play(scenario)

    @rule(Level.BRONZE)
    def test_reconnects_after_a_drop(self) -> None:
        """A connection that was cut must come up again, one attempt at a time, and subscribe to everything anew."""
        asked: list[Counter[str | bytes]] = []

        async def scenario(harness: Harness) -> None:
            await self._begin(harness)
            asked.append(self._asked(harness))
            await self._again(harness)
            asked.append(self._asked(harness))

        harness = self._play(scenario)
        assert harness.most_up == 1, f"{harness.most_up} connections were up at once"
        self._assert_asked(asked, "on the second connection")

    @rule(Level.BRONZE)
    def test_subscribes_whenever_it_is_asked(self) -> None:
        """A topic that is wanted before the vendor's first word, or long after it, must be asked for all the same."""
        asked: list[Counter[str | bytes]] = []

        async def late(harness: Harness) -> None:
            assert await harness.within(SILENT_SECONDS, lambda: harness.came != []), "it does not connect"
            await trio.sleep(GREETING_SECONDS)
            await self._begin(harness)
            asked.append(self._asked(harness))

        async def early(harness: Harness) -> None:
            harness.greeting_delay = GREETING_SECONDS
            await self._settle(harness)
            await trio.sleep(GREETING_SECONDS)
            asked.append(self._asked(harness))

        self._play(late)
        self._play(early)
        self._assert_asked(asked, f"where the vendor speaks {GREETING_SECONDS:g} s after the topics are wanted")

    def _asked(self, harness: Harness) -> Counter[str | bytes]:
        """What the vendor was sent on the newest connection."""
        return Counter(self.comparable(each) if isinstance(each, str) else each for each in harness.came[-1])

    def _assert_asked(self, asked: list[Counter[str | bytes]], when: str) -> None:
        first, second = asked
        missing = list((first - second).elements())
        assert not missing, f"{when} the vendor does not get {missing[0]!r}; it has got {list(second)}"

    @rule(Level.SILVER)
    def test_subscribes_once(self) -> None:
        """A topic that is asked for twice is delivered twice, or silenced for others when it is unsubscribed."""

        async def scenario(harness: Harness) -> None:
            await self._begin(harness)
            await trio.sleep(SILENT_SECONDS)  # some protocols repeat a subscription from time to time, on purpose
            await self._again(harness)
            await trio.sleep(SILENT_SECONDS)

        first, second, *_ = self._play(scenario).came
        assert len(second) <= len(first), f"the vendor got {second} on the second connection, and {first} on the first"

    @rule(Level.GOLD)
    def test_survives_subscription_churn(self) -> None:
        """Consumers come and go and connections break: a topic that is wanted must be served, whatever was before."""
        subscription_churn(self)

    @rule(Level.BRONZE)
    def test_stays_stopped(self) -> None:
        """Once it is stopped, nothing is sent, nothing connects, and nothing fails."""

        async def scenario(harness: Harness) -> None:
            await self._begin(harness)
            sent, seen = len(harness.came[-1]), len(harness.reports)
            harness.session.stop()
            await trio.sleep(HOUR)
            assert harness.session.stats.state is FeedState.DISCONNECTED, f"it is {harness.session.stats.state.value}"
            assert harness.attempts == 1, "it has connected again"
            assert len(harness.came[-1]) == sent, f"it has sent {harness.came[-1][sent:]}"
            reasons = [
                str(each) for each in harness.reports[seen:] if isinstance(each, FeedStateChanged) and each.reason
            ]
            assert not reasons, f"it did not stop gracefully: {reasons}"

        self._play(scenario)

    @rule(Level.SILVER)
    def test_hides_secrets_from_reports(self) -> None:
        """Some vendors quote the token that they refuse, and no report, log or event of ours may pass that on."""
        secrets = self.secrets() or self.not_applicable("the provider has no secret")
        quoting = [f"no such token: {secret}" for secret in secrets]
        frames = [*quoting, *(msgspec.json.encode({"error": text, "status": "error"}).decode() for text in quoting)]

        async def scenario(harness: Harness) -> None:
            harness.session.wanted.set(self.topics())
            for frame in [*frames, *(each.decode() for each in self.examples()[:5])]:
                if await harness.within(REPORTED_SECONDS, lambda: harness.session.stats.state in _UP):
                    await harness.say(frame)

        with captured_output() as captured:
            harness = self._play(scenario, lambda: self.vendor(refuses=self.refuses))
        leaks = captured.leaks(secrets)
        assert not leaks, f"{leaks[0]} shows a secret"
        own = [str(event.to_cloudevent()) for event in harness.events if event.kind.startswith("stream.")]
        shown = {
            "a report": [f"{report} {report!r}" for report in harness.reports],
            "an event of the stream": own,
        }
        for what, texts in shown.items():
            assert not shows("\n".join(texts), secrets), f"{what} shows a secret"

    @rule(Level.GOLD)
    def test_backfills_gaps(self) -> None:
        """After a gap a provider that can query what was missed does so, and marks it as backfill."""
        if not self.backfills:
            self.not_applicable("the vendor cannot be asked for what was missed")

        async def scenario(harness: Harness) -> None:
            await self._begin(harness)
            await harness.drop()
            backfilled = await harness.within(SILENT_SECONDS, lambda: _backfills(harness) != [])
            assert backfilled, "no backfill was made"

        harness = self._play(scenario)
        failures = [each.failure for each in _backfills(harness) if each.failure]
        assert not failures, f"the backfill failed: {failures[0]}"
        live = [event for event in harness.events if event.origin == "live" and not event.kind.startswith("stream.")]
        assert not live, f"what was backfilled counts as live: {live[0]}"


_UP = (FeedState.CONNECTED, FeedState.SUBSCRIBED)


def _backfills(harness: Harness) -> list[Backfilled]:
    return [report for report in harness.reports if isinstance(report, Backfilled)]
