#!/usr/bin/env python3
"""An outsider's check of `kilter simulate --json FILE`: reads the problem and the result, trusts neither, uses none of
kilter's code. docs/simulate-json.md describes the file. Needs python3-numpy and python3-scipy; exits 77 without them.

For every cleared session:
  1. every home's schedule is one its load, panels and battery can follow (least distance to its set, an LP);
  2. the network, with what the homes then draw, keeps its voltage band, line ratings and tie limits (to --tolerance);
  3. reported objective, voltages, flows and import follow from the schedules;
  4. the duality gap. With prices y every net's, X_i home i's set, D the network's set and F its convex cost,
         g(y) = sum_i min_{x in X_i} y.x + min_{d in D} (F(d) - y.d)   <=   optimum   <=   cost of a feasible schedule,
     each minimum an LP (F by tangents, added until exact; D cut to what the homes of each net can draw at all, which
     cuts no optimum off: g stays a lower bound). The gap is cost - g, in % of the cost. With
     losses D is the second-order cone relaxation by tangent planes (branch_flow.py), and F exact; of an unbalanced
     feeder it is the linear set in the file. The certificate that the session published must be no less;
  5. prices against an exact central solution: the whole problem as one LP/QP (tangents on the quadratic tie cost, added
     until exact), whose net duals are compared where they are unique (where a second solution with perturbed data
     agrees).
Exit: 0 all good, 1 a check failed, 2 not a file of this kind, 77 scipy missing."""
import argparse
import json
import subprocess
import sys

try:
    import numpy as np
    import scipy.sparse as sp
    from scipy.optimize import linprog
except ImportError as missing:
    print(f"skipped: {missing}; install python3-scipy", file=sys.stderr)
    sys.exit(77)


from branch_flow import LossyFeeder


class Tie:
    """What the feeder's import costs, per interval and in all, and one kW more of it."""

    def cost_each(self, imported):
        return self.hours * (self.price * imported + self.slope / 2 * imported ** 2)

    def cost(self, imported):
        return float(self.cost_each(imported).sum())

    def marginal(self, imported):
        return self.hours * (self.price + self.slope * imported)


class PhaseFeeder(Tie):
    """An unbalanced feeder as the linear set the session kept: low_t <= effect d_t <= high_t. What the nonlinear flow says
    of that set is in the file too; the set itself is held against published voltages elsewhere (test_common_powerflow)."""

    def __init__(self, session, network, hours):
        given = session["phases"]["set"]
        unbounded = lambda rows, sign: np.array([[sign * np.inf if v is None else v for v in row] for row in rows], float)
        self.hours = hours
        self.effect, self.names = matrix(given["effect"]), given["names"]
        self.low, self.high = unbounded(given["low"], -1), unbounded(given["high"], 1)
        self.fixed_p = np.array(given["import_kw"])[None, :]
        self.price = np.array(session["feeder"]["tie_price_eur_per_kwh"])
        self.slope = network["tie"]["slope_eur_per_kwh_kw"]
        self.norm = np.linalg.norm(self.effect, axis=1)

    def imported(self, d):
        return self.fixed_p[0] + d.sum(0)

    def violation(self, d):
        """The worst limit overstepped, kW of distance: rows scaled to norm 1."""
        flow = self.effect @ d
        over = np.maximum(flow - self.high, self.low - flow) / self.norm[:, None]
        return max(over.max(), 0)

    def limits(self, t):
        A = np.vstack([self.effect, -self.effect])
        b = np.concatenate([self.high[:, t], -self.low[:, t]])
        keep = np.isfinite(b) & np.any(A != 0, axis=1)
        scale = np.abs(A[keep]).max(axis=1)
        return A[keep] / scale[:, None], b[keep] / scale

    nets = property(lambda self: self.effect.shape[1])


def matrix(rows):
    return np.array(rows, float)


