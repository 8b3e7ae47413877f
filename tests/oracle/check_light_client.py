#!/usr/bin/env python3
"""Holds a light client that was written from docs/protocol alone (light_client.py) against the real programs.

    check_light_client.py KILTER [OPTION…]     with these options for `kilter demo`, e.g. --ledger-rule 1

A neighbourhood of real processes clears. The receipt of every entry on its log, and proofs that it was only extended, hold here
as there; of one of each kind every single bit is flipped, and each must be refused. Executing the entries by the
documents' rules (ledger_state.py) leads to the state root that the members certified, block by block. Then the members' keys
sign a change of epoch, and proofs over it, true and false ones: both sides come to one verdict on each.
"""
import json
import pathlib
import struct
import subprocess
import sys
import tempfile

import light_client as client
import ledger_state
from check_vectors import Signer, check_flips, refuses, tree_root
from light_client import FINAL, HEADER, NOTAR, ZEROS, H, Header, statement


def outcome(kilter, genesis, file):
    done = subprocess.run([kilter, "log", "verify", "--genesis", genesis, file], capture_output=True, text=True, timeout=60)
    assert done.returncode in (0, 3), done.stderr
    return done.returncode == 0


class Chain:
    """A continuation that members of a log could have signed: blocks whose state nobody checks, with the log's own entries."""

    def __init__(self, genesis, entries):
        self.genesis, self.entries, self.headers, self.leaves = genesis, entries, [], []
        self.parent = Header(genesis.chain, 0, 0, 0, ZEROS, 0, 0, 0, ZEROS, ZEROS, ZEROS, 0, 0, ZEROS, ZEROS, 0)
        self.parent_hash = genesis.chain  # before the first block

    def block(self, count, members, epoch=0, view=None, next_members=ZEROS, closing=0):
        parent = self.parent
        leaves = [client.leaf(entry) for entry in self.entries[len(self.leaves):len(self.leaves) + count]]
        self.leaves += leaves
        self.parent = Header(
            self.genesis.chain, epoch, parent.view + 1 if view is None else view, parent.view, self.parent_hash,
            parent.height + 1, parent.first_index + parent.count, count, tree_root(leaves), tree_root(self.leaves), ZEROS,
            self.genesis.not_before_ms, 0, members.digest, next_members, closing)
        self.parent_hash = H("hdr", HEADER.pack(*self.parent))
        return self.parent


def certificate(header, signers, kind=FINAL):
    block = H("hdr", HEADER.pack(*header))
    said = statement(kind, header.chain, header.epoch, header.view, block)
    return (struct.pack("<BQQ32sQ", kind, header.epoch, header.view, block, sum(1 << i for i in signers)) +
            b"".join(signer.sign(said) for _, signer in sorted(signers.items())))


def certified(header, certificate_bytes, descendants=()):
    return HEADER.pack(*header) + bytes([len(descendants)]) + b"".join(HEADER.pack(*d) for d in descendants) + certificate_bytes


def listed(proofs):
    return struct.pack("<H", len(proofs)) + b"".join(proofs)


