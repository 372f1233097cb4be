"""Providers with one fault each, by the rule that is there to catch it."""

import itertools
import json
import logging
import os
import time
from datetime import timedelta
from types import MappingProxyType
from typing import ClassVar

import attrs

from faulty.acme import (
    HELLO,
    SAMPLE,
    SIGNATURE,
    Acme,
    AcmeProtocol,
    AcmeSuite,
    GreetedSuite,
    RestAcme,
    RestProtocol,
    RestSuite,
)
from faulty.dialect import AcmeDialect
from jackfield.addresses import AddressPattern
from jackfield.errors import FrameError, NoTopicError
from jackfield.plugin.http import Request
from jackfield.plugin.options import field_help
from jackfield.plugin.protocol import Ignore, Subscribed
from jackfield.plugin.transport import Endpoint
from jackfield.plugin.webhook import Webhook
from jackfield.testing._provider_declaration import AT

FAULTS = []


def caught_by(rule, **implied):
    """Enlist a suite, or one for this provider, protocol or dialect, which falls on this rule, and on no other.

    But for the rules in `implied`, each with the reason why nobody can break the first one and keep it.
    """

    def enlist(fault):
        if issubclass(fault, AcmeSuite):
            suite = fault
        else:
            provider = fault
            if issubclass(fault, AcmeProtocol):
                provider = type("Faulty", (Acme,), {"protocols": fault})
            elif issubclass(fault, AcmeDialect):
                provider = type("Faulty", (Acme,), {"dialect": fault()})
            suite = type(fault.__name__, (AcmeSuite,), {"provider": provider()})
        FAULTS.append((rule, suite, implied))
        return fault

    return enlist


AFTER_A_DROP = {
    "subscribes_once": "it compares what the first and the second connection are asked for",
    "survives_subscription_churn": "connections are lost there too",
}


# -- what the suite declares ------------------------------------------------------------------------------


@caught_by("no_rule_is_replaced")
class ReplacesARule(AcmeSuite):
    def test_reads_anything(self):
        """It never failed since."""


@caught_by("no_rule_is_replaced")
class RemovesARule(AcmeSuite):
    test_round_trip = None


@caught_by("no_rule_is_replaced")
class IsExemptFromWhatIsNoRule(AcmeSuite):
    exempt = MappingProxyType({"reads_everything": "no time"})


@caught_by("no_rule_is_replaced")
class IsExemptWithoutAReason(AcmeSuite):
    exempt = MappingProxyType({"ticks_quietly": " "})


@caught_by("declares_what_it_can")
class SaysNothingOfItsWebhook(AcmeSuite):
    webhooks = False


# -- options and endpoint --------------------------------------------------------------------------------


@caught_by("describes_options")
@attrs.frozen
class DescribesNothing(Acme):
    region: str = "eu"


@caught_by("describes_options")
@attrs.frozen
class KeepsAPasswordAsText(Acme):
    password: str = attrs.field(default="open sesame", metadata=field_help("the password"))


@caught_by("names_an_endpoint")
class NamesAWebPage(Acme):
    def endpoint(self):
        return Endpoint(f"https://acme.example/events?token={self.token.reveal()}")


@caught_by("hides_secrets_from_reprs")
@attrs.define
class ShowsItsToken(AcmeProtocol):
    shown: str = SAMPLE


# -- reading ---------------------------------------------------------------------------------------------


@caught_by("reads_anything")
class TrustsTheVendor(AcmeProtocol):
    def received(self, frame, at):
        json.loads(frame)
        return super().received(frame, at)


@caught_by("reads_anything")
class KeepsAnotherFrame(AcmeProtocol):
    def received(self, frame, at):
        try:
            return super().received(frame, at)
        except FrameError as error:
            raise FrameError(error.problem, b"") from None


@caught_by("accounts_for_every_frame")
class SaysNothingOfTheUnknown(AcmeProtocol):
    def received(self, frame, at):
        return tuple(each for each in super().received(frame, at) if each != Ignore("nothing that we know"))


@caught_by("reads_its_examples", reads_its_webhooks="webhooks are read by the same code")
class NamesAnotherFeed(AcmeProtocol):
    def event(self, document, frame, at, origin="live"):
        return attrs.evolve(super().event(document, frame, at, origin), feed="acme")


@caught_by("plans_for_what_it_emits")
class TakesAnEndForAFailure(AcmeProtocol):
    def kind(self, address):
        return "call.failed" if address.event == "ended" else super().kind(address)


