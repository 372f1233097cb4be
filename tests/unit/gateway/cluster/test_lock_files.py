"""`jackfield._gateway.cluster.lock_files`: processes of one machine, and what a dead one leaves."""

import subprocess
import sys

import pytest
import trio

from jackfield._gateway.cluster.lock_files import LockFiles
from jackfield.errors import ConnectionLost


@pytest.fixture
async def member(tmp_path):
    opened = []

    async def make(name):
        opening = LockFiles(f"file:{tmp_path}").open("office", name, 10.0)
        opened.append(opening)
        return await opening.__aenter__()

    yield make
    for opening in opened:
        await opening.__aexit__(None, None, None)


async def test_a_lease_has_one_holder_and_a_higher_number_each_time(member):
    one, two = await member("one"), await member("two")
    assert await one.acquire("a feed/ü", 0) == 1
    assert await two.acquire("a feed/ü", 0) == await one.acquire("a feed/ü", 0) == 0
    view = await two.beat("about two", {})
    assert (view.leases["a feed/ü"].member, view.leases["a feed/ü"].fence) == ("one", 1)
    await one.beat("about one", {"a feed/ü": "so far"})
    await two.beat("about two", {"a feed/ü": "not its"})
    await one.release("a feed/ü", "to here")
    view = await two.look()
    assert (view.leases["a feed/ü"].member, view.leases["a feed/ü"].note) == ("", "to here")
    assert view.members == {"one": "about one", "two": "about two"}
    assert await two.acquire("a feed/ü", 7) == 8
    await one.leave()
    assert (await two.look()).members == {"two": "about two"}


async def test_a_process_that_is_killed_holds_nothing_any_more_and_its_note_stands(member, tmp_path):
    program = f"""
import trio
from jackfield._gateway.cluster.lock_files import LockFiles
async def main():
    async with LockFiles("file:{tmp_path}").open("office", "dead", 10.0) as opened:
        await opened.acquire("feed", 0)
        await opened.beat("x" * 3000, {{"feed": "its last word"}})
        print("ready", flush=True)
        await trio.sleep_forever()
trio.run(main)
"""
    process = await trio.lowlevel.open_process([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert (await process.stdout.receive_some()).startswith(b"ready")
    one = await member("one")
    assert set((await one.beat("one", {})).members) == {"dead", "one"}
    assert await one.acquire("feed", 0) == 0
    process.kill()
    await process.wait()
    await process.stdout.aclose()
    view = await one.beat("one", {})
    assert (set(view.members), view.leases["feed"].member, view.leases["feed"].note) == ({"one"}, "", "its last word")
    assert await one.acquire("feed", 0) == 2


async def test_two_members_of_one_name_are_one_too_many(member):
    one, again = await member("one"), await member("one")
    await one.beat("", {})
    with pytest.raises(ConnectionLost, match="another process is the member 'one'"):
        await again.beat("", {})


async def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    async with LockFiles(f"file:{tmp_path}/file").open("office", "one", 10.0) as opened:
        with pytest.raises(ConnectionLost, match="Not a directory"):
            await opened.beat("", {})


async def test_a_file_that_no_member_wrote_is_named(member, tmp_path):
    one = await member("one")
    await one.beat("", {})
    (tmp_path / "office" / "lease feed").write_text("{]")
    with pytest.raises(ConnectionLost, match="lease feed: is not what a member writes"):
        await one.look()


def test_a_url_names_a_folder():
    with pytest.raises(ValueError, match="names no folder"):
        LockFiles("file:")
    assert str(LockFiles("file:///run/x").folder) == "/run/x"
    assert str(LockFiles("file:var/x").folder) == "var/x"
