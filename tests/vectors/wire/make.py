#!/usr/bin/env python3
"""Golden and rejected vectors of docs/protocol/wire.md, from a second implementation that shares no code with the first.

    python3 tests/vectors/wire/make.py        rewrites tests/vectors/wire/{accepted,rejected}/*.hex

A vector is one envelope in hexadecimal; lines that begin with # say what it is. In rejected/, the line `# error: TEXT`
is a part of the message the decoder must give.
"""
import pathlib
import struct

HERE = pathlib.Path(__file__).parent


class Bin(bytes):
    pass


class Raw(bytes):
    """Bytes to be put as they are: for what a canonical encoder would not write."""


def pack(value):
    if isinstance(value, Raw):
        return bytes(value)
    if value is None:
        return b"\xc0"
    if isinstance(value, float):
        return b"\xcb" + struct.pack(">d", value)
    if isinstance(value, int):
        if value < 0:
            for low, head, form in ((-32, b"", ">b"), (-(2**7), b"\xd0", ">b"), (-(2**15), b"\xd1", ">h"),
                                    (-(2**31), b"\xd2", ">i"), (-(2**63), b"\xd3", ">q")):
                if value >= low:
                    return head + struct.pack(form, value)
        for high, head, form in ((2**7, b"", ">B"), (2**8, b"\xcc", ">B"), (2**16, b"\xcd", ">H"),
                                 (2**32, b"\xce", ">I"), (2**64, b"\xcf", ">Q")):
            if value < high:
                return head + struct.pack(form, value)
    if isinstance(value, Bin):
        n = len(value)
        head = b"\xc4" + struct.pack(">B", n) if n < 2**8 else b"\xc5" + struct.pack(">H", n) if n < 2**16 \
            else b"\xc6" + struct.pack(">I", n)
        return head + value
    if isinstance(value, str):
        text = value.encode()
        n = len(text)
        head = bytes([0xA0 | n]) if n < 32 else b"\xd9" + struct.pack(">B", n) if n < 2**8 \
            else b"\xda" + struct.pack(">H", n)
        return head + text
    if isinstance(value, list):
        n = len(value)
        head = bytes([0x90 | n]) if n < 16 else b"\xdc" + struct.pack(">H", n)
        return head + b"".join(pack(element) for element in value)
    raise TypeError(type(value))


def doubles(*values):
    return Bin(struct.pack(f"<{len(values)}d", *values))


def words(*values):
    return Bin(struct.pack(f"<{len(values)}Q", *values))


def filled(byte, size):
    return Bin(bytes([byte]) * size)


DIGEST, SIGNATURE = filled(0xD1, 32), filled(0x51, 64)
SESSION = [1978321, 1]  # the interval that starts at 2026-06-03 12:15 UTC, opened a second time
COUNTER = 0x19A_0000_0000_0007

hello = [0, DIGEST, 3, 2]
open_members = [[1, 0.5], [7, 1.0], [300, 10.0]]
session_open = [3, SESSION, 1, 17, open_members, 3, DIGEST, 0.0075, 128, doubles(0.05, -0.0, 1e-300),
                1_780_000_000_123, SIGNATURE]
notice = [41, 2**40, 2**63, 40, 1]
share_home = [4, SESSION, [17, 300, 42, 2, [1, 7, 300], words(0, 1, 2**64 - 1), None]]
share_chair = [4, SESSION, [17, 1, 42, 0, [1, 7], words(2**63, 5), notice]]

