"""``jackfield redis status``, as an operator runs it."""

import json
import subprocess
import sys

import trio

from jackfield.plugin.sink import Batch
from jackfield_redis import RedisFeed, RedisSink
from jackfield_redis.status import status_of

CONFIG = """
[feeds.bus]
provider = "redis"
url = "{url}"
member = "one"

[sinks.out]
type = "stdout"

[[routes]]
select = ["**"]
sinks = ["out"]
"""


def run(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "jackfield", "redis", "status", "gateway.toml", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def test_it_shows_members_partitions_and_what_is_behind(server, event, tmp_path):
    (tmp_path / "gateway.toml").write_text(CONFIG.format(url=server.url))
    nothing = await trio.to_thread.run_sync(run, tmp_path)
    assert (nothing.returncode, "there is no stream 'events'" in nothing.stderr) == (1, True)
    async with RedisSink(url=server.url, partitions=2).open() as out:
        await out.write(Batch(tuple(event(number, f"c-{number}") for number in range(40))))
    feed = RedisFeed(url=server.url, member="one")
    before = await status_of(feed)
    assert (before.members, sum(each.behind for each in before.partitions)) == ([], 40)
    async with feed.endpoint().open() as source:
        got = 0
        while got < 40:
            got += len(await source.receive())
        found = await trio.to_thread.run_sync(run, tmp_path)
        assert found.returncode == 0
        assert found.stdout.splitlines()[1].split() == ["PARTITION", "HOLDER", "LEASE", "ENTRIES", "PENDING", "BEHIND"]
        assert found.stdout.splitlines()[-1].endswith("(2); 0 behind, 40 pending")
        by_json = json.loads((await trio.to_thread.run_sync(run, tmp_path, "--json")).stdout)
        assert [each["holder"][:4] for each in by_json["partitions"]] == ["one-", "one-"]
