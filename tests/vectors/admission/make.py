#!/usr/bin/env python3
"""Writes the vectors beside it: docs/protocol/identity.md, "Bytes", a second time, sharing no code with the first.

Needs Python's `cryptography` for Ed25519. The parties are those of tests/common/settlement/neighbourhood.hpp.
"""
import base64
import hashlib
import pathlib
import struct

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

HERE = pathlib.Path(__file__).parent
START_MS = 1_700_000_000_000
YEAR_MS = 365 * 86_400_000


def private_key(kind, number):
    return Ed25519PrivateKey.from_private_bytes(bytes([kind, number]) + bytes(30))


def key(kind, number):
    return private_key(kind, number).public_key().public_bytes_raw()


def digest(tag, data):
    return hashlib.blake2b(data, digest_size=32, person=tag.ljust(16, b"\0")).digest()


def sized(data):
    return struct.pack("<I", len(data)) + data


def certificate(public, role, net, weight_milli, endpoint, feeder, point, start, end):
    return (public + struct.pack("<BIIH", role, net, weight_milli, len(endpoint)) + endpoint
            + struct.pack("<B", len(feeder)) + feeder + point + struct.pack("<qq", start, end))


def home(number, net):
    return certificate(key(2, number), 2, net, 1000, b"", b"street", bytes([number + 1]) + bytes(15),
                       START_MS, START_MS + YEAR_MS)


def roster(epoch, members):
    return struct.pack("<QI", epoch, len(members)) + b"".join(members)


def change(epoch, removals, grants, after):
    return (struct.pack("<QI", epoch, len(removals)) + b"".join(removals)
            + struct.pack("<I", len(grants)) + b"".join(grants) + digest(b"roster", after))


validators = struct.pack("<H", 4) + b"".join(
    key(1, i) + struct.pack("<H", 20) + b"tcp://127.0.0.1:" + str(7100 + i).encode() for i in range(4))
genesis = (b"kilter genesis 2" + struct.pack("<q", START_MS) + key(3, 0) + validators
           + sized(b"\1\2\3") + sized(b""))
chair = certificate(key(1, 0), 1, 0, 333, b"tcp://x", b"", bytes(16), 0, 10**13)
first = [home(i, i // 3) for i in range(6)] + [chair]
# Home 0's key is revoked and home 7's put in its place; home 1 is renewed for another year.
renewed = certificate(key(2, 1), 2, 0, 1000, b"", b"street", bytes([2]) + bytes(15), START_MS, START_MS + 2 * YEAR_MS)
successor = certificate(key(2, 7), 2, 0, 1000, b"", b"street", bytes([1]) + bytes(15), START_MS, START_MS + YEAR_MS)
second = [renewed] + first[2:] + [successor]
request = b"kilter-request:" + key(2, 1).hex().encode() + b":battery:tcp://192.0.2.7:20001"
bundle = b"kilter bundle 1" + sized(genesis) + sized(home(1, 0)) + sized(b"") + sized(b"")
bundle += private_key(3, 0).sign(bundle)

hexadecimal = {
    "genesis": genesis,
    "certificate": home(1, 0),
    "roster-1": roster(1, first),
    "roster-2": roster(2, second),
    "roster-change-1": change(1, [], first, roster(1, first)),
    "roster-change-2": change(2, [key(2, 0) + b"\1"], [renewed, successor], roster(2, second)),
}
for name, data in hexadecimal.items():
    text = data.hex()
    (HERE / f"{name}.hex").write_text("".join(text[i:i + 120] + "\n" for i in range(0, len(text), 120)))
(HERE / "request.txt").write_bytes(request + b":" + digest(b"request", request).hex()[:8].encode() + b"\n")
(HERE / "bundle.txt").write_bytes(b"kilter:" + base64.urlsafe_b64encode(bundle).rstrip(b"=") + b"\n")