class Feeder(Tie):
    """Linear branch flow: flows and voltages as affine functions of what the nets' homes draw. Built from the data."""

    def __init__(self, network, feeder, hours):
        self.hours = hours
        buses, branches = network["buses"], network["branches"]
        self.fixed_p, self.fixed_q = matrix(feeder["fixed_p_kw"]), matrix(feeder["fixed_q_kvar"])
        self.price = np.array(feeder["tie_price_eur_per_kwh"])
        self.slope = network["tie"]["slope_eur_per_kwh_kw"]
        n, m = len(buses), len(branches)
        parent = {b["to"]: k for k, b in enumerate(branches)}           # bus -> the branch it hangs on
        behind = np.zeros((m, n))                                       # branch carries the bus
        for bus in range(n):
            at = bus
            while at != network["root"]:
                behind[parent[at], bus] = 1
                at = branches[parent[at]]["from"]
        r = np.array([b["r_ohm"] for b in branches])
        x = np.array([b["x_ohm"] for b in branches])
        scale = 2 / (1000 * network["base_kv"] ** 2)
        at_net = np.zeros((n, len(network["nets"])))
        for k, net in enumerate(network["nets"]):
            at_net[net["bus"], k] = 1
        self.flow_of = behind @ at_net                                  # kW on the branch per kW at the net
        self.flow_fixed = behind @ self.fixed_p
        self.flow_q = behind @ self.fixed_q
        self.drop_of = scale * behind.T @ (r[:, None] * self.flow_of)   # v at the bus falls by this per kW at the net
        self.v_fixed = (network["v_root_pu"] ** 2 - scale * behind.T @ (r[:, None] * self.flow_fixed)
                        - scale * behind.T @ (x[:, None] * self.flow_q))
        self.v_low = np.array([b["v_min_pu"] for b in buses]) ** 2
        self.v_high = np.array([b["v_max_pu"] for b in buses]) ** 2
        rating = np.array([np.inf if b["rating_kva"] is None else b["rating_kva"] for b in branches])
        with np.errstate(invalid="ignore"):
            self.flow_max = np.sqrt(np.maximum(0, rating[:, None] ** 2 - self.flow_q ** 2))
        limit = lambda key: np.inf if network["tie"][key] is None else network["tie"][key]
        self.import_max, self.export_max = limit("import_max_kw"), limit("export_max_kw")
        self.root = network["root"]

    nets = property(lambda self: self.flow_of.shape[1])

    def state(self, d):
        v = self.v_fixed - self.drop_of @ d
        return np.sqrt(np.maximum(v, 0)), self.flow_fixed + self.flow_of @ d, self.fixed_p.sum(0) + d.sum(0)

    def violation(self, d):
        """The worst limit overstepped: voltage in pu, power in kW."""
        v, flow, imported = self.state(d)
        volts = max((np.sqrt(self.v_low)[:, None] - v).max(), (v - np.sqrt(self.v_high)[:, None]).max(), 0)
        kw = max((np.abs(flow) - self.flow_max).max(initial=0), (imported - self.import_max).max(),
                 (-imported - self.export_max).max(), 0)
        return volts, kw

    def limits(self, t):
        """A d <= b for interval t; rows that cannot bind (infinite) left out."""
        total = np.ones((1, self.flow_of.shape[1]))
        fixed = self.fixed_p[:, t].sum()
        A = np.vstack([self.drop_of, -self.drop_of, self.flow_of, -self.flow_of, total, -total])
        b = np.concatenate([self.v_fixed[:, t] - self.v_low, self.v_high - self.v_fixed[:, t],
                            self.flow_max[:, t] - self.flow_fixed[:, t], self.flow_max[:, t] + self.flow_fixed[:, t],
                            [self.import_max - fixed, self.export_max + fixed]])
        keep = np.isfinite(b) & np.any(A != 0, axis=1)
        return A[keep], b[keep]


def home_constraints(home, hours):
    """Variables [u (PV used), b (battery)] per interval: bounds, and the battery's energy as A z <= c."""
    T = len(home["load_kw"])
    pv, battery = np.array(home["pv_available_kw"]), home["battery"]
    power = battery["power_max_kw"]
    bounds = [(0, p) for p in pv] + [(-power, power)] * T
    if power == 0:
        return bounds, np.zeros((0, 2 * T)), np.zeros(0)
    energy = np.tril(np.full((T, T), hours))
    none = np.zeros((T, T))
    start, most = battery["energy_start_kwh"], battery["energy_max_kwh"]
    A = np.vstack([np.hstack([none, energy]), np.hstack([none, -energy]), np.hstack([none, -energy])[-1:]])
    c = np.concatenate([np.full(T, most - start), np.full(T, start), [start - battery["energy_end_min_kwh"]]])
    return bounds, A, c


