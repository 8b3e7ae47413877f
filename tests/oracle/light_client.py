#!/usr/bin/env python3
"""A light client of the log, written from docs/protocol/log.md and identity.md alone: it shares nothing with kilter but
the documents and Debian's libsodium, which it asks for nothing but Ed25519.

    light_client.py GENESIS PROOF…    checks files that `kilter log prove` wrote; exit code 3 when one is refused

What it trusts is the genesis document. With H(tag, x) = BLAKE2b-256(x; personalisation tag):

    chain         H("genesis", document); every signature is over it, so none counts on another log
    members       of epoch 0: the document's; of epoch e + 1: those that an epoch proof by the members of e names
    final         q = ⌊(n+f)/2⌋ + 1 of the n = |members| signed "final, H("hdr", header)", f = ⌊(n−1)/3⌋, of this header
                  or of the last of headers that descend from it, each naming its parent by its hash
    an entry      is on the log when its leaf's path leads to the payload root of a final header
    one log       the newer of two final headers extends the older when a consistency proof leads from log root to log root
"""
import collections
import ctypes
import ctypes.util
import hashlib
import struct
import sys

NOTAR, SKIP, FINAL, ENTRY, CLEARING, EPOCH_CHANGE = 1, 2, 3, 16, 17, 18  # kinds of statement
MEMBERS_MAX = 64  # a certificate's signers are 64 bits
ZEROS = bytes(32)

sodium = ctypes.CDLL(ctypes.util.find_library("sodium") or "libsodium.so.23")


class Refused(Exception):
    """What is wrong with bytes that somebody else wrote."""


def demand(condition, why):
    if not condition:
        raise Refused(why)


# --- signatures and digests -----------------------------------------------------------------------------------------


def H(tag, data):
    return hashlib.blake2b(data, digest_size=32, person=tag.encode().ljust(16, b"\0")).digest()


def statement(kind, chain, epoch, view, payload):
    """What is signed, always: it starts with its purpose and its log."""
    return b"TELOG1" + struct.pack("<B32sQQ", kind, chain, epoch, view) + payload


def signed(key, message, signature):
    """libsodium's verdict: RFC 8032 without cofactor, S and points canonical, no key or R of small order."""
    return sodium.crypto_sign_verify_detached(signature, message, ctypes.c_ulonglong(len(message)), key) == 0


# --- layouts --------------------------------------------------------------------------------------------------------

Header = collections.namedtuple("Header", "chain epoch view parent_view parent_hash height first_index count payload_root "
                                          "log_root state_root time_ms proposer validators next_validators closing")
HEADER = struct.Struct("<32sQQQ32sQQI32s32s32sqH32s32sB")
Certificate = collections.namedtuple("Certificate", "kind epoch view hash signers signatures")
Certified = collections.namedtuple("Certified", "header descendants certificate")
EpochProof = collections.namedtuple("EpochProof", "end members")
Members = collections.namedtuple("Members", "keys digest")
Entry = collections.namedtuple("Entry", "type author seq expires_ms key body id signature bytes")