accepted = {
    "hello": ("what an agent says at connect", hello),
    "refusal": ("a text of 32 bytes: the first that does not fit a short string", [1, "unknown key: ask for enrolment.."]),
    "certified_entry": ("a receipt of 100 bytes", [2, filled(0xEE, 100)]),
    "session_open": ("three members, a horizon of three intervals, one of the duals minus zero", session_open),
    "share": ("a home's: no notice", share_home),
    "share_chair": ("a chair's: with its notice", share_chair),
    "session_excluded": ("", [5, SESSION, 17]),
    "clearing_share": ("", [6, SESSION, 17, 71, DIGEST, SIGNATURE]),
    "submit": ("an entry of one byte", [7, filled(0x01, 1)]),
    "consensus": ("an opaque payload of 300 bytes", [8, filled(0xAB, 300)]),
    "roster": ("an opaque receipt and roster", [9, filled(0xEE, 100), filled(0xCC, 200)]),
    "rules": ("an opaque proof", [10, filled(0xDD, 300)]),
    "session_journal": ("an opaque payload", [11, filled(0xEE, 300)]),
    "interim_open": ("an opening of the upper half, three intervals after its base",
                     [12, [1978324, 2**31 + 5], 17, [7, 300], SESSION, 3, DIGEST, 1_780_000_000_123]),
    "interim_record": ("an opaque record", [13, filled(0xEE, 300)]),
    "relayed": ("300 sealed bytes", [14, filled(0xA1, 32), filled(0xB2, 32), filled(0xEE, 300)]),
    "presence": ("", [15, 1_780_000_000_123]),
}


def seal(message, version=1, counter=COUNTER):
    return pack([version, counter, message])


def with_field(message, index, value):
    return message[:index] + [value] + message[index + 1:]


def share_with(index, value):
    return with_field(share_home, 2, with_field(share_home[2], index, value))


