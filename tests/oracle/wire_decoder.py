"""A decoder of docs/protocol/wire.md, written from that page alone, in two steps:

    tree      msgpack of the canonical profile alone: shortest forms, float64, no maps, extensions and booleans,
              arrays of at most 256, 4 deep, text of at most 200 bytes
    message   [version, counter, [kind, field…]], every field in its range

As the first step takes one encoding of each tree, and the second looks at nothing but the tree, encoding again and
comparing is not needed.
"""
import math
import struct

from light_client import Reader, demand

ARRAY_MAX, DEPTH_MAX, TEXT_MAX, MESSAGE_MAX = 256, 4, 200, 2 << 20


# --- msgpack: the first byte says what follows ----------------------------------------------------------------------


def tree(reader, depth=0):
    first = reader.take(1)[0]
    if first < 0x80 or first >= 0xE0:
        return first if first < 0x80 else first - 256
    if first in (0xCC, 0xCD, 0xCE, 0xCF):  # unsigned, 1 to 8 bytes
        size = 1 << (first - 0xCC)
        return shortest(int.from_bytes(reader.take(size), "big"), 0x80 if size == 1 else 1 << 4 * size)
    if first in (0xD0, 0xD1, 0xD2, 0xD3):  # signed, 1 to 8 bytes: negative numbers alone
        size = 1 << (first - 0xD0)
        value = int.from_bytes(reader.take(size), "big", signed=True)
        demand(value < (-32 if size == 1 else -(1 << 4 * size - 1)), "an integer that is not in its shortest form")
        return value
    if first == 0xCB:
        return struct.unpack(">d", reader.take(8))[0]
    if first == 0xC0:
        return None
    if first in (0xC4, 0xC5, 0xC6):  # bin
        size = 1 << (first - 0xC4)
        return reader.take(shortest(int.from_bytes(reader.take(size), "big"), 0 if size == 1 else 1 << 4 * size))
    if 0xA0 <= first < 0xC0 or first in (0xD9, 0xDA):  # str
        size = {0xD9: 1, 0xDA: 2}.get(first, 0)
        count = shortest(int.from_bytes(reader.take(size), "big"), 32 if size == 1 else 256) if size else first - 0xA0
        demand(count <= TEXT_MAX, "a text that is too long")
        return reader.take(count).decode("latin-1")
    if 0x90 <= first < 0xA0 or first == 0xDC:
        demand(depth < DEPTH_MAX, "too deep")
        count = first - 0x90 if first < 0xA0 else shortest(int.from_bytes(reader.take(2), "big"), 16)
        demand(count <= ARRAY_MAX, "an array that is too long")
        return [tree(reader, depth + 1) for _ in range(count)]
    demand(False, f"no value begins with {first:#04x} in the canonical profile")


def shortest(value, least):
    demand(value >= least, "not in its shortest form")
    return value


# --- fields: each returns the value, or refuses ---------------------------------------------------------------------


def integer(low, high):
    def check(value):
        demand(type(value) is int and low <= value <= high, f"no integer of {low} to {high}")
        return value
    return check


def binary(low, high, step=1):
    def check(value):
        demand(type(value) is bytes and low * step <= len(value) <= high * step and len(value) % step == 0, "no bytes of that size")
        return value
    return check


def positive(value):
    demand(type(value) is float and math.isfinite(value) and value > 0, "not finite and positive")
    return value


def text(value):
    demand(type(value) is str and all(" " <= c <= "~" for c in value), "no printable ASCII")
    return value


def numbers(low, high, form):
    def check(value):
        return [number for number, in struct.iter_unpack(form, binary(low, high, 8)(value))]
    return check


def dual(value):
    values = numbers(1, 672, "<d")(value)
    demand(all(map(math.isfinite, values)), "not finite")
    return values


def array(*fields):
    def check(value):
        demand(type(value) is list and len(value) == len(fields), f"no array of {len(fields)}")
        return [field(part) for field, part in zip(fields, value)]
    return check


def members(field, party_of):
    def check(value):
        demand(type(value) is list and 1 <= len(value) <= 256, "not 1 to 256 members")
        parts = [field(part) for part in value]
        demand(all(party_of(a) < party_of(b) for a, b in zip(parts, parts[1:])), "members not ascending")
        return parts
    return check


def optional(field):
    return lambda value: None if value is None else field(value)


u16, u32, u64, i64 = (integer(0, (1 << bits) - 1) for bits in (16, 32, 64, 63))
digest = key = binary(32, 32)
signature = binary(64, 64)
net, iteration, party = integer(0, 99_999), integer(0, 5_000), u32
session = array(i64, u32)
notice = array(iteration, u64, u64, iteration, integer(0, 1))
parties = members(party, lambda one: one)
words = numbers(1, 115_081, "<Q")
share = array(net, party, iteration, u16, parties, words, optional(notice))
receipt, mega, entry = binary(1, 64 << 10), binary(1, 1 << 20), binary(1, 32 << 10)

KINDS = [
    ("hello", digest, u64, u64),
    ("refusal", text),
    ("certified_entry", receipt),
    ("session_open", session, party, net, members(array(party, positive), lambda one: one[0]), u64, digest, positive,
     integer(1, (1 << 32) - 1), dual, i64, signature),
    ("share", session, share),
    ("session_excluded", session, net),
    ("clearing_share", session, net, iteration, digest, signature),
    ("submit", entry),
    ("consensus", binary(1, (2 << 20) - 64)),
    ("roster", receipt, mega),
    ("rules", mega),
    ("session_journal", mega),
    ("interim_open", session, net, parties, session, u64, digest, i64),
    ("interim_record", entry),
    ("relayed", key, key, binary(1, (2 << 20) - 256)),
    ("presence", u64),
]


def decode(data):
    """[counter, name, field…]; Refused unless it is the one encoding of a message."""
    demand(len(data) <= MESSAGE_MAX, "too long")
    demand(len(data) >= 2 and data[0] & 0xF0 == 0x90 and data[1] < 0x80, "no envelope")
    demand(data[1] == 1, f"another version of the wire: {data[1]}")
    reader = Reader(data)
    envelope = tree(reader)
    reader.end()
    demand(len(envelope) == 3, "an envelope has three parts")
    counter, message = u64(envelope[1]), envelope[2]
    demand(type(message) is list and message and type(message[0]) is int and 0 <= message[0] < len(KINDS), "no kind of message")
    name, *fields = KINDS[message[0]]
    values = array(*fields)(message[1:])
    if name == "interim_open":
        demand(values[3][0] < values[0][0], "an interim session that does not follow its base")
    return [counter, name, *values]
