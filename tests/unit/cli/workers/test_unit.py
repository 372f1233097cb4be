"""The part of a configuration that runs one feed, and what several processes cannot do."""

import stat

import pytest
import trio

from jackfield._cli.config_option import build
from jackfield._cli.workers.unit import check_shareable, held_names, unit_config
from jackfield._gateway.opening import open_gateway
from jackfield._journal.per_feed import folder_of
from jackfield._journal.store import SegmentStore
from jackfield._loading.registry import Registry
from jackfield.errors import ConfigError

PIPE, SOCKET = stat.S_IFIFO, stat.S_IFSOCK


@pytest.fixture(scope="module")
def registry():
    return Registry.load()


def configured(registry, journal="memory", **more):
    feed = {"provider": "voipbin", "token": "t", "customer_id": "abc", "receive": "both"}
    document = {
        "gateway": {"journal": str(journal)},
        "webhooks": {"listen": "127.0.0.1:8080"},
        "metrics": {"listen": "127.0.0.1:9464"},
        "feeds": {"one": feed | {"webhook_verify": False}, "two": feed | {"webhook_verify": False}},
        "sinks": {"out": {"type": "stdout"}},
        "routes": [{"select": ["**"], "sinks": ["out"]}],
    }
    return build(document | more, registry)


def test_each_feed_is_run_alone_with_its_own_journal_and_listens_nowhere(registry):
    config = configured(registry, "var/journal")
    unit = unit_config(config, "two")
    assert [feed.name for feed in unit.feeds] == ["two"]
    assert unit.gateway.journal == "var/journal/two"
    assert (unit.webhooks.listen, unit.webhooks.embedded, unit.metrics.listen) == (None, True, None)
    assert (unit.sinks, unit.routes) == (config.sinks, config.routes)
    assert unit_config(configured(registry), "two").gateway.journal == "memory"


async def test_a_feed_that_is_not_configured_any_more_is_held_for_what_it_left(registry, tmp_path):
    config = configured(registry, tmp_path)
    SegmentStore.open(folder_of(tmp_path, "gone")).close()
    assert held_names(config) == ["gone", "one", "two"]
    assert held_names(configured(registry)) == ["one", "two"]
    with trio.fail_after(10):
        async with open_gateway(unit_config(config, "gone"), registry=registry) as gateway:
            assert gateway.state().feeds == {}
            assert gateway.state().sinks.keys() == {"out"}


def test_what_several_processes_cannot_do_is_named(registry):
    config = configured(registry)
    check_shareable(config, PIPE)
    with pytest.raises(ConfigError, match=r"sinks\.out: standard output is a socket"):
        check_shareable(config, SOCKET)
    served = configured(registry, serve={"listen": "127.0.0.1:8322", "open": True})
    with pytest.raises(ConfigError, match=r"serve\.listen: one stream of several processes' events"):
        check_shareable(served, PIPE)
    shared = configured(registry, cluster={"url": "file:/run/jackfield", "name": "here"})
    with pytest.raises(ConfigError, match="cluster: feeds are shared out by the parent"):
        check_shareable(shared, PIPE)