@caught_by("keeps_payloads_whole")
class KeepsWhatItKnows(AcmeProtocol):
    def payload(self, document):
        data = super().payload(document)
        known = ("from", "n", "why", "since")
        return {key: data[key] for key in known if key in data} if isinstance(data, dict) else data


@caught_by("gives_stable_ids")
class NumbersByTheClock(AcmeProtocol):
    def event(self, document, frame, at, origin="live"):
        event = super().event(document, frame, at, origin)
        return attrs.evolve(event, id=f"{event.id}-{at.timestamp()}")


@caught_by("gives_stable_ids")
class NamesCopiesDifferently(AcmeProtocol):
    def identify(self, document, frame):
        return f"{super().identify(document, frame)}-{document.get('copy', '')}"


@caught_by("gives_distinct_ids")
class TakesAgentsForOne(AcmeProtocol):
    def identify(self, document, frame):
        return "agent" if document["topic"].startswith("agent") else super().identify(document, frame)


@caught_by("round_trips_events")
class CorrelatesWithNothing(AcmeProtocol):
    def event(self, document, frame, at, origin="live"):
        return attrs.evolve(super().event(document, frame, at, origin), correlation="")


@caught_by("shares_nothing")
class KeepsItsQuestionsWithTheClass(AcmeProtocol):
    asked: ClassVar = {}

    def subscribe(self, topic):
        self.asked[self._number + 1] = topic
        return super().subscribe(topic)

    def answered(self, answer):
        number = answer["answer"] if isinstance(answer["answer"], int) else 0
        if self._asked and number not in self.asked:
            return (Ignore("somebody else has had that answer"),)
        self.asked.pop(number, None)
        return super().answered(answer)


@caught_by(
    "shares_nothing",
    reconnects_after_a_drop="the second connection counts on, so its frames are others",
    subscribes_whenever_it_is_asked="so are those of the second try",
)
class NumbersAllConnectionsTogether(AcmeProtocol):
    numbers: ClassVar = itertools.count(1)

    def subscribe(self, topic):
        self._number = next(self.numbers) - 1
        return super().subscribe(topic)


@caught_by("ticks_quietly")
class TripsOverAnHour(AcmeProtocol):
    seconds = 0

    def tick(self, at, passed):
        self.seconds += 1
        if self.seconds == 1800:
            raise KeyError("half an hour")
        return ()


# -- translation -----------------------------------------------------------------------------------------


@caught_by("round_trip")
class LosesTheEvent(AcmeDialect):
    def address_of(self, topic, event):
        return super().address_of(topic, "happened")


@caught_by(
    "soundness",
    exactness="what is not subscribed to comes to nobody",
    plans_for_what_it_emits="the examples have long ids too",
)
class RefusesLongIds(AcmeDialect):
    def topics_of(self, selector):
        if len(selector.address.resource_id or "") > 3:
            raise NoTopicError("too much trouble")
        return super().topics_of(selector)


@caught_by("exactness", agreement="it covers what its matcher does not deliver")
class ThinksThatIdsDoNotMatter(AcmeDialect):
    """So a plan for two calls subscribes to one of them."""

    def covers(self, topic, other):
        return topic.split("/")[0] == other.split("/")[0]

    def pattern_of(self, topic):
        return super().pattern_of(topic)._replace(resource_id=None)


@caught_by("monotony", minimality="without covers no topic is known to be superfluous")
class SeesNoCover(AcmeDialect):
    def covers(self, topic, other):
        return topic == other


@caught_by("agreement", minimality="the planner cannot know that it is superfluous")
class SaysLessThanItCovers(AcmeDialect):
    """So the planner cannot find what makes a topic redundant."""

    def describe(self, topic):
        said, surplus = super().describe(topic)
        return (said._replace(resource_id="*"), surplus) if said.resource_id is None else (said, surplus)


@caught_by("minimality")
class AsksInTwoSpellings(AcmeDialect):
    def topics_of(self, selector):
        return tuple(each for topic in super().topics_of(selector) for each in (topic, f"{topic}/!"))

    def pattern_of(self, topic):
        return super().pattern_of(topic.removesuffix("/!"))

    def matches(self, topic, published):
        return super().matches(topic.removesuffix("/!"), published)

    def covers(self, topic, other):
        return topic == other or (super().covers(topic, other) and self.pattern_of(topic) != self.pattern_of(other))