class Reader:
    """Takes fields off the front; what is cut short, has bytes after its end or exceeds a limit is refused."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        demand(self.at + count <= len(self.data), "cut short")
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, size, limit=None, signed=False):
        value = int.from_bytes(self.take(size), "little", signed=signed)
        demand(limit is None or value <= limit, f"{value} where at most {limit} is allowed")
        return value

    def sized(self, width, limit=None):
        return self.take(self.number(width, limit))

    def left(self):
        return len(self.data) - self.at

    def end(self):
        demand(self.at == len(self.data), "bytes after its end")

    def header(self):
        header = Header(*HEADER.unpack(self.take(HEADER.size)))
        demand(header.closing <= 1, "a flag is 0 or 1")
        return header

    def certificate(self):
        kind, epoch, view, block, signers = struct.unpack("<BQQ32sQ", self.take(57))
        demand(kind in (NOTAR, SKIP, FINAL) and (kind == SKIP) == (block == ZEROS), "no certificate of this kind")
        members = [i for i in range(MEMBERS_MAX) if signers >> i & 1]
        return Certificate(kind, epoch, view, block, members, [self.take(64) for _ in members])

    def certified(self):
        header = self.header()
        return Certified(header, [self.header() for _ in range(self.number(1, 64))], self.certificate())

    def members(self):
        begin = self.at
        keys = []
        for _ in range(self.number(2, MEMBERS_MAX)):
            keys.append(self.take(32))
            self.sized(2, 256)  # its endpoint
        demand(keys and len(set(keys)) == len(keys), "a set without members, or with one twice")
        return Members(keys, H("valset", self.data[begin:self.at]))

    def epoch_proofs(self):
        return [EpochProof(self.certified(), self.members()) for _ in range(self.number(2))]

    def path(self):
        return [self.take(32) for _ in range(self.number(1, 64))]


def parse_entry(data):
    reader = Reader(data)
    version, kind, author, seq, expires_ms = struct.unpack("<BB32sQq", reader.take(50))
    demand(version == 1 and kind != 0, f"an entry of version {version}, type {kind}")
    key, body, signature = reader.sized(1, 64), reader.sized(4, 16384), reader.take(64)
    reader.end()
    return Entry(kind, author, seq, expires_ms, key, body, H("entry", data[:-64]), signature, data)


class Genesis:
    """Of all it holds, who only checks proofs needs the chain and the first members."""

    def __init__(self, document):
        reader = Reader(document)
        demand(reader.take(16) == b"kilter genesis 2", "not a genesis document")
        self.chain = H("genesis", document)
        self.not_before_ms = reader.number(8, signed=True)
        self.operator = reader.take(32)
        self.members = reader.members()
        self.parameters, self.extension = reader.sized(4), reader.sized(4)
        self.constitution = reader.sized(4) if reader.left() else b""
        self.versions = {reader.sized(1): reader.number(4) for _ in range(reader.number(2))} if reader.left() else {}
        reader.end()


# --- finality -------------------------------------------------------------------------------------------------------


def quorum(n):
    return (n + (n - 1) // 3) // 2 + 1


def check_final(certified, chain, members):
    """That members of the header's epoch have made it final, for ever."""
    newest = certified.header
    for header in certified.descendants:
        demand(header.parent_hash == H("hdr", HEADER.pack(*newest)), "a descendant that names another parent")
        demand(header.epoch == newest.epoch, "a descendant of another epoch")
        newest = header
    c = certified.certificate
    demand(c.kind == FINAL, "a certificate of another kind than final")
    demand((c.epoch, c.view, c.hash) == (newest.epoch, newest.view, H("hdr", HEADER.pack(*newest))),
           "a certificate of another block")
    demand(certified.header.chain == chain, "a block of another log")
    demand(certified.header.validators == members.digest, "not the members of the block's epoch")
    demand(len(c.signers) >= quorum(len(members.keys)), "fewer signatures than a quorum")
    for signer, signature in zip(c.signers, c.signatures):
        demand(signer < len(members.keys), "signed by who is no member")
        demand(signed(members.keys[signer], statement(FINAL, chain, c.epoch, c.view, c.hash), signature), "a signature is wrong")


class Epochs:
    """Who may certify what, from genesis on: the members of each epoch, and the height at which it ended."""

    def __init__(self, genesis, proofs, epoch):
        demand(len(proofs) == epoch, "not one proof for every epoch before the block's")
        self.chain, self.members, self.ends = genesis.chain, [genesis.members], []
        for proof in proofs:
            header = proof.end.header
            demand(header.epoch == len(self.ends), "epoch proofs out of order")
            demand(header.next_validators == proof.members.digest, "not the members that the epoch's last block names")
            demand(not header.closing, "an epoch ends with the block that changes it, not with one that closes it")
            check_final(proof.end, self.chain, self.members[-1])
            self.members.append(proof.members)
            self.ends.append(header.height)

    def check(self, certified):
        header = certified.header
        demand(header.epoch <= len(self.ends), "an epoch without proof")
        demand(not header.closing, "a closing block, which is forgotten with its epoch")
        demand(header.epoch == len(self.ends) or header.height <= self.ends[header.epoch], "above the end of its epoch")
        check_final(certified, self.chain, self.members[header.epoch])


# --- Merkle trees: RFC 6962 with H("merkle", ·), verified as RFC 9162, 2.1.3.2 and 2.1.4.2 ---------------------------


def leaf(data):
    return H("merkle", b"\0" + data)


def inner(left, right):
    return H("merkle", b"\1" + left + right)


