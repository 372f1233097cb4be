"""The rule about what a provider's events say of calls and contacts in the course of their lives."""

from __future__ import annotations

from jackfield.plugin.protocol import Emit
from jackfield.state.lives import contradictions
from jackfield.testing._harness import FEED
from jackfield.testing._provider_declaration import AT, ProviderDeclaration, received
from jackfield.testing._rules import Level, rule

__all__ = ["LifeRules"]


class LifeRules(ProviderDeclaration):
    """What holds for calls and contacts at every vendor."""

    @rule(Level.SILVER)
    def test_keeps_to_the_lives(self) -> None:
        """A program that counts calls and contacts needs one life at every vendor, that of `jackfield.state.lives`."""
        protocol = self.provider.protocol(FEED)
        outcomes = [received(protocol, frame, AT) for frame in self.examples()]
        events = {
            each.event.id: each.event
            for outcome in outcomes
            if not isinstance(outcome, Exception)
            for each in outcome
            if isinstance(each, Emit)
        }
        found = list(contradictions(events.values()))
        assert not found, "; ".join(found[:5])
