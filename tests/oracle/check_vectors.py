#!/usr/bin/env python3
"""Holds tests/vectors against a light client and a decoder that were written from docs/protocol alone (light_client.py,
wire_decoder.py): what is right is read, its signatures and roots hold, and what must be refused is.

    check_vectors.py VECTORS
"""
import ctypes
import functools
import pathlib
import struct
import sys

import light_client as client
import wire_decoder
from ledger_state import Certificate, Ids, Ledger, map_root, trie_root
from light_client import HEADER, NOTAR, SKIP, ZEROS, H, Refused, demand, statement

# A verdict on a signature depends on nothing else, and a flipped bit leaves most of them as they are.
client.signed = functools.lru_cache(maxsize=None)(client.signed)


def refuses(check, *arguments):
    try:
        check(*arguments)
        return False
    except Refused:
        return True


def check_flips(name, data, check):
    taken = [bit for bit in range(8 * len(data))
             if not refuses(check, data[:bit // 8] + bytes([data[bit // 8] ^ 1 << bit % 8]) + data[bit // 8 + 1:])]
    assert not taken, f"{name}: taken with bits {taken[:5]} flipped"
    assert all(refuses(check, data[:size]) for size in range(len(data))), f"{name}: taken although cut short"
    print(f"{name}: {len(data)} bytes, refused with any one of {8 * len(data)} bits flipped and cut short anywhere")


class Signer:
    def __init__(self, seed):
        key, self.secret = ctypes.create_string_buffer(32), ctypes.create_string_buffer(64)
        client.sodium.crypto_sign_seed_keypair(key, self.secret, seed)
        self.key = key.raw

    def sign(self, message):
        signature = ctypes.create_string_buffer(64)
        client.sodium.crypto_sign_detached(signature, None, message, ctypes.c_ulonglong(len(message)), self.secret)
        return signature.raw


# --- vectors --------------------------------------------------------------------------------------------------------


def hexadecimal(file):
    return bytes.fromhex("".join(line for line in file.read_text().splitlines() if not line.startswith("#")))


def check_wire(folder):
    accepted, rejected = sorted(folder.glob("accepted/*.hex")), sorted(folder.glob("rejected/*.hex"))
    kinds = {wire_decoder.decode(hexadecimal(file))[1] for file in accepted}
    assert kinds == {name for name, *_ in wire_decoder.KINDS}, "a kind without a vector"
    for file in rejected:
        assert refuses(wire_decoder.decode, hexadecimal(file)), f"{file} is taken"
    for file in accepted:  # whatever else comes is a message or refused, nothing third
        data = hexadecimal(file)
        for bit in range(8 * len(data)):
            refuses(wire_decoder.decode, data[:bit // 8] + bytes([data[bit // 8] ^ 1 << bit % 8]) + data[bit // 8 + 1:])
    print(f"wire: {len(accepted)} envelopes of {len(kinds)} kinds taken, {len(rejected)} refused")


class Replica(client.Reader):
    """The messages between replicas: log.md's last table."""

    def vote(self):
        return struct.unpack("<BQQ32sH64s", self.take(115))

    def entries(self, count):
        return [client.parse_entry(self.sized(4)) for _ in range(count)]

    def block(self):
        header = self.header()
        entries = self.entries(header.count)
        parent = self.certificate() if self.number(1, 1) else None
        return header, entries, parent, [self.certificate() for _ in range(self.number(2, 128))]

    def final_block(self):
        return self.block(), self.certificate() if self.number(1, 1) else None

    def range(self):
        blocks = [self.final_block() for _ in range(self.number(2, 256))]
        demand(blocks, "a range of nothing")
        (header, *_), certificate = blocks[-1]
        if certificate or header.next_validators != ZEROS:
            return blocks, None
        tail = self.certified()
        demand(tail.header == header and tail.descendants, "a tail of another block, or of one that needs none")
        return blocks, tail

    def manifest(self):
        certified, size = self.certified(), self.number(8)
        return certified, size, [self.take(32) for _ in range(size.bit_count())], self.sized(4)

    def message(self):
        kind = self.number(1, 12)
        content = [
            lambda: (self.vote(), self.block()),
            self.vote,
            self.certificate,
            lambda: struct.unpack("<QQQQ32s", self.take(64)),
            lambda: self.take(32),
            self.block,
            lambda: struct.unpack("<QQ", self.take(16)),
            self.range,
            lambda: self.entries(self.number(2, 2000)),
            lambda: client.EpochProof(self.certified(), self.members()),
            self.manifest,
            lambda: struct.unpack("<QI", self.take(12)),
            lambda: struct.unpack("<QI", self.take(12)) + (self.take(self.left()),),
        ][kind]()
        self.end()
        return content


def tree_root(digests):
    if len(digests) < 2:
        return digests[0] if digests else H("merkle", b"")
    left = 1 << (len(digests) - 1).bit_length() - 1
    return client.inner(tree_root(digests[:left]), tree_root(digests[left:]))


def outline(reader, depth=0):
    """The root that an outline leads to, and its pieces, each with its depth in the trie."""
    kind = reader.number(1, 2)
    if kind != 1:
        digest = reader.take(32) if kind else ZEROS
        return digest, [(depth, digest)] if kind else []
    children = [outline(reader, depth + 1) for _ in range(16)]
    return H("map", b"\1" + b"".join(digest for digest, _ in children)), [piece for _, pieces in children for piece in pieces]


def check_piece(piece, depth, digest):
    reader, pairs = client.Reader(piece), []
    while reader.left():
        pairs.append((reader.take(32), reader.sized(4)))
    demand(pairs == sorted(pairs) and trie_root(pairs, depth) == digest, "not the piece that the outline names")


def check_log(folder):
    """The members' secret seeds are 1 to 4, then zeros; the chain is a 7, then zeros."""
    keys = [Signer(bytes([i + 1]) + bytes(31)) for i in range(4)]
    chain = b"\x07" + bytes(31)
    encoded = struct.pack("<H", 4) + b"".join(signer.key + b"\0\0" for signer in keys)

    class Genesis:
        members = client.Reader(encoded).members()
    Genesis.chain = chain

    def check_vote(vote):
        kind, epoch, view, block, signer, signature = vote
        demand(signer < 4 and client.signed(keys[signer].key, statement(kind, chain, epoch, view, block), signature), "no vote")

    def check_certificate(c):
        assert len(c.signers) == 3
        for signer, signature in zip(c.signers, c.signatures):
            check_vote((c.kind, c.epoch, c.view, c.hash, signer, signature))

    def check_block(block):
        header, entries, parent, skips = block
        assert tree_root([client.leaf(entry.bytes) for entry in entries]) == header.payload_root
        assert header.proposer == header.view % 4 and header.height == 1 and header.parent_hash == chain and parent is None
        assert [skip.view for skip in skips] == list(range(header.parent_view + 1, header.view))
        for skip in skips:
            assert skip.kind == SKIP
            check_certificate(skip)
        return H("hdr", HEADER.pack(*header))

    data = [hexadecimal(file) for file in sorted(folder.glob("[01]*.hex"))]
    assert sorted({one[0] for one in data}) == list(range(13)), "a message without a vector"
    for one in data:
        assert all(refuses(Replica(one[:size]).message) for size in range(len(one)) if one[0] != 12 or size < 13)
        assert refuses(Replica(one + b"\0").message) or one[0] == 12
    read = [Replica(one).message() for one in data]
    (final_by_others, tail), = [content for one, content in zip(data, read) if one[0] == 7 and content[1]]
    client.check_final(tail, chain, Genesis.members)
    assert [check_block(content) for content, _ in final_by_others] == [H("hdr", HEADER.pack(*tail.header))]
    messages = [content for content in read if content != (final_by_others, tail)]
    vote, block = messages[0]
    assert vote[0] == NOTAR and vote[3] == check_block(block) == check_block(messages[5]) == messages[2].hash == messages[3][4]
    check_vote(vote)
    check_vote(messages[1])
    check_certificate(messages[2])
    (ranged, final), = messages[7][0]
    assert ranged == block and final == messages[2] and messages[8] == block[1]
    epochs = client.Epochs(Genesis, [messages[9]], 1)
    assert epochs.ends == [2] and epochs.members[1].keys[:3] == epochs.members[0].keys[:3]
    certified, size, peaks, top = messages[10]
    epochs.check(certified)
    assert size == certified.header.first_index + certified.header.count and peaks == [certified.header.log_root]
    reader = client.Reader(top)
    root, pieces = outline(reader)
    reader.end()
    assert root == certified.header.state_root
    height, number, piece = messages[12]
    assert (height, number) == messages[11] == (certified.header.height, number)
    check_piece(piece, *pieces[number])
    two = client.Reader(hexadecimal(folder / "evidence-body.hex"))
    first, second = Replica.vote(two), Replica.vote(two)
    two.end()
    check_vote(first)
    check_vote(second)
    assert (first[:3], first[4]) == (second[:3], second[4]) and first[3] != second[3]
    for name, check in (("receipt", client.check_receipt), ("consistency-proof", client.check_extension)):
        check(hexadecimal(folder / f"{name}.hex"), Genesis)
        check_flips(f"log/{name}", hexadecimal(folder / f"{name}.hex"), lambda one, check=check: check(one, Genesis))
    print(f"log: {len(messages)} messages")


def check_state_map(file):
    content, proofs, checked, pieces = {}, 0, 0, []
    for word, *rest in map(str.split, file.read_text().splitlines()):
        if word == "set":
            content[bytes.fromhex(rest[0])] = bytes.fromhex(rest[1].strip("-"))
        elif word == "erase":
            del content[bytes.fromhex(rest[0])]
        elif word == "root":
            assert map_root(content).hex() == rest[0]
            checked += 1
        elif word == "proof":
            key, proof, root = bytes.fromhex(rest[0]), bytes.fromhex(rest[1]), map_root(content)
            client.check_pair(key, content[key], proof, root)
            check_flips(f"state_map proof {rest[0]}", proof, lambda one: client.check_pair(key, content[key], one, root))
            proofs += 1
        elif word == "outline":
            reader = client.Reader(bytes.fromhex(rest[1]))
            root, pieces = outline(reader)
            reader.end()
            assert root == map_root(content)
        else:
            assert word == "piece"
            check_piece(bytes.fromhex(rest[0]), *pieces.pop(0))
    assert checked and proofs and not pieces
    print(f"state_map: {checked} roots, {proofs} proofs, outlines and pieces")


def check_seen_ids(file):
    ids, roots = None, 0
    for word, *rest in map(str.split, file.read_text().splitlines()):
        if word == "begin":
            ids = Ids(int(rest[0]))
        elif word == "block":
            time_ms, added = int(rest[0]), []
        elif word == "id":
            added.append((bytes.fromhex(rest[0]), int(rest[1])))
        else:
            assert word == "root"
            ids.block(time_ms, added)
        if word in ("begin", "root"):
            assert map_root(ids.pairs()).hex() == rest[-1]
            roots += 1
    assert roots > 1
    print(f"seen_ids: {roots} roots")


def check_admission(folder):
    """The document, a certificate, and two changes of the roster, executed: what each leads to."""
    genesis = client.Genesis(hexadecimal(folder / "genesis.hex"))
    one = hexadecimal(folder / "certificate.hex")
    reader = client.Reader(one)
    assert Certificate(reader).bytes == one and not reader.left()
    ledger = Ledger(genesis)
    ledger.time_ms = genesis.not_before_ms + 1
    for epoch in (1, 2):
        change = client.Reader(hexadecimal(folder / f"roster-change-{epoch}.hex"))
        assert ledger.roster_change(genesis.operator, change) == b"roster|%d" % epoch and not change.left()
        assert ledger.content[b"roster"] == hexadecimal(folder / f"roster-{epoch}.hex")
    assert refuses(ledger.roster_change, genesis.operator, client.Reader(hexadecimal(folder / "roster-change-2.hex")))
    print(f"admission: a document of {len(genesis.members.keys)} members, 2 changes to the rosters that they name")


def main(arguments):
    vectors = pathlib.Path(arguments[0])
    check_wire(vectors / "wire")
    check_log(vectors / "log")
    check_admission(vectors / "admission")
    check_state_map(vectors / "state_map/state_map.txt")
    check_seen_ids(vectors / "seen_ids/seen_ids.txt")


if __name__ == "__main__":
    main(sys.argv[1:])
