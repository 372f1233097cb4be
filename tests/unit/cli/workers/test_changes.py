"""`jackfield._cli.workers.changes`: another configuration for all workers or for none, and what stood in its way."""

from types import SimpleNamespace

import attrs
import pytest

from jackfield._cli.workers.changes import change_all
from jackfield._cli.workers.worker import WorkerDown
from jackfield.config import Document, build_config
from jackfield.errors import ConfigError, ConfigProblem, JackfieldError
from jackfield.plugin.provider import ProviderSpec
from jackfield_voipbin import Voipbin


@attrs.define
class Worker:
    """Takes over what it is given, but for that with which it fails."""

    number: int
    feeds: tuple = ()
    fails: dict = attrs.field(factory=dict)
    taken: list = attrs.field(factory=list)

    async def apply(self, written, feeds):
        self.taken.append(written)
        if (error := self.fails.get(len(self.taken))) is not None:
            raise error
        return ()


def group_of(*workers):
    document = Document.of({"feeds": {"one": {"provider": "voipbin", "token": "t"}}}, {})
    config = build_config(document, providers={"voipbin": ProviderSpec("voipbin", "", Voipbin, None, None)}, sinks={})
    reports = []
    return config, SimpleNamespace(
        config=config, document=lambda: document, workers=workers, server=SimpleNamespace(url=""), written="before",
        report=reports.append, receivers=lambda _: {}, reports=reports,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def _stdout(monkeypatch):
    monkeypatch.setattr("jackfield._cli.workers.changes.standard_output", lambda: 0)


@pytest.mark.parametrize(
    ("error", "sort"),
    [
        (WorkerDown("worker 2 has ended meanwhile"), JackfieldError),
        (ConfigError([ConfigProblem("sinks.x", "cannot be started")]), ConfigError),
    ],
)
async def test_a_worker_that_has_died_is_no_fault_of_the_configuration_and_all_go_back(error, sort):
    config, group = group_of(
        one := Worker(1, fails={2: JackfieldError("a receiver is gone")}), Worker(2, fails={1: error})
    )
    with pytest.raises(JackfieldError) as caught:
        await change_all(group, config)
    assert type(caught.value) is sort
    left = "worker 1: what it had changed by then could not be taken back: a receiver is gone"
    (report,) = group.reports
    for said in (str(caught.value), str(report)):
        assert str(error) in said
        assert left in said
    assert one.taken[-1] == group.written == "before"
