#!/usr/bin/env python3
"""How `kilter bench market` compares with one central solve of the same instances by a solver that knows nothing of kilter.

    check_market.py FILE…                 checks files that `kilter bench market --problems DIRECTORY` wrote
    check_market.py --run KILTER ARG…     runs that command with --problems added, and checks what it wrote

One linear programme per instance: all homes, all branches, all intervals at once, from definitions alone (home_program.py,
linear branch flow); the tie's rising cost as tangents, added until the solution meets them, so its value is a lower bound and
at the end the optimum. Prints for each instance and mode: iterations, the cost's distance from the optimum, the prices'
from the exact duals (median and 95th percentile, over nets and intervals where a second solution with perturbed costs
has the same dual), and the session's processor time over the central solve's: HiGHS, interior point with crossover (its
simplex takes over ten times as long), the last solve alone, building the programme and looking for tangents not counted.
Exit: 0 all good, 1 cost off by more than 0.1 % or prices by more than --max-price-error, 77 without numpy or scipy."""
import argparse
import glob
import json
import os
import subprocess
import sys
import tempfile
import time

try:
    import numpy as np
    import scipy.sparse as sp
    from scipy.optimize import linprog
except ImportError as missing:
    print(f"skipped: {missing}; install python3-scipy", file=sys.stderr)
    sys.exit(77)

from home_program import HomeProgram

MAX_COST_ERROR = 1e-3
ROUNDS = 20


class Central:
    """Columns: every home's, then per net and interval what it draws, per branch the flow, per bus the squared voltage,
    per interval the import and its cost."""

    def __init__(self, problem):
        network, feeder, self.hours = problem["network"], problem["feeder"], problem["interval_h"]
        if network["losses"]:
            sys.exit("the feeder suite has linear feeders; this one has losses")
        self.homes = [HomeProgram(home, self.hours) for home in problem["home"]]
        self.at_home = np.cumsum([0] + [home.width for home in self.homes])
        fixed_p, fixed_q = (np.array(feeder[key], float) for key in ("fixed_p_kw", "fixed_q_kvar"))
        self.T = T = fixed_p.shape[1]
        buses, branches = network["buses"], network["branches"]
        n, m, self.nets = len(buses), len(branches), len(network["nets"])
        self.d = self.at_home[-1]
        flow, volt = self.d + self.nets * T, self.d + (self.nets + m) * T
        self.imported, self.cost_at = volt + n * T, volt + (n + 1) * T
        self.columns = self.cost_at + T
        self.price, self.slope = np.array(feeder["tie_price_eur_per_kwh"]), network["tie"]["slope_eur_per_kwh_kw"]

        span, triples, right = np.arange(T), [], []

        def rows(terms, rhs):
            first = sum(len(part) for part in right)
            for at, value in terms:
                triples.append((first + span, at + span, np.full(T, float(value))))
            right.append(np.asarray(rhs, float))

        reactive = fixed_q.copy()                                        # parents come first, so this adds up
        for k in range(m - 1, -1, -1):
            reactive[branches[k]["from"]] += reactive[branches[k]["to"]]
        scale = 2 / (1000 * network["base_kv"] ** 2)
        out = [[] for _ in range(n)]
        for k, branch in enumerate(branches):
            out[branch["from"]].append((flow + k * T, 1))
            out[branch["to"]].append((flow + k * T, -1))
        for k, net in enumerate(network["nets"]):
            out[net["bus"]].append((self.d + k * T, 1))
        out[network["root"]].append((self.imported, -1))
        for i in range(n):                                               # Kirchhoff
            rows(out[i], -fixed_p[i])
        for k, branch in enumerate(branches):
            rows([(volt + branch["to"] * T, 1), (volt + branch["from"] * T, -1), (flow + k * T, scale * branch["r_ohm"])],
                 -scale * branch["x_ohm"] * reactive[branch["to"]])
        network_rows = sum(len(part) for part in right)
        network_part = sp.csr_matrix((np.concatenate([t[2] for t in triples]),
                                      (np.concatenate([t[0] for t in triples]), np.concatenate([t[1] for t in triples]))),
                                     shape=(network_rows, self.columns))
        homes_part = sp.hstack([sp.block_diag([home.equal for home in self.homes]),
                                sp.csr_matrix((sum(len(home.right) for home in self.homes), self.columns - self.d))])
        load = np.zeros(self.nets * T)
        pieces = []
        for i, home in enumerate(self.homes):
            draws = home.draws.tocoo()
            net = problem["home"][i]["net"]
            pieces.append((draws.row + net * T, draws.col + self.at_home[i], -draws.data))
            load[net * T:(net + 1) * T] += home.base
        pieces.append((np.arange(self.nets * T), self.d + np.arange(self.nets * T), np.ones(self.nets * T)))
        balance = sp.csr_matrix((np.concatenate([p[2] for p in pieces]),
                                 (np.concatenate([p[0] for p in pieces]), np.concatenate([p[1] for p in pieces]))),
                                shape=(self.nets * T, self.columns))
        self.A = sp.vstack([homes_part, network_part, balance], format="csr")
        self.b = np.concatenate([home.right for home in self.homes] + right + [load])

        free = lambda count: (np.full(count, -np.inf), np.full(count, np.inf))
        limit = lambda key: np.inf if network["tie"][key] is None else network["tie"][key]
        rating = np.array([np.inf if b["rating_kva"] is None else b["rating_kva"] for b in branches])
        through = np.array([reactive[b["to"]] for b in branches])
        with np.errstate(invalid="ignore"):
            most = np.sqrt(np.maximum(0, rating[:, None] ** 2 - through ** 2)).ravel()
        low_v = np.repeat([b["v_min_pu"] ** 2 for b in buses], T)
        high_v = np.repeat([b["v_max_pu"] ** 2 for b in buses], T)
        root = network["root"]
        low_v[root * T:(root + 1) * T] = high_v[root * T:(root + 1) * T] = network["v_root_pu"] ** 2
        parts = [(np.concatenate([h.low for h in self.homes]), np.concatenate([h.high for h in self.homes])),
                 free(self.nets * T), (-most, most), (low_v, high_v),
                 (np.full(T, -limit("export_max_kw")), np.full(T, limit("import_max_kw"))), free(T)]
        self.low, self.high = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
        self.c = np.zeros(self.columns)
        self.c[:self.d] = np.concatenate([h.cost for h in self.homes])
        self.c[self.cost_at:] = 1

    def solve(self, tangents, tilt=None):
        """Optimum, net duals (EUR/kW), the imports at which tangents were taken, processor seconds of the last solve."""
        c = self.c.copy()
        if tilt is not None:
            c[:self.d] += tilt
        tangents, span = list(tangents), np.arange(self.T)
        for _ in range(ROUNDS):
            cuts, rhs = [], []
            for at in tangents:                                          # cost >= F(at) + F'(at) (import - at)
                marginal = self.hours * (self.price + self.slope * at)
                cuts.append(sp.csr_matrix((np.concatenate([marginal, -np.ones(self.T)]),
                                           (np.concatenate([span, span]),
                                            np.concatenate([self.imported + span, self.cost_at + span]))),
                                          shape=(self.T, self.columns)))
                rhs.append(self.hours * self.slope / 2 * at ** 2)
            before = time.process_time()
            best = linprog(c, A_ub=sp.vstack(cuts, format="csr"), b_ub=np.concatenate(rhs), A_eq=self.A, b_eq=self.b,
                           bounds=np.column_stack([self.low, self.high]), method="highs-ipm")
            spent = time.process_time() - before
            if best.status != 0:
                raise RuntimeError(best.message)
            imported = best.x[self.imported:self.imported + self.T]
            missed = float((self.hours * (self.price * imported + self.slope / 2 * imported ** 2)
                            - best.x[self.cost_at:]).sum())
            if missed <= 1e-6 * abs(best.fun):
                break
            tangents.append(imported)
        return best.fun + missed, best.eqlin.marginals[-self.nets * self.T:].reshape(self.nets, self.T), tangents, spent

    def imports(self, home_kw, problem):
        return np.array(problem["feeder"]["fixed_p_kw"], float).sum(0) + np.array(home_kw).sum(0)


