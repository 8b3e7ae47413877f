"""Branch flow with losses, for check_optimality.py: an outsider's power flow, and the second-order cone relaxation as a
linear programme whose cones are tangent planes, added where the solution overshoots them. Planes never cut off what the
cones admit, so every value it returns is a lower bound, and the optimum to the tolerance at the end."""
import numpy as np
import scipy.sparse as sp
from scipy.optimize import linprog

ROUNDS, OVERSHOOT_KW = 12, 1e-4


def scaled_linprog(c, ub, ub_rhs, eq, eq_rhs, bounds, unit):
    """linprog with columns in these units and every row's largest coefficient 1: squared currents and per-unit voltages
    are eight powers of ten apart, more than HiGHS takes."""
    def scaled(A, rhs):
        A = A @ sp.diags(unit)
        row = 1 / np.maximum(abs(A).max(axis=1).toarray().ravel(), 1e-300)
        return sp.diags(row) @ A, row * rhs, row
    (ub, ub_rhs, _), (eq, eq_rhs, row) = scaled(ub, ub_rhs), scaled(eq, eq_rhs)
    at = [(None if low is None else low / u, None if high is None else high / u) for (low, high), u in zip(bounds, unit)]
    for method in ("highs", "highs-ipm", "highs-ds"):
        best = linprog(c * unit, A_ub=ub, b_ub=ub_rhs, A_eq=eq, b_eq=eq_rhs, bounds=at, method=method)
        if best.status == 0:
            best.x, best.duals = best.x * unit, best.eqlin.marginals * row
            return best
    raise RuntimeError(best.message)


