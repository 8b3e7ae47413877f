# Sourced by the tests of packages: the smallest feeder that a market needs.
# shellcheck shell=bash

# give_street FILE [BUS...]: one load bus after another below a transformer, by default one named "street".
give_street() {
    local file=$1 buses='' lines='' from=transformer bus
    shift
    (($#)) || set -- street
    for bus in "$@"; do
        buses+=", { name = \"$bus\", load_p_kw = 2.0 }"
        lines+="${lines:+, }{ from = \"$from\", to = \"$bus\", r_ohm = 0.05, x_ohm = 0.02, rating_kva = 50.0 }"
        from=$bus
    done
    cat >"$file" <<EOF
name = "street"
base_kv = 0.4
root = "transformer"
losses = false
v_min_pu = 0.94
v_max_pu = 1.06
nets = "every-load-bus"
bus = [{ name = "transformer" }$buses]
line = [$lines]
[shape]
daily = [0.5]
[tie]
import_max_kw = 30.0
slope_eur_per_kwh_kw = 0.001
price_eur_per_kwh = [0.22, 0.30]
EOF
}