good = seal(hello)
rejected = {
    "empty": ("nothing", "not a kilter message", b""),
    "not_an_array": ("a string", "not a kilter message", pack("hello")),
    "version_newer": ("version 2", "update this program", seal(hello, version=2)),
    "version_older": ("version 0", "update the peer", seal(hello, version=0)),
    "version_non_canonical": ("version 1 in two bytes", "not a kilter message",
                              b"\x93\xcc\x01" + pack(COUNTER) + pack(hello)),
    "envelope_short": ("no message", "envelope has 2 parts", pack([1, COUNTER])),
    "envelope_long": ("a fourth part", "envelope has 4 parts", pack([1, COUNTER, hello, 0])),
    "counter_negative": ("counter -1", "counter", seal(hello, counter=-1)),
    "counter_text": ("counter as text", "counter", seal(hello, counter="7")),
    "truncated": ("the last byte is missing", "insufficient bytes", good[:-1]),
    "trailing": ("one byte after the envelope", "followed by 1 more", good + b"\x00"),
    "array_bomb": ("an array that claims 2^32 - 1 elements", "array size overflow",
                   Raw(b"\x93\x01\x07\xdd\xff\xff\xff\xff")),
    "map": ("a map where the message should be", "map size overflow", b"\x93\x01\x07\x81\x01\x02"),
    "extension": ("a timestamp where the message should be", "ext size overflow",
                  b"\x93\x01\x07\xd6\xff\x00\x00\x00\x00"),
    "depth": ("arrays in arrays in arrays", "depth size overflow", b"\x93\x01\x07" + b"\x91" * 10 + b"\x00"),
    "kind_unknown": ("kind 16", "does not know", seal([16, 0])),
    "kind_missing": ("an empty message", "not an array", seal([])),
    "arity_short": ("hello without its rules", "hello has 2 fields, expected 3", seal(hello[:-1])),
    "arity_long": ("hello with a fourth field", "hello has 4 fields, expected 3", seal(hello + [0])),
    "arity_nested": ("a session id of three numbers", "wrong type or size", seal(with_field(share_home, 1, SESSION + [0]))),
    "integer_long_form": ("epoch 3 in two bytes", "canonical", seal(with_field(hello, 2, Raw(b"\xcc\x03")))),
    "integer_as_float": ("epoch 3.0", "wrong type or size", seal(with_field(hello, 2, 3.0))),
    "integer_signed_form": ("epoch 3 as a signed byte", "canonical", seal(with_field(hello, 2, Raw(b"\xd0\x03")))),
    "integer_too_large": ("attempt 65536", "wrong type or size", seal(share_with(3, 65536))),
    "array_long_form": ("the message's array with a 16-bit length", "canonical",
                        b"\x93\x01\x07\xdc\x00\x04" + b"".join(map(pack, hello))),
    "bin_long_form": ("the digest with a 16-bit length", "canonical",
                      seal(with_field(hello, 1, Raw(b"\xc5\x00\x20" + DIGEST)))),
    "bin_as_str": ("the digest as a string of 32 bytes", "wrong type or size",
                   seal(with_field(hello, 1, "a" * 32))),
    "digest_short": ("a digest of 31 bytes", "wrong type or size", seal(with_field(hello, 1, filled(0xD1, 31)))),
    "float32": ("rho as a 32-bit float", "wrong type or size",
                seal(with_field(session_open, 7, Raw(b"\xca" + struct.pack(">f", 0.5))))),
    "float_as_integer": ("rho 1 as an integer", "wrong type or size", seal(with_field(session_open, 7, 1))),
    "rho_nan": ("rho is not a number", "rho_eur_per_kw2", seal(with_field(session_open, 7, float("nan")))),
    "rho_infinite": ("rho is infinite", "rho_eur_per_kw2", seal(with_field(session_open, 7, float("inf")))),
    "rho_zero": ("rho is zero", "rho_eur_per_kw2", seal(with_field(session_open, 7, 0.0))),
    "dual_nan": ("a dual is not a number", "start_dual", seal(with_field(session_open, 9, doubles(0.1, float("nan"))))),
    "dual_ragged": ("duals of 9 bytes", "wrong type or size", seal(with_field(session_open, 9, filled(0, 9)))),
    "dual_too_long": ("673 intervals", "start_dual", seal(with_field(session_open, 9, doubles(*[0.0] * 673)))),
    "opened_negative": ("opened before 1970", "opened_ms", seal(with_field(session_open, 10, -1))),
    "members_unordered": ("members 7, 1", "ascending", seal(share_with(4, [7, 1]))),
    "members_twice": ("members 7, 7", "ascending", seal(share_with(4, [7, 7]))),
    "members_too_many": ("257 members", "array size overflow", seal(share_with(4, list(range(257))))),
    "weight_negative": ("a weight of -1", "weight", seal(with_field(session_open, 4, [[1, -1.0]]))),
    "iteration_too_large": ("iteration 5001", "share.iteration", seal(share_with(2, 5001))),
    "net_too_large": ("net 100000", "net", seal(share_with(0, 100_000))),
    "interval_negative": ("an interval before 1970", "1970", seal(with_field(share_home, 1, [-1, 0]))),
    "notice_outcome": ("a notice that announces `excluded`", "converged and partial",
                       seal(with_field(share_chair, 2, with_field(share_chair[2], 6, notice[:-1] + [2])))),
    "notice_outcome_unknown": ("a notice with outcome 4", "wrong type or size",
                               seal(with_field(share_chair, 2, with_field(share_chair[2], 6, notice[:-1] + [4])))),
    "refusal_too_long": ("a text of 201 bytes", "str size overflow", seal([1, "x" * 201])),
    "refusal_control": ("a text with a line feed", "printable", seal([1, "a\nb"])),
    "receipt_empty": ("a receipt of no bytes", "certified_entry.receipt", seal([2, filled(0, 0)])),
    "roster_empty": ("a roster of no bytes", "roster.roster", seal([9, filled(1, 4), filled(0, 0)])),
    "rules_empty": ("a proof of no bytes", "rules.proof", seal([10, filled(0, 0)])),
    "interim_before_base": ("an interval that its base has cleared", "does not follow its base",
                            seal([12, SESSION, 17, [7, 300], SESSION, 3, DIGEST, 1_780_000_000_123])),
    "interim_record_empty": ("a record of no bytes", "interim_record.record", seal([13, filled(0, 0)])),
    "relayed_empty": ("no sealed bytes", "relayed.sealed",
                      seal([14, filled(1, 32), filled(2, 32), filled(0, 0)])),
    "journal_empty": ("a payload of no bytes", "session_journal.payload", seal([11, filled(0, 0)])),
}


def write(folder, name, lines, data):
    (HERE / folder).mkdir(exist_ok=True)
    text = data.hex()
    body = "\n".join(text[i:i + 120] for i in range(0, len(text), 120))
    (HERE / folder / f"{name}.hex").write_text("".join(f"# {line}\n" for line in lines if line) + body + "\n")


for name, (what, message) in accepted.items():
    write("accepted", name, [what], seal(message))
for name, (what, error, data) in rejected.items():
    write("rejected", name, [what, f"error: {error}"], data)