def solve(c, A=None, b=None, bounds=(None, None), A_eq=None, b_eq=None):
    answer = linprog(c, A_ub=A, b_ub=b, A_eq=A_eq, b_eq=b_eq, bounds=bounds, method="highs")
    if answer.status != 0:
        raise RuntimeError(answer.message)
    return answer


def home_minimum(home, hours, y):
    """min y.x over the home's set."""
    bounds, A, c = home_constraints(home, hours)
    cost = np.concatenate([-y, y])
    best = solve(cost, A if len(A) else None, c if len(c) else None, bounds)
    return float(y @ np.array(home["load_kw"])) + best.fun


def home_distance(home, hours):
    """How far the schedule is from the home's set, kW in the worst interval."""
    T = len(home["load_kw"])
    bounds, A, c = home_constraints(home, hours)
    gap = np.array(home["schedule_kw"]) - np.array(home["load_kw"])      # = b - u, up to s
    one = np.eye(T)
    rows = sp.csr_matrix(np.vstack([np.hstack([-one, one, -np.ones((T, 1))]), np.hstack([one, -one, -np.ones((T, 1))]),
                                    np.hstack([A, np.zeros((len(A), 1))])]))
    rhs = np.concatenate([gap, -gap, c])
    return solve(np.append(np.zeros(2 * T), 1), rows, rhs, bounds + [(0, None)]).fun


def reach(homes, nets):
    """What the homes of each net can draw at least and at most: nets x intervals."""
    low = np.zeros((nets, len(homes[0]["load_kw"])))
    high = low.copy()
    for home in homes:
        load, power = np.array(home["load_kw"]), home["battery"]["power_max_kw"]
        low[home["net"]] += load - np.array(home["pv_available_kw"]) - power
        high[home["net"]] += load + power
    return low, high


def feeder_minimum(feeder, y, imported, low, high):
    """min F(d) - y.d over the network's set within the homes' reach; F from below by tangents, the first at the cleared
    import, until they are as good as F."""
    fixed = feeder.fixed_p.sum(0)
    value = 0.
    for t in range(y.shape[1]):
        cost = lambda at: feeder.cost_each(at)[t]
        A, b = feeder.limits(t)
        A = np.hstack([A, np.zeros((len(A), 1))])
        box = np.vstack([np.column_stack([low[:, t], high[:, t]]), [-np.inf, np.inf]])
        at = np.array(imported, float)
        for _ in range(60):
            marginal = feeder.marginal(at)[t]                           # cost >= F(at) + F'(at) (fixed + sum d - at)
            A = np.vstack([A, np.append(np.full(len(y), marginal), -1)])
            b = np.append(b, marginal * (at[t] - fixed[t]) - cost(at))
            best = solve(np.append(-y[:, t], 1), A, b, box)
            at[t] = fixed[t] + best.x[:-1].sum()
            if cost(at) - best.x[-1] <= 1e-7 * max(abs(cost(at)), 1e-3):
                break
        value += best.fun
    return value


def lossy_minimum(feeder, y, d, low, high):
    """min F(P0) - y.d over the relaxation within the homes' reach."""
    P, Q, _, v, imported = feeder.flows(d)
    T = y.shape[1]
    _, _, low_bound, high_bound, width = feeder.programme(T)
    for t in range(T):
        low_bound[t * width:t * width + len(y)] = low[:, t]
        high_bound[t * width:t * width + len(y)] = high[:, t]
    cost = np.zeros(T * width)
    for t in range(T):
        cost[t * width:t * width + len(y)] = -y[:, t]
    return feeder.minimise(cost, (P, Q, v, imported), bounds=(low_bound, high_bound))[0]


