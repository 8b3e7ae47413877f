"""A home as a linear programme, read from the JSON that kilter writes of it (docs/simulate-json.md) and from the
definitions in common/model/equipment.hpp alone: panels, a battery with losses and wear, vehicles, heat pumps.

    minimise cost.z    over    low <= z <= high,  equal z = right,      meter  p = base + draws z   (T intervals)

States are at the END of their interval. Required levels that are missed cost REQUIRED EUR/kWh."""
import numpy as np
import scipy.sparse as sp

REQUIRED = 10.0


class HomeProgram:
    def __init__(self, home, hours):
        self.hours, self.base = hours, np.array(home["load_kw"], float)
        self.T, self.width = len(self.base), 0
        self._cost, self._low, self._high = [], [], []
        self._rows, self._right, self._draws = [], [], []
        self.panels(np.array(home["pv_available_kw"], float))
        self.battery(home["battery"])
        for vehicle in home.get("vehicles", []):
            self.vehicle(vehicle)
        for climate in home.get("climates", []):
            self.climate(climate)
        join = lambda parts: np.concatenate(parts) if parts else np.zeros(0)
        self.cost, self.low, self.high = join(self._cost), join(self._low), join(self._high)
        self.right = join(self._right)
        self.equal = self.matrix(self._rows, len(self.right))
        self.draws = self.matrix(self._draws, self.T)

    def matrix(self, triples, rows):
        if not triples:
            return sp.csr_matrix((rows, self.width))
        row, column, value = (np.concatenate(part) for part in zip(*triples))
        return sp.csr_matrix((value, (row, column)), shape=(rows, self.width))

    def variables(self, low, high, cost=0.0, count=None):
        """Indices of `count` (T) new variables."""
        count = self.T if count is None else count
        self._low.append(np.broadcast_to(np.asarray(low, float), count).copy())
        self._high.append(np.broadcast_to(np.asarray(high, float), count).copy())
        self._cost.append(np.broadcast_to(np.asarray(cost, float), count).copy())
        self.width += count
        return np.arange(self.width - count, self.width)

    def draw(self, columns, sign):
        self._draws.append((np.arange(self.T), columns, np.full(self.T, float(sign))))

    def chain(self, state, keep, terms, right):
        """state_t - keep_t state_{t-1} - sum factor * input = right_t; right_0 includes what the start leaves."""
        first = sum(len(part) for part in self._right)
        row = np.arange(first, first + self.T)
        one = np.ones(self.T)
        self._rows.append((row, state, one))
        self._rows.append((row[1:], state[:-1], -np.broadcast_to(keep, self.T)[1:]))
        for factor, columns in terms:
            self._rows.append((row, columns, -np.broadcast_to(factor, self.T)))
        self._right.append(right)

    def panels(self, available):
        if available.any():
            self.draw(self.variables(0, available), -1)

    def battery(self, b):
        if b["power_max_kw"] == 0 or b["energy_max_kwh"] == 0:
            return
        leak = b.get("self_discharge_per_h", 0) * self.hours
        keep, gain = np.exp(-leak), -np.expm1(-leak) / leak if leak > 0 else 1.0
        charge = self.variables(0, b["power_max_kw"])
        discharge = self.variables(0, b["power_max_kw"], b.get("cycle_cost_eur_per_kwh", 0) * self.hours)
        energy = self.variables(0, b["energy_max_kwh"])
        right = np.zeros(self.T)
        right[0] = keep * b["energy_start_kwh"]
        self.chain(energy, keep, [(gain * self.hours * b.get("charge_efficiency", 1), charge),
                                  (-gain * self.hours / b.get("discharge_efficiency", 1), discharge)], right)
        self.draw(charge, 1)
        self.draw(discharge, -1)
        self.at_least(energy[-1], b["energy_end_min_kwh"])

    def at_least(self, column, level):
        """v + missing - spare = level"""
        missing, spare = self.variables(0, np.inf, REQUIRED, 1), self.variables(0, np.inf, 0, 1)
        row = np.full(1, sum(len(part) for part in self._right))
        for columns, sign in (([column], 1.0), (missing, 1.0), (spare, -1.0)):
            self._rows.append((row, np.asarray(columns), np.full(1, sign)))
        self._right.append(np.full(1, float(level)))

    def vehicle(self, v):
        most, still, cost = np.zeros(self.T), np.full(self.T, np.inf), np.zeros(self.T)
        keep, right = np.ones(self.T), np.zeros(self.T)
        keep[0] = 0
        for stay in v["stays"]:
            start, leaves, end = stay["arrival"], stay["departure"], stay["latest"]
            keep[start], right[start] = 0, stay["required_kwh"]          # state: what is still missing
            if end < self.T:
                keep[end] = 0
            most[start:end] = v["power_max_kw"] if stay["required_kwh"] > 0 else 0
            cost[leaves - 1:end - 1] = v["lateness_eur_per_kwh_h"] * self.hours
            cost[end - 1] = REQUIRED
        power, missing = self.variables(0, most), self.variables(0, still, cost)
        self.chain(missing, keep, [(-self.hours * v["charge_efficiency"], power)], right)
        self.draw(power, 1)

    def climate(self, c):
        R = c["resistance_k_per_kw"]
        keep = np.exp(-self.hours / (R * c["capacity_kwh_per_k"]))
        gains = np.array(c["gains_kw"]) if len(c["gains_kw"]) else np.zeros(self.T)
        right = (1 - keep) * (np.array(c["outdoor_c"]) + R * gains)
        right[0] += keep * c["temperature_start_c"]
        power, inside = self.variables(0, c["power_max_kw"]), self.variables(-np.inf, np.inf)
        heat = (1 - keep) * R * (-1 if c["cools"] else 1) * np.array(c["cop"])
        self.chain(inside, keep, [(heat, power)], right)
        self.draw(power, 1)
        price = c["discomfort_eur_per_k_h"] * self.hours
        cold, hot = self.variables(0, np.inf, price), self.variables(0, np.inf, price)
        over, under = self.variables(0, np.inf), self.variables(0, np.inf)
        for slack, rest, sign, level in ((cold, over, 1.0, c["low_c"]), (hot, under, -1.0, c["high_c"])):
            first = sum(len(part) for part in self._right)               # inside + cold - over = low, alike for high
            row = np.arange(first, first + self.T)
            self._rows += [(row, inside, np.ones(self.T)), (row, slack, np.full(self.T, sign)),
                           (row, rest, np.full(self.T, -sign))]
            self._right.append(np.array(level, float))