class LossyFeeder:
    def __init__(self, network, feeder, hours):
        self.hours, self.network = hours, network
        self.fixed_p, self.fixed_q = (np.array(feeder[key], float) for key in ("fixed_p_kw", "fixed_q_kvar"))
        self.price = np.array(feeder["tie_price_eur_per_kwh"])
        self.slope = network["tie"]["slope_eur_per_kwh_kw"]
        self.buses, self.branches, self.root = network["buses"], network["branches"], network["root"]
        scale = 1000 * network["base_kv"] ** 2
        self.r = np.array([b["r_ohm"] for b in self.branches]) / scale
        self.x = np.array([b["x_ohm"] for b in self.branches]) / scale
        self.turn = np.array([b["ratio"] for b in self.branches]) ** -2.0
        self.half = np.array([b["charging_kvar"] for b in self.branches]) / 2
        self.g = np.array([b["shunt_p_kw"] for b in self.buses])
        self.b = np.array([b["shunt_q_kvar"] for b in self.buses])
        self.v_root = network["v_root_pu"] ** 2
        self.v_low = np.array([b["v_min_pu"] for b in self.buses]) ** 2
        self.v_high = np.array([b["v_max_pu"] for b in self.buses]) ** 2
        self.rating = np.array([np.inf if b["rating_kva"] is None else b["rating_kva"] for b in self.branches])
        limit = lambda key: np.inf if network["tie"][key] is None else network["tie"][key]
        self.import_max, self.export_max = limit("import_max_kw"), limit("export_max_kw")
        self.net_bus = [net["bus"] for net in network["nets"]]
        for k, branch in enumerate(self.branches):                       # a line's charging belongs to its buses
            self.b[branch["to"]] += self.half[k]
            self.b[branch["from"]] += self.half[k] * self.turn[k]

    def flows(self, d):
        """P, Q, l (branches x intervals), v (buses x intervals) and the import, by sweeps until nothing moves."""
        n, m, T = len(self.buses), len(self.branches), d.shape[1]
        v, l = np.full((n, T), self.v_root), np.zeros((m, T))
        P, Q = np.zeros((m, T)), np.zeros((m, T))
        for _ in range(500):
            p, q = self.fixed_p + self.g[:, None] * v, self.fixed_q - self.b[:, None] * v
            for net, bus in enumerate(self.net_bus):
                p[bus] += d[net]
            for k in range(m - 1, -1, -1):
                a, b = self.branches[k]["from"], self.branches[k]["to"]
                P[k], Q[k] = p[b] + self.r[k] * l[k], q[b] + self.x[k] * l[k]
                p[a] += P[k]
                q[a] += Q[k]
            before = v.copy()
            for k, branch in enumerate(self.branches):
                vs = self.turn[k] * v[branch["from"]]
                l[k] = (P[k] ** 2 + Q[k] ** 2) / vs
                v[branch["to"]] = vs - 2 * (self.r[k] * P[k] + self.x[k] * Q[k]) + (self.r[k] ** 2 + self.x[k] ** 2) * l[k]
            if np.abs(v - before).max() < 1e-14:
                break
        return P, Q, l, v, p[self.root]

    def state(self, d):
        P, _, _, v, imported = self.flows(d)
        return np.sqrt(np.maximum(v, 0)), P, imported

    def cost(self, imported):
        return self.hours * float((self.price * imported + self.slope / 2 * imported ** 2).sum())

    def marginal(self, imported):
        return self.hours * (self.price + self.slope * imported)

    def violation(self, d):
        P, Q, l, v, imported = self.flows(d)
        volts = max((np.sqrt(self.v_low)[:, None] - np.sqrt(v)).max(), (np.sqrt(v) - np.sqrt(self.v_high)[:, None]).max(), 0)
        vs = self.turn[:, None] * v[[b["from"] for b in self.branches]]
        near = np.hypot(P, Q - self.half[:, None] * vs)
        kw = max((near - self.rating[:, None]).max(initial=0), (imported - self.import_max).max(),
                 (-imported - self.export_max).max(), 0)
        return volts, kw

    def programme(self, T):
        """Columns per interval: d, P, Q, l (per branch), v (per bus), P0. Equalities A z = b and bounds, all intervals."""
        n, m, nets = len(self.buses), len(self.branches), len(self.net_bus)
        width = nets + 3 * m + n + 1
        P, Q, L, V = (nets + i * m for i in range(4))
        A, low, high = sp.lil_matrix((2 * n + m + 1, width)), np.full(width, -np.inf), np.full(width, np.inf)
        for i in range(n):                                               # Kirchhoff at the buses; Q0 stays free
            A[i, V + i], A[n + i, V + i] = self.g[i], -self.b[i]
        for net, bus in enumerate(self.net_bus):
            A[bus, net] = 1
        for k, branch in enumerate(self.branches):
            a, b, r, x = branch["from"], branch["to"], self.r[k], self.x[k]
            A[a, P + k], A[n + a, Q + k] = 1, 1
            A[b, P + k], A[b, L + k], A[n + b, Q + k], A[n + b, L + k] = -1, r, -1, x
            row = 2 * n + k
            A[row, V + b], A[row, V + a] = 1, -self.turn[k]
            A[row, P + k], A[row, Q + k], A[row, L + k] = 2 * r, 2 * x, -(r * r + x * x)
            low[L + k] = 0
        A[self.root, width - 1] = -1
        A[2 * n + m, V + self.root] = 1
        A = sp.csr_matrix(A)[[i for i in range(A.shape[0]) if i != n + self.root]]
        rhs = np.zeros((A.shape[0], T))
        keep = [i for i in range(2 * n + m + 1) if i != n + self.root]
        full = np.vstack([-self.fixed_p, -self.fixed_q, np.zeros((m, T)), np.full((1, T), self.v_root)])
        rhs[:] = full[keep]
        low[V:V + n], high[V:V + n] = self.v_low, self.v_high
        low[V + self.root] = high[V + self.root] = self.v_root
        low[-1], high[-1] = -self.export_max, self.import_max
        return sp.block_diag([A] * T, format="csr"), rhs.T.ravel(), np.tile(low, T), np.tile(high, T), width

    def planes(self, t, P, Q, v, width, offset):
        """alpha P + beta Q - gamma v_s - l <= 0 at these flows; ratings likewise where there are any."""
        m, nets = len(self.branches), len(self.net_bus)
        rows, cols, values, rhs = [], [], [], []
        for k, branch in enumerate(self.branches):
            vs = max(self.turn[k] * v[branch["from"]], 1e-3)
            base = offset + t * width + nets
            for col, value in ((base + k, 2 * P[k] / vs), (base + m + k, 2 * Q[k] / vs), (base + 2 * m + k, -1),
                               (base + 3 * m + branch["from"], -self.turn[k] * (P[k] ** 2 + Q[k] ** 2) / vs ** 2)):
                rows.append(len(rhs)); cols.append(col); values.append(value)
            rhs.append(0.0)
            size = np.hypot(P[k], Q[k])
            if np.isfinite(self.rating[k]) and size > 0 and self.half[k] == 0:
                rows += [len(rhs)] * 2; cols += [base + k, base + m + k]; values += [P[k] / size, Q[k] / size]
                rhs.append(self.rating[k])
        return rows, cols, values, rhs

    def minimise(self, cost_of, start, extra=None, bounds=None):
        """min of a linear cost plus the tie's cost (tangents, added likewise). `cost_of`: over all columns, this
        programme's first, then those of `extra` = (A_eq, b_eq, A_ub, b_ub, bounds) that a larger problem brings along.
        `bounds`: (low, high) in place of this programme's own. Returns value, solution and the equalities' duals."""
        T = len(self.price)
        A, b, low, high, width = self.programme(T)
        low, high = (low, high) if bounds is None else bounds
        more = 0 if extra is None else extra[0].shape[1] - width * T
        A = sp.hstack([A, sp.csr_matrix((A.shape[0], more + T))], format="csr")
        columns = A.shape[1]
        eq, rhs, ub, ub_rhs = [A], [b], [], []
        bounds = [pair for pair in zip(low, high)]
        if extra is not None:
            pad = lambda block: sp.hstack([block, sp.csr_matrix((block.shape[0], T))], format="csr")
            eq.append(pad(extra[0])); rhs.append(extra[1])
            if extra[2] is not None:
                ub.append(pad(extra[2])); ub_rhs.append(extra[3])
            bounds += extra[4]
        bounds += [(None, None)] * T
        c = np.concatenate([cost_of, np.ones(T)])
        nets, m = len(self.net_bus), len(self.branches)
        at = start
        size = np.maximum(np.hypot(start[0], start[1]).max(1), 1)        # of each branch's flow
        own = np.concatenate([np.ones(nets), size, size, size ** 2, np.ones(len(self.buses)), [max(np.abs(start[3]).max(), 1)]])
        unit = np.concatenate([np.tile(own, T), np.ones(more + T)])
        for _ in range(ROUNDS):
            P, Q, v, imported = at
            for t in range(T):
                rows, cols, values, bound = self.planes(t, P[:, t], Q[:, t], v[:, t], width, 0)
                slope = self.hours * (self.price[t] + self.slope * imported[t])
                rows += [len(bound)] * 2
                cols += [t * width + width - 1, columns - T + t]
                values += [slope, -1.0]
                bound.append(self.hours * self.slope / 2 * imported[t] ** 2)
                ub.append(sp.csr_matrix((values, (rows, cols)), shape=(len(bound), columns)))
                ub_rhs.append(np.array(bound))
            best = scaled_linprog(c, sp.vstack(ub, format="csr"), np.concatenate(ub_rhs), sp.vstack(eq, format="csr"),
                                  np.concatenate(rhs), bounds, unit)
            z = best.x[:width * T].reshape(T, width).T
            P, Q, l, v = z[nets:nets + m], z[nets + m:nets + 2 * m], z[nets + 2 * m:nets + 3 * m], z[nets + 3 * m:-1]
            at = (P, Q, v, z[-1])
            vs = self.turn[:, None] * v[[branch["from"] for branch in self.branches]]
            over = (self.r[:, None] * ((P ** 2 + Q ** 2) / vs - l)).sum(0).max()
            import_gap = (self.hours * (self.price * z[-1] + self.slope / 2 * z[-1] ** 2) - best.x[-T:]).max()
            if over < OVERSHOOT_KW and import_gap < 1e-6:
                break
        return best.fun, best.x, best.duals, width
