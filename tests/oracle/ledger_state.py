"""The state that entries of a log lead to, by docs/protocol/{log,identity}.md alone: what a compatible replica computes, for the
entries that a neighbourhood without a docket, neighbours or corrections has (types 1 to 6).

The state is a map of bytes to bytes. A block at time t executes its entries in order, each refused unless

    expires_ms ∈ [t, t + one day], its id and its semantic key are new to the log, its author may say it, and what it says follows

and then notes their ids under the second in which they expire. root() is what the block's header commits to.
"""
import struct

from light_client import CLEARING, H, Reader, ZEROS, demand, signed, statement

COORDINATOR, HOME, METER = 1, 2, 3
ROSTER_CHANGE, CLEARED_NET, METER_READS, POSITION, TIE_PRICES, BILL = 1, 2, 3, 4, 5, 6
DAY_MS, GRACE_MS, CHUNK = 86_400_000, 120_000, 64


def i64(value):
    return struct.pack("<q", value)


def u64(value):
    return struct.pack("<Q", value)


def trie_root(pairs, depth=0):
    """Of pairs (path, value) that share their first `depth` nibbles."""
    if len(pairs) < 2:
        return H("map", b"\0" + b"".join(pairs[0])) if pairs else ZEROS
    children = [[p for p in pairs if p[0][depth // 2] >> (0 if depth % 2 else 4) & 15 == i] for i in range(16)]
    return H("map", b"\1" + b"".join(trie_root(child, depth + 1) for child in children))


def map_root(content):
    return trie_root([(H("key", key), value) for key, value in content.items()])


class Certificate:
    def __init__(self, reader):
        begin = reader.at
        self.key, self.role, self.net, self.weight = reader.take(32), reader.number(1), reader.number(4), reader.number(4)
        self.endpoint, self.feeder, self.service_point = reader.sized(2, 256), reader.sized(1, 64), reader.take(16)
        self.valid_from_ms, self.valid_until_ms = reader.number(8, signed=True), reader.number(8, signed=True)
        self.bytes = reader.data[begin:reader.at]

    def valid_at(self, time_ms):
        return self.valid_from_ms <= time_ms < self.valid_until_ms


def series(reader):
    """First interval, net, roster epoch, and how many intervals; their commitments and masked openings are for an audit."""
    first, net, epoch, count = reader.number(8, signed=True), reader.number(4), reader.number(8), reader.number(2, 96)
    reader.take(72 * count)
    return first, net, epoch, count


class Ids:
    """The ids on the log, each until its expiry's second has passed; in version 1 of the rule `ledger` each has a pair of its own."""

    def __init__(self, time_ms, version=2):
        self.second, self.lists, self.version = time_ms // 1000, {}, version

    def block(self, time_ms, added):
        """added: (id, expires_ms), in the log's order."""
        for identity, expires_ms in added:
            self.lists.setdefault(expires_ms // 1000, []).append(identity)
        before, self.second = self.second, max(self.second, time_ms // 1000)
        self.lists = {second: ids for second, ids in self.lists.items() if not before <= second < self.second}

    def pairs(self):
        out = {b"time": u64(self.second)}
        out |= {b"idform": b""} if self.version > 1 else {b"id" + one: b"" for ids in self.lists.values() for one in ids}
        for second, ids in self.lists.items():
            chunks = [ids[i:i + CHUNK] for i in range(0, len(ids), CHUNK)]
            out[b"due" + i64(second)] = u64(len(chunks))
            out.update({b"due" + i64(second) + u64(i): b"".join(chunk) for i, chunk in enumerate(chunks)})
        return out


class Ledger:
    def __init__(self, genesis):
        self.chain, self.operator, self.validators = genesis.chain, genesis.operator, genesis.members.keys
        self.content, self.roster, self.epoch, self.left = {}, [], 0, []
        self.ids = Ids(genesis.not_before_ms, genesis.versions.get(b"ledger", 1))

    def root(self):
        return map_root({**self.content, **self.ids.pairs()})

    def block(self, time_ms, entries):
        self.time_ms = time_ms
        for entry in entries:
            demand(time_ms <= entry.expires_ms <= time_ms + DAY_MS, "expired, or good for more than a day")
            demand(all(entry.id not in ids for ids in self.ids.lists.values()), "on the log already")
            demand(not entry.key or b"key" + entry.key not in self.content, "its semantic key is on the log already")
            reader = Reader(entry.body)
            execute = {ROSTER_CHANGE: self.roster_change, CLEARED_NET: self.cleared_net, METER_READS: self.meter_reads,
                       POSITION: self.position, TIE_PRICES: self.tie_prices, BILL: self.bill}[entry.type]
            demand(entry.key == execute(entry.author, reader), "its semantic key does not name what is in it")
            reader.end()
            self.content[b"key" + entry.key] = entry.id
        self.ids.block(time_ms, [(entry.id, entry.expires_ms) for entry in entries])

    # Each executes one entry's body and returns its semantic key.

    def roster_change(self, author, reader):
        demand(author == self.operator, "not by the operator")
        epoch = reader.number(8)
        removals = [(reader.take(32), reader.number(1, 1)) for _ in range(reader.number(4))]
        grants = [Certificate(reader) for _ in range(reader.number(4))]
        demand(epoch == self.epoch + 1, "not the next epoch")
        demand(all(b"revoked" + grant.key not in self.content for grant in grants), "a key that was revoked")
        gone = {key for key, _ in removals}
        after = [one for one in self.roster if one.key not in gone]
        for grant in grants:
            places = [i for i, one in enumerate(after) if one.key == grant.key]
            after[places[0] if places else len(after):] = [grant] + (after[places[0] + 1:] if places else [])
        encoded = u64(epoch) + struct.pack("<I", len(after)) + b"".join(one.bytes for one in after)
        demand(H("roster", encoded) == reader.take(32), "not the roster that it names")
        demand(all(one.valid_at(self.time_ms) for one in after), "a certificate that is not valid")
        homes = {(one.key, one.net) for one in after}
        self.left = [one for one in self.left if self.time_ms <= one[3] + GRACE_MS] + [
            (one.key, one.net, epoch, self.time_ms) for one in self.roster if one.role == HOME and (one.key, one.net) not in homes]
        self.content[b"left"] = b"".join(struct.pack("<32sIQq", *one) for one in self.left)
        self.content[b"roster"], self.content[b"epoch"] = encoded, u64(epoch)
        for key in [key for key, revoked in removals if revoked]:
            number = int.from_bytes(self.content.get(b"revokedcount", b""), "little")
            self.content.update({b"revoked" + key: u64(epoch), b"revokednumber" + u64(number): key,
                                 b"revokedcount": u64(number + 1)})
        self.roster, self.epoch = after, epoch
        return b"roster|%d" % epoch

    def member(self, key, role):
        found = [one for one in self.roster if one.key == key and one.role == role]
        demand(found and found[0].valid_at(self.time_ms), "not by who may say it")
        return found[0]

    def cleared_net(self, author, reader):
        demand(author in self.validators, "not by a coordinator")
        interval, opening, net, epoch = struct.unpack("<qIIQ", reader.take(24))
        outcome, iteration, _residual = struct.unpack("<BIq", reader.take(13))
        demand(outcome in (1, 2) and 1 <= epoch <= self.epoch, "an outcome or a roster that there is not")
        prices = reader.number(2)
        terms = struct.pack("<qIIIH", interval, opening, net, iteration, prices) + reader.take(8 * prices)
        members = [(reader.take(32), reader.take(32), reader.take(64)) for _ in range(reader.number(2, 256))]
        demand(members and [one[0] for one in members] == sorted({one[0] for one in members}), "members not ascending by key")
        for key, commitment, signature in members:
            lately = any(one[:2] == (key, net) and epoch < one[2] and self.time_ms <= one[3] + GRACE_MS for one in self.left)
            demand(lately or self.member(key, HOME).net == net, "a home of another net")
            demand(signed(key, statement(CLEARING, self.chain, 0, 0, terms + commitment), signature), "a member did not sign")
        return b"cleared|%d|%d" % (interval, net)

    def metered(self, point):
        value = self.content.get(b"metered" + point)
        return list(struct.unpack("<qqq", value)) if value else None

    def meter_reads(self, author, reader):
        meter = self.member(author, METER)
        first, net, epoch, count = series(reader)
        begins, _qualities, _digest = reader.number(1, 1), reader.take(count), reader.take(32)
        demand(net == meter.net and 1 <= epoch <= self.epoch, "of another net, or a roster that there is not")
        known = self.metered(meter.service_point)
        demand(begins if not known else first == known[1] or begins and first > known[1] == known[2], "they do not continue")
        origin, _, billed = known if known and first == known[1] else (first, first, first)
        self.content[b"metered" + meter.service_point] = struct.pack("<qqq", origin, first + count, billed)
        return b"reads|" + author + i64(first)

    def position(self, author, reader):
        self.member(author, HOME)
        opening, (first, *_) = reader.number(4), series(reader)
        return b"position|" + author + i64(first) + struct.pack("<I", opening)

    def tie_prices(self, author, reader):
        demand(author in self.validators, "not by a coordinator")
        interval = reader.number(8, signed=True)
        reader.take(8 * reader.number(2))
        return b"tie|" + i64(interval)

    def bill(self, author, reader):
        home = self.member(author, HOME)
        first, intervals = reader.number(8, signed=True), reader.number(4)
        reader.take(3 * 40)  # charge, upstream, energy: an audit judges them
        known = self.metered(home.service_point)
        demand(known and known[2] == first and first + intervals <= known[1], "it does not follow the last bill, or its reads")
        self.content[b"metered" + home.service_point] = struct.pack("<qqq", known[0], known[1], first + intervals)
        return b"bill|" + author + i64(first)
