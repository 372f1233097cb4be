"""What was measured, how it is shown, and how it compares with the goals and with another run."""

import statistics
from dataclasses import dataclass, field


@dataclass
class Figure:
    """One thing that was measured, in every round."""

    what: str
    unit: str
    rounds: list[float]
    times: dict[str, float] = field(default_factory=dict)
    """How many times another figure of the same section it is."""

    @property
    def median(self):
        return statistics.median(self.rounds)

    @property
    def spread(self):
        """How far the rounds lie apart, as a part of the median."""
        return (max(self.rounds) - min(self.rounds)) / self.median if self.median else 0.0


@dataclass
class Goal:
    """What must be reached."""

    what: str
    found: float
    limit: float
    ge: bool = True

    @property
    def reached(self):
        return self.found >= self.limit if self.ge else self.found <= self.limit

    def __str__(self):
        sign = "at least" if self.ge else "at most"
        verdict = "reached" if self.reached else "NOT reached"
        return f"{verdict:12} {self.what}: {self.found:.2f}, {sign} {self.limit:g}"


def compared(figures, *others):
    """The figures, each with how many times the medians of these others it is."""
    medians = {figure.what: figure.median for figure in figures}
    for figure in figures:
        figure.times = {other: figure.median / medians[other] for other in others if medians.get(other)}
    return figures


def show(title, figures, earlier=None):
    """One section as a table; `earlier` is the same section of a run that was saved."""
    before = {each["what"]: statistics.median(each["rounds"]) for each in earlier or ()}
    print(f"\n{title}")
    for figure in figures:
        value = f"{figure.median:,.0f}" if figure.median >= 1000 else f"{figure.median:.2f}"
        line = f"  {figure.what:44} {value:>11} {figure.unit:9} ±{figure.spread / 2:4.0%}"
        line += "".join(f"  {ratio:6.2f} x {other}" for other, ratio in figure.times.items())
        if figure.what in before:
            line += f"  {figure.median / before[figure.what] - 1:+.0%} since"
        print(line)