@caught_by("agreement", minimality="two topics bring the same")
class HearsEveryIdOfAResource(AcmeDialect):
    def matches(self, topic, published):
        return topic.split("/")[0] == published.split("/")[0]


@caught_by("agreement")
class MeansWhatItDoesNotBring(AcmeDialect):
    def describe(self, topic):
        return AddressPattern("acme"), ""


# -- the connection --------------------------------------------------------------------------------------


@caught_by("confirms_subscriptions", survives_subscription_churn="churn has a second topic too")
class ForgetsTheSecondTopic(AcmeProtocol):
    def answered(self, answer):
        actions = super().answered(answer)
        return (Ignore("answer"),) if answer["answer"] == 2 and answer.get("ok") else actions


@caught_by("reports_refusals")
class IgnoresRefusals(AcmeProtocol):
    def refused(self, topic, answer):
        return (Ignore("refusal"),)


@caught_by("times_out_unanswered_subscriptions")
class TakesSilenceForConsent(AcmeProtocol):
    seconds = 0

    def tick(self, at, passed):
        self.seconds += 1
        return [Subscribed(topic) for topic in self._asked.values()] if self.seconds == 28 else ()


@caught_by("unsubscribes_unwanted_topics", survives_subscription_churn="the vendor goes on serving what nobody wants")
class NeverUnsubscribes(AcmeProtocol):
    def unsubscribe(self, topic):
        return ()


class Remembers(Acme):
    """Hands the last connection's protocol on."""

    def protocol(self, feed, before=None):
        made = self.protocols(feed, self.token.reveal())
        made.again = before is not None
        return made


@caught_by("reconnects_after_a_drop", **AFTER_A_DROP)
class LosesOneOfTwoTopicsOnReconnect(Remembers):
    class Talk(AcmeProtocol):
        again = False

        def subscribe(self, topic):
            return (Subscribed(topic),) if self.again and topic.startswith("call") else super().subscribe(topic)

    protocols = Talk


@caught_by("subscribes_whenever_it_is_asked", confirms_subscriptions="the vendor was never asked for them")
class ForgetsAllAtTheGreeting(GreetedSuite):
    acknowledges = refuses = False

    class Acme(Acme):
        class Talk(AcmeProtocol):
            """Holds its subscriptions back until the greeting, and then has none."""

            greeted = False

            def subscribe(self, topic):
                return super().subscribe(topic) if self.greeted else (Subscribed(topic),)

            def received(self, frame, at):
                if frame == HELLO.encode():
                    self.greeted = True
                    return (Ignore("greeting"),)
                return super().received(frame, at)

        protocols = Talk

    provider = Acme()


@caught_by("reconnects_after_a_drop", **AFTER_A_DROP)
class AsksOnTheFirstConnectionOnly(Remembers):
    class Talk(AcmeProtocol):
        again = False

        def subscribe(self, topic):
            return (Subscribed(topic),) if self.again else super().subscribe(topic)

    protocols = Talk


@caught_by("subscribes_once")
class AsksTwiceOnTheSecondConnection(Remembers):
    class Talk(AcmeProtocol):
        again = False

        def subscribe(self, topic):
            asked = super().subscribe(topic)
            return asked * 2 if self.again else asked

    protocols = Talk


@caught_by("survives_subscription_churn")
class ConfirmsEachTopicOnce(AcmeProtocol):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.confirmed = set()

    def answered(self, answer):
        actions = super().answered(answer)
        again = isinstance(actions[0], Subscribed) and actions[0].topic in self.confirmed
        self.confirmed |= {each.topic for each in actions if isinstance(each, Subscribed)}
        return actions[1:] if again else actions


@caught_by("survives_subscription_churn")
class GivesUpOnlyWhatIsConfirmed(RestSuite):
    """So what is given up before the vendor's answer is served for ever."""

    class Acme(RestAcme):
        class Talk(RestProtocol):
            def __init__(self, *arguments):
                super().__init__(*arguments)
                self.confirmed = set()

            def asking(self, method, topic):
                actions = yield from super().asking(method, topic)
                self.confirmed |= {topic} if method == "PUT" else set()
                return actions

            def unsubscribe(self, topic):
                return super().unsubscribe(topic) if topic in self.confirmed else ()

        protocols = Talk

    provider = Acme()