def check_epochs(kilter, folder, genesis_file, genesis, entries, signers):
    """Members 0 to 3 hand over to a set in which another key has the last place."""
    newcomer = Signer(bytes(range(32)))
    old, new = dict(enumerate(signers)), {**dict(enumerate(signers)), 3: newcomer}
    encoded = struct.pack("<H", 4) + b"".join(one.key + b"\0\0" for one in new.values())
    members, next_members = genesis.members, client.Reader(encoded).members()
    three, new_three = {i: old[i] for i in (0, 2, 3)}, {i: new[i] for i in (1, 2, 3)}
    chain = Chain(genesis, entries)
    first = chain.block(1, members)
    last = chain.block(2, members, next_members=next_members.digest)
    closing = chain.block(0, members, next_members=next_members.digest, closing=1)
    chain.parent, chain.parent_hash = last, H("hdr", HEADER.pack(*last))
    above = chain.block(1, members, view=last.view + 7)  # what the old members may not do any more
    chain.parent, chain.parent_hash, chain.leaves = last, H("hdr", HEADER.pack(*last)), chain.leaves[:3]
    begun = chain.block(1, next_members, epoch=1, view=last.view + 1)
    proof = certified(last, certificate(closing, three), [closing]) + encoded
    final = certified(begun, certificate(begun, new_three))

    def receipt(index, path, block, proofs):
        return (b"kilter receipt 1\n" + struct.pack("<I", len(entries[index])) + entries[index] +
                struct.pack("<QB", index, len(path)) + b"".join(path) + block + listed(proofs))

    def extension(older, newer, path, proofs):
        return b"kilter consistency 1\n" + older + newer + bytes([len(path)]) + b"".join(path) + listed(proofs)

    def next_entry(signers, proofs, kind=FINAL):
        return receipt(3, [], certified(begun, certificate(begun, signers, kind)), proofs)

    def after(end, said, kind=FINAL):  # the next epoch's entry, after such an end of the old one
        return next_entry(new_three, [certified(end, certificate(end, three, kind)) + said])

    early = certified(first, certificate(closing, three), [last, closing])
    closed = certified(closing, certificate(closing, three))
    leaves = chain.leaves
    way = [leaves[1], client.inner(leaves[2], leaves[3])]  # from one entry to four
    to_three = [leaves[1], leaves[2]]
    late = certified(above, certificate(above, three))
    cases = {
        "an entry before, certified by what descends from its block": (True, receipt(0, [], early, [])),
        "an entry of the ending block": (True, receipt(2, [leaves[1]], certified(last, certificate(last, old)), [])),
        "an entry of the next epoch": (True, receipt(3, [], final, [proof])),
        "the log over the change": (True, extension(early, final, way, [proof])),
        "no proof of the epoch": (False, receipt(3, [], final, [])),
        "a proof too many": (False, receipt(0, [], early, [proof])),
        "the old members in the new epoch": (False, next_entry(three, [proof])),
        "two of four": (False, next_entry({1: new[1], 2: new[2]}, [proof])),
        "a signer who is no member": (False, next_entry({1: new[1], 2: new[2], 4: newcomer}, [proof])),
        "notarised, not final": (False, next_entry(new_three, [proof], NOTAR)),
        "an epoch that ends with a notarised block": (False, after(last, encoded, NOTAR)),
        "an epoch that ends with a closing block": (False, after(closing, encoded)),
        "an epoch that hands over to others": (False, after(last, encoded[:2] + encoded[36:] + encoded[2:36])),
        "a descendant of another block": (False, receipt(0, [], certified(first, certificate(closing, three), [closing]), [])),
        "an entry of its neighbour's place": (False, receipt(1, [leaves[1]], certified(last, certificate(last, old)), [])),
        "above the end of the old epoch, the newer one": (False, extension(early, late, way, [proof])),
        "above the end of the old epoch, the older one": (False, extension(late, final, [], [proof])),
        "a block that closes an epoch, and does not stay":
            (False, extension(early, closed, to_three, [])),
        "a closing block, the older one": (False, extension(closed, final, [leaves[3]], [proof])),
        "the log turned round": (False, extension(final, early, way, [proof])),
    }
    for name, (good, data) in cases.items():
        file = folder / "case.proof"
        file.write_bytes(data)
        here, there = not refuses(client.check_file, data, genesis), outcome(kilter, genesis_file, file)
        assert here == there == good, f"{name}: {here} here, {there} there"
    print(f"epochs: the same verdict as kilter on {len(cases)} proofs, {sum(good for good, _ in cases.values())} of them true")
    check_flips("a receipt over two epochs", cases["an entry of the next epoch"][1], lambda data: client.check_file(data, genesis))


def check_states(genesis, receipts):
    blocks = {}
    for data in receipts:
        reader = client.Reader(data[17:])
        entry, _index, _path, header = client.parse_entry(reader.sized(4)), reader.number(8), reader.path(), reader.header()
        blocks.setdefault(header, []).append(entry)
    ledger, types = ledger_state.Ledger(genesis), set()
    for header, entries in blocks.items():  # in the log's order
        assert header.count == len(entries)
        ledger.block(header.time_ms, entries)
        assert ledger.root() == header.state_root, f"another state after height {header.height}"
        assert all(refuses(ledger.block, header.time_ms, [entry]) for entry in entries), "an entry comes twice"
        types.update(entry.type for entry in entries)
    print(f"state: the root that is certified after each of {len(blocks)} blocks, of entries of types {sorted(types)}")


def check_network(kilter, options):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        demo, genesis_file = folder / "demo", folder / "demo/genesis.bin"
        subprocess.run([kilter, "demo", "--homes", "5", "--intervals", "2", "--keep", "--dir", demo, *options], check=True, timeout=300,
                       stdout=subprocess.DEVNULL)
        genesis = client.Genesis(genesis_file.read_bytes())
        store = demo / "coordinator-0"
        shown = json.loads(subprocess.run([kilter, "log", "show", store, "--json"], check=True, timeout=60,
                                          stdout=subprocess.PIPE).stdout)
        assert shown["chain"] == genesis.chain.hex()

        def prove(what):
            file = folder / "a.proof"
            subprocess.run([kilter, "log", "prove", store, "--out", file, *what], check=True, timeout=60, stdout=subprocess.DEVNULL)
            data = file.read_bytes()
            client.check_file(data, genesis)
            return data

        logged = [entry for block in shown["blocks"] for entry in block["entries"]]
        receipts = [prove(["--id", entry["id"]]) for entry in logged]
        parsed = [client.parse_entry(client.Reader(data[17:]).sized(4)) for data in receipts]
        assert [one.id.hex() for one in parsed] == [entry["id"] for entry in logged]
        top = len(shown["blocks"])
        extensions = [prove(["--consistent", str(low), str(high)]) for low in range(1, top, 2) for high in (low, low + 1, top)]
        print(f"demo: {len(receipts)} receipts and {len(extensions)} consistency proofs of {top} blocks hold")
        for kind, data in (("the shortest receipt", min(receipts, key=len)), ("a consistency proof", extensions[-1])):
            check_flips(kind, data, lambda one: client.check_file(one, genesis))
        check_states(genesis, receipts)
        signers = [Signer(bytes.fromhex((demo / f"coordinator-{i}/key").read_text())) for i in range(4)]
        assert [one.key for one in signers] == genesis.members.keys
        check_epochs(kilter, folder, genesis_file, genesis, [one.bytes for one in parsed], signers)


if __name__ == "__main__":
    check_network(sys.argv[1], sys.argv[2:])