def lossy_central(session, feeder, hours, d, tilt=None):
    """The whole problem over the relaxation: optimum, net duals in EUR/kW."""
    homes, nets, T = session["home"], len(feeder.net_bus), len(feeder.price)
    width = feeder.programme(T)[4]
    start = width * T
    columns = start + 2 * T * len(homes)
    balance, load = sp.lil_matrix((nets * T, columns)), np.zeros(nets * T)
    bounds, ub, rhs = [], [], []
    for net in range(nets):
        for t in range(T):
            balance[net * T + t, t * width + net] = 1
    for i, home in enumerate(homes):
        own, A, c = home_constraints(home, hours)
        bounds += own
        at = start + 2 * T * i
        if len(A):
            block = sp.lil_matrix((len(A), columns))
            block[:, at:at + 2 * T] = A
            ub.append(block.tocsr())
            rhs.append(c)
        for t in range(T):
            row = home["net"] * T + t
            balance[row, at + t], balance[row, at + T + t] = 1, -1
            load[row] += home["load_kw"][t]
    cost = np.zeros(columns)
    if tilt is not None:
        cost[start:] += tilt
    P, Q, _, v, imported = feeder.flows(d)
    value, _, duals, _ = feeder.minimise(cost, (P, Q, v, imported), (
        balance.tocsr(), load, sp.vstack(ub, format="csr") if ub else None, np.concatenate(rhs) if rhs else None, bounds))
    return value, duals[-nets * T:].reshape(nets, T)


def central(session, feeder, hours, tilt=None):
    """The whole problem as one LP with tangents on the tie's quadratic cost, refined until exact. Net duals, EUR/kW."""
    homes, nets = session["home"], feeder.nets
    T = len(feeder.price)
    per_home = 2 * T
    n_d, n_h = nets * T, per_home * len(homes)                           # variables: d, homes', cost per interval
    n = n_d + n_h + T
    bounds, ub, rhs = [(None, None)] * n_d, [], []
    balance = sp.lil_matrix((n_d, n))                                    # d_net - sum (b - u) = sum load
    load = np.zeros(n_d)
    for net in range(nets):
        for t in range(T):
            balance[net * T + t, net * T + t] = 1
    for i, home in enumerate(homes):
        own, A, c = home_constraints(home, hours)
        bounds += own
        if len(A):
            block = sp.lil_matrix((len(A), n))
            block[:, n_d + i * per_home:n_d + (i + 1) * per_home] = A
            ub.append(block.tocsr()); rhs.append(c)
        for t in range(T):
            balance[home["net"] * T + t, n_d + i * per_home + t] = 1
            balance[home["net"] * T + t, n_d + i * per_home + T + t] = -1
            load[home["net"] * T + t] += home["load_kw"][t]
    bounds += [(None, None)] * T
    for t in range(T):
        A, b = feeder.limits(t)
        block = sp.lil_matrix((len(A), n))
        block[:, [net * T + t for net in range(nets)]] = A
        ub.append(block.tocsr()); rhs.append(b)
    objective = np.concatenate([np.zeros(n_d + n_h), np.ones(T)])
    if tilt is not None:
        objective[n_d:n_d + n_h] += tilt
    fixed = feeder.fixed_p.sum(0)
    tangents = [np.array(session["import_kw"]) + shift for shift in (-20., 0., 20.)]
    for _ in range(40):
        cuts, cut_rhs = [], []
        for at in tangents:                                              # cost_t >= F_t(at) + F_t'(at) (import - at)
            marginal = feeder.marginal(at)
            block = sp.lil_matrix((T, n))
            for t in range(T):
                block[t, [net * T + t for net in range(nets)]] = marginal[t]
                block[t, n_d + n_h + t] = -1
            cuts.append(block.tocsr())
            value = hours * (feeder.price * at + feeder.slope / 2 * at ** 2)
            cut_rhs.append(marginal * (at - fixed) - value)
        best = solve(objective, sp.vstack(ub + cuts).tocsr(), np.concatenate(rhs + cut_rhs), bounds,
                     balance.tocsr(), load)
        d = best.x[:n_d].reshape(nets, T)
        imported = fixed + d.sum(0)
        true_cost = feeder.cost(imported)
        if true_cost - best.x[n_d + n_h:].sum() <= 1e-7 * abs(true_cost) or feeder.slope == 0:
            break
        tangents.append(imported)
    return true_cost, best.eqlin.marginals.reshape(nets, T)


