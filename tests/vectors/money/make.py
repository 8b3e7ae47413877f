#!/usr/bin/env python3
"""Writes pedersen.txt with nothing but RFC 9496's formulas, apart from kilter's code and libsodium.

    python3 make.py > pedersen.txt
"""
import hashlib

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)


def negative(x):
    return x & 1


def absolute(x):
    return (P - x) % P if negative(x) else x


def sqrt_ratio(u, v):
    r = u * v**3 * pow(u * v**7, (P - 5) // 8, P) % P
    check = v * r * r % P
    correct, flipped = check == u % P, check == -u % P
    flipped_i = check == -u * SQRT_M1 % P
    if flipped or flipped_i:
        r = r * SQRT_M1 % P
    return correct or flipped, absolute(r)


INVSQRT_A_MINUS_D = sqrt_ratio(1, (-1 - D) % P)[1]
SQRT_AD_MINUS_ONE = P - sqrt_ratio((-D - 1) % P, 1)[1]  # the odd root, as in section 4.1


def add(a, b):
    (x1, y1), (x2, y2) = a, b
    k = D * x1 * x2 * y1 * y2 % P
    return ((x1 * y2 + y1 * x2) * pow(1 + k, P - 2, P) % P, (y1 * y2 + x1 * x2) * pow(1 - k, P - 2, P) % P)


def multiply(n, point):
    out = (0, 1)
    for bit in bin(n % L)[2:]:
        out = add(out, out)
        if bit == "1":
            out = add(out, point)
    return out


def encode(point):
    x0, y0 = point
    z0, t0 = 1, x0 * y0 % P
    u1, u2 = (z0 + y0) * (z0 - y0) % P, x0 * y0 % P
    invsqrt = sqrt_ratio(1, u1 * u2 * u2)[1]
    den1, den2 = invsqrt * u1 % P, invsqrt * u2 % P
    z_inv = den1 * den2 * t0 % P
    if negative(t0 * z_inv % P):
        x, y, den = y0 * SQRT_M1 % P, x0 * SQRT_M1 % P, den1 * INVSQRT_A_MINUS_D % P
    else:
        x, y, den = x0, y0, den2
    if negative(x * z_inv % P):
        y = -y % P
    return absolute(den * (z0 - y) % P).to_bytes(32, "little")


def elligator(r0):
    r = SQRT_M1 * r0 * r0 % P
    u = (r + 1) * (1 - D * D) % P
    v = (-1 - r * D) * (r + D) % P
    square, s = sqrt_ratio(u, v)
    c = -1
    if not square:
        s, c = -absolute(s * r0 % P) % P, r
    n = (c * (r - 1) * (D - 1) ** 2 - v) % P
    w0, w1, w2, w3 = 2 * s * v % P, n * SQRT_AD_MINUS_ONE % P, (1 - s * s) % P, (1 + s * s) % P
    return (w0 * pow(w1, P - 2, P) % P, w2 * pow(w3, P - 2, P) % P)


def from_hash(wide):
    halves = [int.from_bytes(wide[i : i + 32], "little") % 2**255 % P for i in (0, 32)]
    return add(elligator(halves[0]), elligator(halves[1]))


Y = 4 * pow(5, P - 2, P) % P
X = absolute(sqrt_ratio(Y * Y - 1, D * Y * Y + 1)[1])
BASE = (X, Y)
H = from_hash(hashlib.blake2b(b"blinding", digest_size=64, person=b"kilter pedersen").digest())


def scalar(n):
    return (n % L).to_bytes(32, "little").hex()


print("base", encode(BASE).hex())
print("blinding", encode(H).hex())
for i, energy in enumerate([0, 1, -1, 250, -5000, 2**40, -(2**40), 123456789]):
    wide = hashlib.blake2b(b"vector %d" % i, digest_size=64).digest()
    r = int.from_bytes(wide, "little") % L if i else 0
    point = add(multiply(energy, BASE), multiply(r, H))
    print("commit", energy, scalar(r), encode(point).hex())
