"""What others do to a journal's files while ``jackfield run`` writes to them: seen, reported, and nothing lost."""

import json
import os
import shutil

import pytest

from jackfield_voipbin.webhook import sign

CUSTOMER = "550e8400-e29b-41d4-a716-446655440000"
# A sink that accepts nothing keeps all events in memory.
CONFIG = f"""
[gateway]
journal = "var/journal"
drain_seconds = 0.1

[webhooks]
listen = "127.0.0.1:0"

[feeds.office]
provider = "voipbin"
token = {{ env = "VOIPBIN_TOKEN" }}
customer_id = "{CUSTOMER}"
receive = "webhook"
webhook_secret = {{ env = "VOIPBIN_TOKEN" }}

[sinks.archive]
%s

[[routes]]
select = ["call.*"]
sinks = ["archive"]
"""
DEAF = 'type = "http"\nurl = "http://127.0.0.1:9/"'
FILE = 'type = "file"\npath = "var/events.jsonl"'


def delete(journal):
    shutil.rmtree(journal)


def rename(journal):
    journal.rename(journal.with_name("away"))


def replace(journal):
    shutil.copytree(journal, journal.with_name("copy"))
    rename(journal)
    journal.with_name("copy").rename(journal)


def truncate(journal):
    (segment,) = journal.glob("*.jsonl")
    os.truncate(segment, segment.stat().st_size - 5)


OTHERS = [pytest.param(harm, marks=pytest.mark.thorough) for harm in (rename, replace)]


@pytest.mark.parametrize("harm", [delete, truncate, *OTHERS])
async def test_what_was_confirmed_is_saved_and_delivered_after_its_journal_is_gone(start, folder, poster, harm):
    journal = folder.path / "var" / "journal"
    (folder.path / "gateway.toml").write_text(CONFIG % DEAF)
    gateway = await start("run", "gateway.toml")
    url = (await gateway.says("webhooks for office are received at ")).split()[-1]

    async def status(number):
        data = {"id": f"call-{number}", "customer_id": CUSTOMER, "tm_update": "2026-08-20T09:15:01Z"}
        body = json.dumps({"type": "call_updated", "data": data}).encode()
        headers = {"X_VoIPBIN_Signature": sign("voipbin-s3cret", body)}
        async with await poster.connect(url) as stream:
            return (await poster.post(stream, "/webhooks/office", body, **headers))[0]

    assert [await status(1), await status(2)] == [200, 200]
    harm(journal)
    assert [await status(3), await status(4)] == [503, 503]  # 4 is not even taken
    path = (await gateway.says("events are saved in ")).partition("saved in ")[2].split(",")[0]
    await gateway.stop()
    assert any("journal: 0 events lost" in line and "saved beside it" in line for line in gateway.err)
    assert not any("could be committed" in line for line in gateway.err)
    saved = [json.loads(line)["subject"] for line in (folder.path / path).read_bytes().splitlines()]
    assert [each for each in saved if each.startswith("call/")] == [f"call/call-{number}" for number in (1, 2, 3)]

    (folder.path / "gateway.toml").write_text(CONFIG % FILE)
    imported = await start("journal", "import", "gateway.toml", path)
    assert await imported.ended() == 0, imported.err
    gateway = await start("run", "gateway.toml")
    await gateway.says(f"events are saved in {path}")  # which is said until it is removed
    await gateway.until(lambda _: len(folder.events()) >= 3)
    assert await gateway.stop() == 0
    assert [event["subject"] for event in folder.events()] == [f"call/call-{number}" for number in (1, 2, 3)]


async def test_a_second_writer_is_refused_and_named_by_whatever_name_it_comes(start, folder):
    (folder.path / "gateway.toml").write_text(CONFIG % FILE)
    gateway = await start("run", "gateway.toml")
    await gateway.says("webhooks for office are received at ")
    (folder.path / "var" / "alias").symlink_to("journal")
    (folder.path / "alias.toml").write_text((CONFIG % FILE).replace("var/journal", "var/alias"))
    (folder.path / "exported.jsonl").write_text("")
    for arguments in (
        ("run", "gateway.toml"),
        ("run", "alias.toml"),
        ("journal", "import", "alias.toml", "exported.jsonl"),
        ("journal", "compact", "gateway.toml"),
    ):
        second = await start(*arguments)
        assert await second.ended() == 1
        assert f"another gateway writes to this journal, process {gateway.process.pid}" in "\n".join(second.err)
        assert "Traceback" not in "\n".join(second.err)
    assert await gateway.stop() == 0
