"""Two hundred damages to a closed folder: none goes unreported, and every line that is whole is read once, in order."""

import random
import shutil

import pytest

from jackfield._journal.segments import SegmentFolder

EVENTS = 120
SEGMENT_BYTES = 1500


def body(position):
    return b'{"specversion":"1.0","id":"%d","data":"%b"}' % (position, b"x" * (position * 7 % 40))


def fill(path, rng, events=EVENTS, floor=1, offset=0):
    folder = SegmentFolder.open(path, segment_bytes=SEGMENT_BYTES, floor=floor)
    while folder.next < floor + events:
        count = rng.randint(1, 6)
        folder.append([body(offset + n) for n in range(folder.next, folder.next + count)], range(count), 5)
    folder.close()


def segments(path):
    return sorted(path.glob("*.jsonl"))


def some(path, rng, pattern="*.jsonl"):
    return rng.choice(sorted(path.glob(pattern)))


def change(file, function):
    data = bytearray(file.read_bytes())
    file.write_bytes(function(data))


def flip(path, rng, pattern="*.jsonl"):
    def flipped(data):
        data[rng.randrange(len(data))] ^= rng.randint(1, 255)
        return data

    change(some(path, rng, pattern), flipped)


def cut_out(path, rng):
    def without(data):
        start = rng.randrange(len(data))
        return data[:start] + data[start + rng.randint(1, 400) :]

    change(some(path, rng), without)


def truncate(path, rng):
    change(some(path, rng), lambda data: data[: rng.randrange(len(data))])


def cut_at_a_group(path, rng):
    def shorter(data):
        starts = [at for at in range(len(data)) if data.startswith(b'{"group"', at)]
        return data[: rng.choice(starts)]

    change(some(path, rng), shorter)


def delete(path, rng):
    some(path, rng).unlink()


def double_a_file(path, rng):
    file = some(path, rng)
    shutil.copy(file, path / f"{rng.choice([rng.randrange(500), EVENTS * 9]):020d}-.jsonl")


def swap_files(path, rng):
    one, two = rng.sample(segments(path), 2)
    one.rename(path / "aside")
    two.rename(one)
    (path / "aside").rename(two)


def groups_of(data):
    head, *groups = bytes(data).split(b'{"group"')
    return head, [b'{"group"' + each for each in groups]


def swap_groups(path, rng):
    def swapped(data):
        head, groups = groups_of(data)
        one, two = rng.sample(range(len(groups)), 2)
        groups[one], groups[two] = groups[two], groups[one]
        return head + b"".join(groups)

    change(rng.choice([each for each in segments(path) if each.read_bytes().count(b'{"group"') > 1]), swapped)


def double_a_group(path, rng):
    def doubled(data):
        head, groups = groups_of(data)
        groups.insert(rng.randint(0, len(groups)), rng.choice(groups))
        return head + b"".join(groups)

    change(some(path, rng), doubled)


def move_a_group_to_another_file(path, rng):
    one, two = rng.sample(segments(path), 2)
    _, groups = groups_of(one.read_bytes())
    change(two, lambda data: data + rng.choice(groups))


def swap_lines(path, rng):
    """Two lines of one group."""

    def swapped(data):
        lines = bytes(data).split(b"\n")
        pairs = [
            at for at in range(len(lines) - 1) if lines[at].startswith(b'{"s') and lines[at + 1].startswith(b'{"sp')
        ]
        if not pairs:
            return b"\n".join(lines)
        at = rng.choice(pairs)
        lines[at], lines[at + 1] = lines[at + 1], lines[at]
        return b"\n".join(lines)

    change(some(path, rng), swapped)


def zero_fill(path, rng):
    def zeroed(data):
        start = rng.randrange(len(data))
        count = min(len(data) - start, rng.choice([1, 50, 500, 5000]))
        data[start : start + count] = bytes(count)
        return data

    change(some(path, rng), zeroed)


def foreign(path, rng):
    other = path.parent / "other"
    fill(other, rng, events=5, floor=rng.choice([1, 50, EVENTS + 1, EVENTS * 9]), offset=5000)
    file = some(other, rng)
    if not (path / file.name).exists():
        shutil.copy(file, path)
    else:
        shutil.copy(file, path / f"x{file.name}")
    shutil.rmtree(other)


def foreign_bytes(path, rng):
    other = path.parent / "other"
    fill(other, rng, events=20, offset=5000)
    inserted = b"".join(groups_of(some(other, rng).read_bytes())[1][:2])
    shutil.rmtree(other)
    change(some(path, rng), lambda data: data + inserted)


def damage_an_index(path, rng):
    rng.choice([flip, truncate_index, delete_index])(path, rng, "*.index")


def truncate_index(path, rng, pattern):
    change(some(path, rng, pattern), lambda data: data[: rng.randrange(len(data))])


def delete_index(path, rng, pattern):
    sorted(path.glob(pattern))[rng.randrange(3)].unlink()


def damage_the_identity(path, rng):
    if rng.random() < 0.3:
        (path / "journal.json").unlink()
    else:
        flip(path, rng, "journal.json")


DAMAGES = [
    flip,
    flip,
    cut_out,
    truncate,
    cut_at_a_group,
    delete,
    double_a_file,
    swap_files,
    swap_groups,
    double_a_group,
    move_a_group_to_another_file,
    swap_lines,
    zero_fill,
    foreign,
    foreign_bytes,
    damage_an_index,
    damage_the_identity,
]


def contents(path):
    return {file.name: file.read_bytes() for file in path.iterdir()}


@pytest.mark.parametrize("seed", range(200))
def test_a_damage_is_reported_and_costs_what_it_hit(tmp_path, seed):
    rng = random.Random(seed)
    path = tmp_path / "journal"
    fill(path, rng)
    folder = SegmentFolder.open(path, readonly=True)
    end = folder.next
    before = contents(path)
    DAMAGES[seed % len(DAMAGES)](path, rng)
    if (after := contents(path)) == before:
        return
    whole = {
        n
        for n in range(1, end)
        if any(b"\n" + body(n) + b"\n" in data for name, data in after.items() if "json" in name)
    }
    folder = SegmentFolder.open(path, segment_bytes=SEGMENT_BYTES)
    found = folder.read(1, 10_000)
    reports = [*folder.findings, *filter(None, [found.problem]), *folder.check()]
    assert reports
    assert all(line.body == body(line.position) for line in found.lines if line.verified)
    read = [line.body for line in found.lines]
    assert len(read) == len(set(read))
    assert [line.position for line in found.lines] == sorted({line.position for line in found.lines})
    assert whole <= {n for n in range(1, end) if body(n) in read}
    assert folder.next >= end
    assert found.lost == end - folder.first - len(found.lines)
    position = folder.append([body(1000)], [1], 5)
    assert position >= end
    assert folder.read(position, 1).lines[0].body == body(1000)
    folder.close()
