#!/usr/bin/env python3
"""Writes seen_ids.txt: the roots of a state that holds nothing but the ids of some blocks, in version 2 of the rule `ledger`,
by a second program (hashlib's BLAKE2b and ../state_map/make.py's trie).

    python3 make.py > seen_ids.txt
"""
import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "state_map"))
from make import digest, root  # noqa: E402

START = 1_700_000_000_000  # milliseconds
CHUNK = 64
content = {}


def put(key, value):
    content[digest("key", key)] = value


def due(second, chunk=None):
    return b"due" + struct.pack("<q", second) + (b"" if chunk is None else struct.pack("<Q", chunk))


lists = {}  # second: ids in order


def write(second):
    ids = lists[second]
    chunks = [ids[i:i + CHUNK] for i in range(0, len(ids), CHUNK)]
    put(due(second), struct.pack("<Q", len(chunks)))
    for number, chunk in enumerate(chunks):
        put(due(second, number), b"".join(chunk))


def forget(before, now):
    for second in [s for s in lists if before <= s < now]:
        for number in range((len(lists[second]) + CHUNK - 1) // CHUNK):
            del content[digest("key", due(second, number))]
        del content[digest("key", due(second))]
        del lists[second]
    put(b"time", struct.pack("<Q", max(before, now)))


put(b"time", struct.pack("<Q", START // 1000))
put(b"idform", b"")
print("begin", START, root(sorted(content.items())).hex())
time, number = START, 0
for count, passed_ms, life_ms in [(3, 100, 5000), (200, 250, 5000), (0, 1000, 0), (70, 10, 9000), (1, 4700, 100), (5, 60000, 86_400_000)]:
    before, time = time // 1000, time + passed_ms
    print("block", time)
    touched = set()
    for _ in range(count):
        expires = time + life_ms + number % 3 * 700 if life_ms < 86_400_000 else time + life_ms
        identity = digest("id", struct.pack("<Q", number))
        print("id", identity.hex(), expires)
        lists.setdefault(expires // 1000, []).append(identity)
        touched.add(expires // 1000)
        number += 1
    for second in sorted(touched):
        write(second)
    forget(before, time // 1000)
    print("root", root(sorted(content.items())).hex())
