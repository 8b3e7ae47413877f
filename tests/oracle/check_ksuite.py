#!/usr/bin/env python3
"""Checks a K-suite instance and its claimed optimum with a solver that knows nothing of kilter.

    check_ksuite.py PROBLEM.json            checks a file written by `kilter bench ksuite --problem PROBLEM.json`
    check_ksuite.py --run KILTER ARGUMENT…  runs that command with --problem added, and checks what it wrote

One linear program over all devices, nets and intervals, with the phases of every line of alternating current. Quadratic
costs and losses enter as tangents, added where the solution violates them, until the largest violation is negligible;
every round is a relaxation, so its value is a lower bound. Exit code 1 when the claim is off by more than 1e-3, 77
(skipped) without numpy or scipy.
"""
import json
import os
import subprocess
import sys
import tempfile

try:
    import numpy as np
    from scipy.optimize import linprog
    from scipy.sparse import coo_matrix
except ImportError:
    print("numpy and scipy are not installed: skipped")
    sys.exit(77)

TOLERANCE = 1e-3


class Program:
    """Variables with bounds and costs, rows of equalities and inequalities."""

    def __init__(self):
        self.cost, self.low, self.high = [], [], []
        self.rows = {"eq": ([], [], [], []), "ub": ([], [], [], [])}

    def variables(self, count, low, high, cost=0.0):
        first = len(self.cost)
        self.cost += [cost] * count
        self.low += [low] * count
        self.high += [high] * count
        return np.arange(first, first + count)

    def add(self, kind, terms, right):
        row, column, value, rights = self.rows[kind]
        for index, factor in terms:
            row.append(len(rights))
            column.append(index)
            value.append(factor)
        rights.append(right)

    def solve(self):
        def matrix(kind):
            row, column, value, rights = self.rows[kind]
            return coo_matrix((value, (row, column)), shape=(len(rights), len(self.cost))).tocsr(), np.array(rights)

        a_eq, b_eq = matrix("eq")
        a_ub, b_ub = matrix("ub")
        found = linprog(self.cost, A_ub=a_ub, b_ub=b_ub, A_eq=a_eq, b_eq=b_eq,
                        bounds=list(zip(self.low, self.high)), method="highs")
        if found.status != 0:
            sys.exit(f"the linear program was not solved: {found.message}")
        return found


def build(problem):
    steps, nets = problem["intervals"], problem["nets"]
    program = Program()
    balance = [[[] for _ in range(steps)] for _ in range(nets)]  # terms that flow into devices
    fixed = np.zeros((nets, steps))
    curves = []  # (x, y, k, per): k x² ≤ y, tangents of which are added

    g = problem["generators"]
    for i, net in enumerate(g["net"]):
        p = program.variables(steps, g["power_min_kw"][i], g["power_max_kw"][i], g["linear"][i])
        q = program.variables(steps, 0, None, g["quadratic"][i])  # ≥ p²
        for t in range(steps):
            balance[net][t].append((p[t], -1))
            curves.append((p[t], q[t], 1.0))
            if t:
                program.add("ub", [(p[t], 1), (p[t - 1], -1)], g["ramp_kw"][i])
                program.add("ub", [(p[t], -1), (p[t - 1], 1)], g["ramp_kw"][i])
    b = problem["batteries"]
    for i, net in enumerate(b["net"]):
        x = program.variables(steps, -b["power_max_kw"][i], b["power_max_kw"][i])
        e = program.variables(steps, 0, b["energy_max_kw_intervals"][i])
        for t in range(steps):
            balance[net][t].append((x[t], 1))
            program.add("eq", [(e[t], 1), (x[t], -1)] + ([(e[t - 1], -1)] if t else []), 0)
    d = problem["deferrable"]
    for i, net in enumerate(d["net"]):
        window = range(d["first"][i], d["last"][i] + 1)
        x = program.variables(len(window), 0, d["power_max_kw"][i])
        program.add("ub", [(v, -1) for v in x], -d["energy_kw_intervals"][i])
        for v, t in zip(x, window):
            balance[net][t].append((v, 1))
        fixed[net] += d["fixed_kw"][i]
    c = problem["curtailable"]
    constant = 0.0
    for i, net in enumerate(c["net"]):
        x = program.variables(steps, 0, c["wanted_kw"][i], -c["penalty"][i])
        constant += steps * c["penalty"][i] * c["wanted_kw"][i]
        for t in range(steps):
            balance[net][t].append((x[t], 1))
        fixed[net] += c["fixed_kw"][i]
    lines = problem["lines"]
    theta = program.variables(nets * steps, -10, 10).reshape(nets, steps)
    for i, (a, z) in enumerate(zip(lines["from"], lines["to"])):
        k, capacity, kappa = lines["loss_per_kw"][i], lines["capacity_kw"][i], lines["phase_rad_per_kw"][i]
        f = program.variables(steps, -capacity, capacity)
        s = program.variables(steps, 0, k * capacity**2)
        for t in range(steps):
            balance[a][t] += [(s[t], 0.5), (f[t], 1)]
            balance[z][t] += [(s[t], 0.5), (f[t], -1)]
            curves.append((f[t], s[t], k))
            if kappa > 0:
                program.add("eq", [(theta[a][t], 1), (theta[z][t], -1), (f[t], -kappa)], 0)
    for net in range(nets):
        for t in range(steps):
            program.add("eq", balance[net][t], -fixed[net][t])
    return program, curves, constant


def solve(problem):
    program, curves, constant = build(problem)
    x = np.array([c[0] for c in curves])
    y = np.array([c[1] for c in curves])
    k = np.array([c[2] for c in curves])

    def tangent(i, at):  # k at² + 2 k at (x − at) ≤ y
        program.add("ub", [(x[i], 2 * k[i] * at), (y[i], -1)], k[i] * at * at)

    high = np.array([program.high[i] for i in x])
    for i in range(len(curves)):
        for part in (-0.5, 0.05, 0.5) if program.low[x[i]] < 0 else (0.1, 0.3, 0.8):
            tangent(i, part * high[i])
    value = 0.0
    for round_number in range(1, 40):
        found = program.solve()
        missed = k * found.x[x] ** 2 - found.x[y]
        worse = np.nonzero(missed > 1e-5 * k * high**2)[0]
        before, value = value, found.fun + constant
        print(f"round {round_number}: lower bound {value:.6f}, {len(worse)} curves off")
        if len(worse) == 0 or (round_number > 1 and value - before < 1e-6 * value):
            return value
        for i in worse:
            tangent(i, found.x[x[i]])
    sys.exit("the tangents did not settle")


def main():
    if sys.argv[1] == "--run":
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "problem.json")
            subprocess.run(sys.argv[2:] + ["--problem", file], check=True)
            with open(file, encoding="utf-8") as source:
                problem = json.load(source)
    else:
        with open(sys.argv[1], encoding="utf-8") as source:
            problem = json.load(source)
    exact = solve(problem)
    claimed = problem["objective"]
    error = claimed / exact - 1
    print(f"claimed {claimed:.6f}, exact {exact:.6f}, relative difference {error:.2e}")
    sys.exit(0 if abs(error) <= TOLERANCE else 1)


main()
