"""`jackfield._cli.cluster`: the members, who holds which feed, and the exit status."""

import json
from datetime import UTC, datetime

import trio

from jackfield._cli import main
from jackfield._gateway.cluster.lock_files import LockFiles
from jackfield._gateway.cluster.sharing import About, FeedHere

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
CONFIG = """
[feeds.office]
provider = "voipbin"
token = "t"
{}
"""


def configure(folder, table):
    path = folder / "gateway.toml"
    path.write_text(CONFIG.format(table))
    return str(path)


async def asked(folder, members, *arguments):
    """What the command exits with while these are members; each with what it says, and the feeds that it holds."""
    config = configure(folder, f'[cluster]\nurl = "file:{folder}/cluster"\n')
    opened = []
    for name, (about, held) in members.items():
        opening = LockFiles(f"file:{folder}/cluster").open("jackfield", name, 10.0)
        opened.append(opening)
        member = await opening.__aenter__()
        await member.beat(about.write(), {})
        for feed in held:
            await member.acquire(feed, 0)
    try:
        return await trio.to_thread.run_sync(main, ["cluster", "status", config, *arguments])
    finally:
        for opening in opened:
            await opening.__aexit__(None, None, None)


def test_each_feed_has_its_holder_and_each_member_what_it_lags_behind(tmp_path, capsys):
    office = FeedHere(2, running=True, complete_since=NOON)
    members = {
        "one-1": (About({"office": office, "idle": FeedHere()}, sinks={"bus": 7}, waiting=3), ["office"]),
        "two-2": (About({"office": office}, leaving=True), []),
        "three-3": (About({"office": FeedHere(2, running=True)}), []),
    }
    assert trio.run(asked, tmp_path, members) == 1  # nobody holds idle
    printed = capsys.readouterr()
    assert "nobody holds idle" in printed.err
    lines = printed.out.splitlines()
    assert lines[0] == f"cluster jackfield: file:{tmp_path}/cluster"
    rows = [line.split() for line in lines[1:]]
    assert ["office", "one-1", "two-2", "three-3"] in [[*row[:2], *row[3:]] for row in rows]
    assert ["idle", "-", "0", "-", "-"] in rows
    assert ["one-1", "1", "3", "bus", "7"] in rows
    assert ["two-2", "(leaving)", "1", "0", "-"] in rows
    del members["one-1"][0].feeds["idle"]
    assert trio.run(asked, tmp_path, members, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["feeds"]["office"]["holder"] == "one-1"
    assert document["feeds"]["office"]["fence"] > 1
    assert document["feeds"]["office"]["seconds_left"] is None  # a lock does not end by time
    assert set(document["members"]) == {"one-1", "two-2", "three-3"}


def test_a_gateway_alone_and_a_coordinator_that_does_not_answer_are_said(tmp_path, capsys):
    assert main(["cluster", "status", configure(tmp_path, "")]) == 2
    assert "cluster: not given, so this gateway shares its feeds with no other" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    config = configure(tmp_path, f'[cluster]\nurl = "file:{tmp_path}/file/x"\n')
    assert main(["cluster", "status", config]) == 1
    config = configure(tmp_path, '[cluster]\nurl = "etcd://host"\nlease_seconds = 0\nmembr = "x"\n')
    assert main(["cluster", "status", config]) == 2
    config = configure(tmp_path, f'[cluster]\nurl = "file:x"\nlease_seconds = 3601\nmember = "{"x" * 101}"\n')
    assert main(["cluster", "status", config]) == 2
    said = capsys.readouterr().err
    assert "cluster.lease_seconds: 3601.0 is not from 1 to 3600" in said
    assert "100 of them at most" in said
    assert "cluster.lease_seconds: 0" in said


def test_a_cluster_without_a_member_and_members_without_a_feed_are_said(tmp_path, capsys):
    assert trio.run(asked, tmp_path, {}) == 1
    said = f"no gateway is a member of the cluster 'jackfield' at file:{tmp_path}/cluster"
    assert said in capsys.readouterr().err
    assert trio.run(asked, tmp_path, {"one-1": (About(), [])}) == 1
    assert "no member has a feed that can be shared" in capsys.readouterr().err