class Verdict:
    def __init__(self):
        self.good = True

    def expect(self, ok, text):
        print(("  ok    " if ok else "  WRONG ") + text)
        self.good &= bool(ok)


def check(session, network, hours, args, verdict):
    phases = "phases" in session
    lossy = network["losses"] and not phases
    feeder = PhaseFeeder(session, network, hours) if phases else \
        (LossyFeeder if lossy else Feeder)(network, session["feeder"], hours)
    homes = session["home"]
    x = matrix([home["schedule_kw"] for home in homes])
    d = np.zeros((len(network["nets"]), x.shape[1]))
    for home, row in zip(homes, x):
        d[home["net"]] += row
    planned = matrix(session["delivery_kw"])
    y = matrix(session["price_eur_per_kwh"]) * hours
    print(f"session {session['interval']}: {session['outcome']} after {session['iterations']} iterations")

    far = max(home_distance(home, hours) for home in homes)
    verdict.expect(far <= 1e-6, f"every home can follow its schedule (worst distance {far:.1e} kW)")
    if phases:
        kw, planned_kw = feeder.violation(d), feeder.violation(planned)
        verdict.expect(planned_kw <= args.tolerance_plan, f"the feeder's plan keeps the limits of all phases (worst excess {planned_kw:.1e} kW)")
        verdict.expect(kw <= args.tolerance_kw, f"limits of all phases kept (worst excess {kw:.1e} kW)")
        imported = feeder.imported(d)
        told = []
    else:
        (volts, kw), planned_excess = feeder.violation(d), max(feeder.violation(planned))
        verdict.expect(planned_excess <= args.tolerance_plan, f"the feeder's plan keeps all limits (worst excess {planned_excess:.1e} pu or kW)")
        verdict.expect(volts <= args.tolerance_pu, f"voltage band kept (worst excess {volts:.1e} pu)")
        verdict.expect(kw <= args.tolerance_kw, f"line and tie limits kept (worst excess {kw:.1e} kW)")
        v, flow, imported = feeder.state(d)
        told = [("voltage_pu", v, session["voltage_pu"]), ("flow_kw", flow, session["flow_kw"]),
                ("import_kw", imported, session["import_kw"])]
    cost = feeder.cost(imported)
    for name, mine, theirs in told + [("objective", cost, session["objective"])]:
        off = np.abs(mine - np.array(theirs)).max()
        verdict.expect(off <= 1e-6 * max(1, np.abs(mine).max()), f"{name} follows from the schedules (off by {off:.1e})")

    miss = d - planned
    rms = float(np.sqrt((miss ** 2).sum() / ((len(homes) + len(d)) * d.shape[1])))
    verdict.expect(abs(rms - session["primal_residual_kw"]) <= 1e-6 + 1e-3 * rms + args.residual_slack,
                   f"imbalance {rms:.2e} kW RMS is the announced {session['primal_residual_kw']:.2e}")

    parts = [session["phases"][part] for part in ("energy", "congestion", "voltage")] if phases else \
        list(session["price_parts_eur_per_kwh"].values())
    off = float(np.abs(sum(matrix(part) for part in parts) * (1 / hours if phases else 1) - y / hours).max())
    verdict.expect(off <= args.max_part_error, f"energy, losses, congestion and voltage add up to the prices (off by {off:.1e} EUR/kWh)")

    paid = float(sum(y[home["net"]] @ row for home, row in zip(homes, x)))
    least = lossy_minimum(feeder, y, d, *reach(homes, len(d))) if lossy else \
        feeder_minimum(feeder, y, imported, *reach(homes, len(d)))
    bound = sum(home_minimum(home, hours, y[home["net"]]) for home in homes) + least
    gap = 100 * (cost - bound) / abs(cost)
    claimed = session["certificate"]["gap_eur"]
    verdict.expect(claimed is not None and claimed >= cost - bound - 1e-6 * abs(cost) - 1e-5,
                   f"certificate {claimed} EUR is no less than the gap at the same prices, {cost - bound:.5f} EUR"
                   if claimed is not None else f"certified ({session['certificate'].get('why_not')})")
    verdict.expect(abs(gap) <= args.max_gap, f"cost {cost:.4f} EUR, certified lower bound {bound:.4f}: gap {gap:.4f} % "
                   f"({100 * (cost - bound) / abs(paid):.3f} % of the {paid:.2f} EUR the homes pay)")

    if args.central:
        solver = (lambda **given: lossy_central(session, feeder, hours, d, **given)) if lossy else \
            (lambda **given: central(session, feeder, hours, **given))
        exact, duals = solver()
        _, again = solver(tilt=1e-7 * np.random.default_rng(1).standard_normal(2 * len(feeder.price) * len(homes)))
        # Either solution is as exact as its tangents: a fifth of what is asked of the prices.
        same = args.max_price_error / 500
        unique = np.abs(duals - again) <= same * np.abs(duals).max()
        if not unique.any():
            verdict.expect(False, "any prices are unique")
            return
        off = np.abs(y - duals)[unique] / np.abs(duals[unique]).clip(min=.01 * hours)
        print(f"  exact optimum {exact:.4f} EUR: cleared is {100 * (cost - exact) / abs(exact):.4f} % away")
        print(f"  prices where unique ({100 * unique.mean():.0f} % of nets and intervals): off by "
              f"{100 * np.median(off):.2f} % median, {100 * np.quantile(off, .95):.2f} % at the 95th percentile")
        verdict.expect(abs(cost - exact) <= args.max_gap / 100 * abs(exact), "cost is that of the exact optimum")
        verdict.expect(claimed is not None and cost - exact <= claimed + 1e-6 * abs(exact) + 1e-4,
                       f"the certificate holds: {cost - exact:.5f} EUR from the optimum")
        verdict.expect(np.quantile(off, .95) <= args.max_price_error / 100, "prices are the exact duals, at the 95th percentile")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", help="what --json wrote; omit with --run")
    parser.add_argument("--run", nargs=argparse.REMAINDER, help="the rest is a command that writes the JSON to stdout")
    parser.add_argument("--max-gap", type=float, default=.3, help="%% of the cost")
    parser.add_argument("--max-price-error", type=float, default=1., help="%% of the exact dual, 95th percentile")
    parser.add_argument("--max-part-error", type=float, default=2e-3, help="EUR/kWh, the worst net and interval")
    parser.add_argument("--tolerance-plan", type=float, default=1e-6, help="pu or kW by which the feeder's own plan may miss")
    parser.add_argument("--tolerance-pu", type=float, default=2e-4, help="by which the schedules may, an imbalance being left")
    parser.add_argument("--tolerance-kw", type=float, default=.5)
    parser.add_argument("--residual-slack", type=float, default=1e-5, help="kW: relaxation's part in the announced residual")
    parser.add_argument("--central", action="store_true", help="also solve the whole problem exactly and compare prices")
    args = parser.parse_args()
    try:
        if args.run:
            report = json.loads(subprocess.run(args.run, check=True, stdout=subprocess.PIPE).stdout)
        else:
            with open(args.file) as file:
                report = json.load(file)
        if report["format"] not in ("kilter-simulate-1", "kilter-simulate-three-phase-1"):
            raise KeyError("format")
    except (OSError, ValueError, KeyError, TypeError, subprocess.CalledProcessError) as wrong:
        print(f"{args.file or args.run}: not a result of kilter simulate --json: {wrong}", file=sys.stderr)
        return 2
    hours = report["parameters"]["interval_s"] / 3600
    verdict = Verdict()
    for session in [report] + report["later"]:
        check(session, report["network"], hours, args, verdict)
    print("all checks hold" if verdict.good else "at least one check FAILED")
    return 0 if verdict.good else 1


if __name__ == "__main__":
    sys.exit(main())
