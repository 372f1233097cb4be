"""A board that follows a state of its own, as that of a running gateway follows the gateway's."""

import attrs

from jackfield._dashboard.board import Board
from jackfield.state import Change, State


@attrs.define(eq=False)
class Followed(Board):
    state: State = attrs.field(factory=State)

    def happens(self, event, now):
        self.apply(event)
        refs = dict.fromkeys(self.state.apply(event))
        self.change([Change(*ref, self.state.get(ref, now.date())) for ref in refs], now)