@caught_by("survives_subscription_churn")
class BelievesThatATopicIsStillServed(AcmeProtocol):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.known = set()

    def subscribe(self, topic):
        if topic in self.known:
            return (Subscribed(topic),)
        self.known.add(topic)
        return super().subscribe(topic)


@caught_by("stays_stopped")
class TripsAtTheEnd(AcmeProtocol):
    def closed(self, code, at):
        if code is None and not self._asked:
            raise RuntimeError("there was no close handshake")


@caught_by("hides_secrets_from_reports")
class LogsWhatItGets(AcmeProtocol):
    def received(self, frame, at):
        logging.getLogger("acme").debug("got %s", frame)
        return super().received(frame, at)


# -- in the long run -------------------------------------------------------------------------------------


@caught_by("never_blocks")
class WritesEachFrameToADisk(AcmeProtocol):
    def received(self, frame, at):
        with open(os.devnull, "wb") as archive:  # noqa: PTH123  # a call that blocks is the fault
            archive.write(frame)
        return super().received(frame, at)


@caught_by("never_blocks")
class WaitsBetweenTopics(AcmeProtocol):
    def subscribe(self, topic):
        time.sleep(0.001)
        return super().subscribe(topic)


@caught_by("never_blocks")
class ComputesForLong(AcmeProtocol):
    def tick(self, at, passed):
        until = time.thread_time() + 1.3
        while at == AT + timedelta(seconds=77) and time.thread_time() < until:
            json.dumps([1] * 1000)
        return ()


@caught_by("needs_no_more_memory_with_time")
class KeepsEveryFrame(AcmeProtocol):
    kept = ()

    def received(self, frame, at):
        self.kept = (frame, at.isoformat(), self.kept)
        return super().received(frame, at)


@caught_by("needs_no_more_memory_with_time")
class KeepsEveryCall(AcmeProtocol):
    def event(self, document, frame, at, origin="live"):
        event = super().event(document, frame, at, origin)
        self._asked[event.address.resource_id] = event.native_type
        return event


@caught_by("reads_large_frames")
class IgnoresLargeFrames(AcmeProtocol):
    def received(self, frame, at):
        return super().received(frame, at) if len(frame) < 1_000_000 else (Ignore("large"),)


@caught_by("gives_the_same_ids_elsewhere")
class NumbersByHashes(AcmeSuite):
    class Acme(Acme):
        class Talk(AcmeProtocol):
            def identify(self, document, frame):
                return str(hash(super().identify(document, frame)))

        protocols = Talk

    provider = Acme()


@caught_by("gives_the_same_ids_elsewhere")
class JoinsASetToAnId(AcmeSuite):
    class Acme(Acme):
        class Talk(AcmeProtocol):
            def identify(self, document, frame):
                return "-".join({super().identify(document, frame), *document})

        protocols = Talk

    provider = Acme()


# -- REST and webhooks -----------------------------------------------------------------------------------


@caught_by("survives_any_answer")
class BelievesTheLogin(Acme):
    def authenticate(self, before=None):
        answer = yield Request("POST", "https://acme.example/login")
        assert answer.json()["token"]
        return self


@caught_by("survives_any_answer")
class AsksForEver(Acme):
    def authenticate(self, before=None):
        while (yield Request("POST", "https://acme.example/login")).status != 200:
            pass
        return self


@caught_by("keeps_to_the_lives")
class DatesTheEndBeforeTheBeginning(AcmeProtocol):
    def event(self, document, frame, at, origin="live"):
        event = super().event(document, frame, at, origin)
        return attrs.evolve(event, time=AT - timedelta(days=1)) if event.kind == "call.cleared" else event


@caught_by("backfills_gaps")
class TakesThePastForThePresent(AcmeProtocol):
    def origin(self):
        return "live"


@caught_by("reads_its_webhooks")
class ExpectsAnotherHeader(Acme):
    def is_signed(self, request):
        return "x-acme-signed" in request.headers


@caught_by("rejects_forged_webhooks")
class BelievesEveryWebhook(Acme):
    def is_signed(self, request):
        return True


@caught_by("rejects_forged_webhooks")
class SeesThatThereIsASignature(Acme):
    def is_signed(self, request):
        return SIGNATURE in request.headers


@caught_by("reads_any_webhook", rejects_forged_webhooks="it looks at no signature")
class TrustsWhoPosts(Acme):
    def webhook(self, feed):
        protocol = self.protocol(feed)
        return Webhook(lambda request: [protocol.event(json.loads(request.body), request.body, request.at, "webhook")])
