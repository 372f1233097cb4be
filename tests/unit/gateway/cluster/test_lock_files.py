"""`jackfield._gateway.cluster.lock_files`: processes of one machine, and what a dead one leaves."""

import shutil
import subprocess
import sys

import pytest
import trio

from jackfield._cli.config_option import load_config
from jackfield._gateway.cluster.lock_files import LockFiles
from jackfield._loading.registry import Registry
from jackfield.errors import ConnectionLost


@pytest.fixture
async def member(tmp_path):
    opened = []

    async def make(name, lease_seconds=10.0):
        opening = LockFiles(f"file:{tmp_path}").open("office", name, lease_seconds)
        opened.append(opening)
        return await opening.__aenter__()

    yield make
    for opening in opened:
        await opening.__aexit__(None, None, None)


async def test_a_lease_has_one_holder_and_a_higher_number_each_time(member):
    one, two = await member("one"), await member("two")
    first = await one.acquire("a feed/ü", 0)
    assert await two.acquire("a feed/ü", 0) == await one.acquire("a feed/ü", 0) == 0
    view = await two.beat("about two", {})
    assert (view.leases["a feed/ü"].member, view.leases["a feed/ü"].fence) == ("one", first)
    await one.beat("about one", {"a feed/ü": "so far"})
    await two.beat("about two", {"a feed/ü": "not its"})
    await one.release("a feed/ü", "to here")
    view = await two.look()
    assert (view.leases["a feed/ü"].member, view.leases["a feed/ü"].note) == ("", "to here")
    assert view.members == {"one": "about one", "two": "about two"}
    assert await two.acquire("a feed/ü", 0) == first + 1
    await two.release("a feed/ü", "")
    assert await one.acquire("a feed/ü", first + 7) == first + 8
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
    assert await one.acquire("feed", 0) == view.leases["feed"].fence + 1


async def test_two_members_of_one_name_are_one_too_many(member):
    one, again = await member("one"), await member("one")
    await one.beat("", {})
    with pytest.raises(ConnectionLost, match="another process is the member 'one'"):
        await again.beat("", {})


async def removed(folder):
    await trio.to_thread.run_sync(shutil.rmtree, folder)


async def replaced(folder):
    await removed(folder)
    folder.mkdir()


async def only_the_lease(folder):
    (folder / "lease feed").unlink()


@pytest.mark.parametrize("harm", [removed, replaced, only_the_lease])
async def test_a_lock_on_a_file_that_is_gone_is_said_and_held_no_more_and_nobody_wins_before_all_know(
    member, tmp_path, harm
):
    one, two = await member("one", 0.5), await member("two", 0.5)
    before = await one.acquire("feed", 0)
    await one.beat("", {"feed": "so far"})
    await two.beat("", {})
    await harm(tmp_path / "office")
    began = trio.current_time()
    with pytest.raises(ConnectionLost, match="office: was removed or replaced while members used it"):
        await one.beat("", {"feed": "further"})
    view = await one.beat("", {"feed": "further"})
    assert "feed" not in view.leases
    assert await one.acquire("feed", before) == 0
    await trio.sleep(0.5 - (trio.current_time() - began) + 0.01)
    assert await one.acquire("feed", before) > before


@pytest.mark.parametrize("call", [lambda one: one.acquire("more", 0), lambda one: one.release("feed", "to here")])
async def test_whoever_takes_or_gives_back_a_lease_in_a_folder_that_is_gone_is_told(member, tmp_path, call):
    one = await member("one")
    await one.acquire("feed", 0)
    await removed(tmp_path / "office")
    with pytest.raises(ConnectionLost, match="was removed or replaced"):
        await call(one)


async def test_numbers_go_on_rising_in_a_new_folder_where_nobody_knows_the_old_one(member, tmp_path):
    one = await member("one")
    before = await one.acquire("feed", 0)
    await removed(tmp_path / "office")
    await trio.sleep(1.0)  # numbers of a new folder begin with its second
    assert await (await member("new")).acquire("feed", 0) > before


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


@pytest.mark.parametrize(("url", "folder"), [("file:var/x", "{}/var/x"), ("file:///run/x", "/run/x")])
def test_a_relative_folder_is_beside_the_file_that_names_it(tmp_path, monkeypatch, url, folder):
    path = tmp_path / "etc" / "gateway.toml"
    path.parent.mkdir()
    path.write_text(f'[feeds.a]\nprovider = "voipbin"\ntoken = "t"\n[cluster]\nurl = "{url}"\n')
    monkeypatch.chdir(tmp_path)
    config = load_config((path,), Registry.load())
    assert str(config.cluster.coordinator.folder) == folder.format(path.parent)