def check_inclusion(digest, index, size, path, root):
    demand(index < size, "not a leaf of that tree")
    fn, sn = index, size - 1
    for sibling in path:
        demand(sn > 0, "the path is too long")
        if fn & 1 or fn == sn:
            digest = inner(sibling, digest)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            digest = inner(digest, sibling)
        fn, sn = fn >> 1, sn >> 1
    demand(sn == 0 and digest == root, "the path does not lead to the root")


def check_consistency(first, second, path, first_root, second_root):
    demand(first <= second, "the older log is the longer one")
    if first == 0 or first == second:
        demand(not path and first_root == (second_root if first else H("merkle", b"")), "two logs of one size")
        return
    path = list(path)
    if first & (first - 1) == 0:
        path.insert(0, first_root)
    demand(path, "the path is too short")
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    old = new = path[0]
    for digest in path[1:]:
        demand(sn > 0, "the path is too long")
        if fn & 1 or fn == sn:
            old, new = inner(digest, old), inner(digest, new)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            new = inner(new, digest)
        fn, sn = fn >> 1, sn >> 1
    demand(sn == 0 and (old, new) == (first_root, second_root), "the path does not lead to both roots")


# --- the state: a 16-way trie over H("key", key); a proof is, from the root down, the digests beside the path -------------


def check_pair(key, value, proof, root):
    path = H("key", key)
    reader, beside = Reader(proof), []
    while reader.left():
        demand(len(beside) < 64, "the path is too long")
        own = path[len(beside) // 2] >> (0 if len(beside) % 2 else 4) & 15
        there = reader.number(2)
        demand(not there >> own & 1, "the path has a digest for its own child")
        beside.append((own, [reader.take(32) if there >> i & 1 else ZEROS for i in range(16)]))
        demand(sum(child != ZEROS for child in beside[-1][1]) == there.bit_count(), "a digest of a child that is not there")
    digest = H("map", b"\0" + path + value)
    for own, children in reversed(beside):
        children[own] = digest
        digest = H("map", b"\1" + b"".join(children))
    demand(digest == root, "the path does not lead to the state's root")


# --- proofs ---------------------------------------------------------------------------------------------------------


def check_receipt(data, genesis):
    """An entry, on the log for good."""
    reader = Reader(data)
    entry, index, path = parse_entry(reader.sized(4)), reader.number(8), reader.path()
    certified, proofs = reader.certified(), reader.epoch_proofs()
    reader.end()
    header = certified.header
    demand(index >= header.first_index, "an entry of an earlier block")
    check_inclusion(leaf(entry.bytes), index - header.first_index, header.count, path, header.payload_root)
    Epochs(genesis, proofs, header.epoch).check(certified)
    demand(signed(entry.author, statement(ENTRY, genesis.chain, 0, 0, entry.id), entry.signature), "not signed by its author")
    return f"entry {index}, type {entry.type}, at height {header.height}"


def check_extension(data, genesis):
    """That between two final headers the log was only extended."""
    reader = Reader(data)
    older, newer, path, proofs = reader.certified(), reader.certified(), reader.path(), reader.epoch_proofs()
    reader.end()
    check_consistency(older.header.first_index + older.header.count, newer.header.first_index + newer.header.count, path,
                      older.header.log_root, newer.header.log_root)
    epochs = Epochs(genesis, proofs, newer.header.epoch)
    epochs.check(older)
    epochs.check(newer)
    return f"height {newer.header.height} extends height {older.header.height}"


def check_state(data, key, genesis):
    """That the ledger's state had this value for the key after a final block."""
    reader = Reader(data)
    certified, value, path, proofs = reader.certified(), reader.sized(4), reader.sized(4), reader.epoch_proofs()
    reader.end()
    check_pair(key, value, path, certified.header.state_root)
    Epochs(genesis, proofs, certified.header.epoch).check(certified)
    return value


FILES = {b"kilter receipt 1\n": check_receipt, b"kilter consistency 1\n": check_extension}


def check_file(data, genesis):
    for magic, check in FILES.items():
        if data.startswith(magic):
            return check(data[len(magic):], genesis)
    raise Refused("not a proof")


def main(arguments):
    with open(arguments[0], "rb") as file:
        genesis = Genesis(file.read())
    for name in arguments[1:]:
        try:
            with open(name, "rb") as file:
                print(f"{name}: {check_file(file.read(), genesis)}")
        except Refused as why:
            print(f"{name}: refused: {why}")
            return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
