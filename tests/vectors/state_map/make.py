#!/usr/bin/env python3
"""Writes state_map.txt with nothing but hashlib's BLAKE2b: the ledger's map, its root, outline, pieces and proofs.

    python3 make.py > state_map.txt
"""
import hashlib
import struct


def digest(tag, data):
    return hashlib.blake2b(data, digest_size=32, person=tag.encode().ljust(16, b"\0")).digest()


def nibble(path, depth):
    return path[depth // 2] >> 4 if depth % 2 == 0 else path[depth // 2] & 15


def branches(pairs, depth):
    return [[p for p in pairs if nibble(p[0], depth) == i] for i in range(16)]


def root(pairs, depth=0):
    """pairs: (path, value) that share the first `depth` nibbles."""
    if not pairs:
        return bytes(32)
    if len(pairs) == 1:
        return digest("map", b"\0" + pairs[0][0] + pairs[0][1])
    return digest("map", b"\1" + b"".join(root(child, depth + 1) for child in branches(pairs, depth)))


def piece(pairs):
    return b"".join(path + struct.pack("<I", len(value)) + value for path, value in pairs)


def outline(pairs, limit, depth=0):
    """Its bytes and the pieces it names."""
    if not pairs:
        return b"\0", []
    if len(pairs) == 1 or len(piece(pairs)) <= limit:
        return b"\2" + root(pairs, depth), [piece(pairs)]
    parts = [outline(child, limit, depth + 1) for child in branches(pairs, depth)]
    return b"\1" + b"".join(p[0] for p in parts), [one for p in parts for one in p[1]]


def prove(pairs, path):
    out, depth = b"", 0
    while len(pairs) > 1:
        children = branches(pairs, depth)
        own = nibble(path, depth)
        beside = [i for i in range(16) if i != own and children[i]]
        out += struct.pack("<H", sum(1 << i for i in beside)) + b"".join(root(children[i], depth + 1) for i in beside)
        pairs, depth = children[own], depth + 1
    return out


content = {}


def show():
    print("root", root(sorted(content.items())).hex())


if __name__ == "__main__":
    show()
    for i in range(40):
        key, value = bytes([i]), bytes([i]) * (7 * i % 50)
        print("set", key.hex(), value.hex() or "-")
        content[digest("key", key)] = value
        if i < 4 or i % 13 == 0:
            show()
    print("set", "07", b"again".hex())
    content[digest("key", b"\7")] = b"again"
    show()
    for i in range(0, 40, 3):
        print("erase", bytes([i]).hex())
        del content[digest("key", bytes([i]))]
    show()
    pairs = sorted(content.items())
    for i in (1, 7, 38):
        print("proof", bytes([i]).hex(), prove(pairs, digest("key", bytes([i]))).hex())
    for limit in (100, 400):
        encoded, pieces = outline(pairs, limit)
        print("outline", limit, encoded.hex())
        for one in pieces:
            print("piece", one.hex())