def check(problem, args):
    central = Central(problem)
    peak = central.imports(problem["cleared"][0]["home_kw"], problem)
    start = [peak + shift * np.abs(peak).max() for shift in (-.02, 0, .02)]
    optimum, duals, tangents, spent = central.solve(start)
    tilt = 1e-7 * np.random.default_rng(1).standard_normal(central.d)
    _, again, _, _ = central.solve(tangents, tilt)
    unique = np.abs(duals - again) <= args.max_price_error / 500 * np.abs(duals).max()
    good = bool(unique.any())
    for run in problem["cleared"]:
        off = (run["objective_eur"] - optimum) / abs(optimum)
        y = np.array(run["price_eur_per_kwh"]) * central.hours
        price = (np.abs(y - duals)[unique] / np.abs(duals[unique]).clip(min=.01 * central.hours)
                 if unique.any() else np.full(1, np.nan))
        tail = np.quantile(price, .95)
        good &= abs(off) <= MAX_COST_ERROR and tail <= args.max_price_error / 100
        print(f"{problem['buses']:5d} {problem['seed']:4d}  {run['mode']:<12s} {run['iterations']:5d} {optimum:12.4f} "
              f"{100 * off:9.4f} {100 * unique.mean():7.0f} {100 * np.median(price):9.3f} {100 * tail:9.3f} "
              f"{run['cpu_s']:9.2f} {spent:9.2f} {run['cpu_s'] / spent:8.3f}", flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*")
    parser.add_argument("--run", nargs=argparse.REMAINDER, help="the rest is a kilter bench market command")
    parser.add_argument("--max-price-error", type=float, default=1., help="%% of the exact dual, 95th percentile")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        if args.run:
            subprocess.run(args.run + ["--problems", directory], check=True)
            args.files = sorted(glob.glob(os.path.join(directory, "market-*.json")),
                                key=lambda name: [int(part) for part in name[:-5].split("-")[-2:]])
        print("\nbuses seed  mode      iterations  optimum EUR  cost off  unique  prices off: median      95 %   "
              "CPU s: cleared, central, ratio\n" + " " * 46 + "%       %         %         %")
        good = True
        for name in args.files:
            with open(name) as file:
                problem = json.load(file)
            if problem.get("format") != "kilter-market-problem-1":
                print(f"{name}: not a file of kilter bench market --problems", file=sys.stderr)
                return 2
            good &= check(problem, args)
    print("all within the limits" if good else "at least one is off")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
