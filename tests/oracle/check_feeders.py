#!/usr/bin/env python3
"""Every radial feeder of MATPOWER with seeded homes and losses, held against check_optimality.py's bounds and, for the
smaller ones, its exact central solution: imports the case, gives it a day and a tariff, clears one session.

    check_feeders.py KILTER DATA_FOLDER [--cases case33bw,case69] [--keep FOLDER]
Exit: 0 all good, 1 a check failed, 77 (skipped) without data or scipy."""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

CASES = ("case4_dist", "case10ba", "case12da", "case15da", "case18", "case33bw", "case69", "case85", "case118zh", "case141")
CENTRAL_UP_TO_BUSES = 33
DAY = "[0.6, 0.55, 0.6, 0.75, 0.7, 0.65, 0.75, 0.95, 0.8, 0.7, 0.65, 0.6]"
TIE = """[tie]
slope_eur_per_kwh_kw = {slope}
price_eur_per_kwh = [0.12, 0.11, 0.13, 0.2, 0.17, 0.1, 0.12, 0.2, 0.28, 0.31, 0.22, 0.15]
"""


def with_a_day(text):
    """The imported case with a day, a tariff, and a band wide enough for loads it was not made for."""
    load = sum(float(kw) for kw in re.findall(r"load_p_kw = ([0-9.e+-]+)", text))
    text = text[:text.index("[shape]")] + f"[shape]\ndaily = {DAY}\n\n" + TIE.format(slope=0.05 / load)
    text = re.sub(r"v_min_pu = [0-9.]+", "v_min_pu = 0.8", text)
    return re.sub(r"v_max_pu = [0-9.]+", "v_max_pu = 1.15", text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kilter")
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--keep", type=pathlib.Path)
    args = parser.parse_args()
    if not (args.data / "matpower").is_dir():
        print(f"skipped: no {args.data}/matpower", file=sys.stderr)
        return 77
    failed = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.keep or pathlib.Path(temporary)
        for case in args.cases.split(","):
            feeder, result = folder / f"{case}.toml", folder / f"{case}.json"
            subprocess.run([args.kilter, "import", "matpower", args.data / "matpower" / f"{case}.m", "--out", feeder], check=True)
            feeder.write_text(with_a_day(feeder.read_text()))
            print(f"== {case}", flush=True)
            session = subprocess.run([args.kilter, "simulate", feeder, "--homes-seed", "1", "--unmasked", "--json", result])
            check = [sys.executable, pathlib.Path(__file__).parent / "check_optimality.py", result, "--max-gap", "0.1"]
            if feeder.read_text().count("load_p_kw") <= CENTRAL_UP_TO_BUSES:
                check.append("--central")
            code = subprocess.run(check).returncode if session.returncode == 0 else session.returncode
            if code == 77:
                return 77
            if code:
                failed.append(case)
    print(f"failed: {', '.join(failed)}" if failed else "all feeders hold")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
