"""python -m benchmarks [PART ...] [--share 0.1] [--draw]: measure, and write README.md anew."""

import argparse
import importlib
import sys
import warnings

from benchmarks import ceilings, machine, picture, report

PARTS = {"training": 240, "attention": 150, "decoding": 240, "growth": 60, "startup": 60}  # seconds


def main(words):
    """Measure the parts that are named, all unless some are, and write the report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("part", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--share", type=float, default=1, help="of the usual time (1)")
    parser.add_argument("--draw", action="store_true", help="draw the kept results, measure none")
    told = parser.parse_args(words)
    if unknown := [part for part in told.part if part not in PARTS]:
        parser.error(f"no part named {unknown[0]!r}; there are {', '.join(PARTS)}")
    if not told.draw:
        measure(told.part or list(PARTS), told.share)
    parts = {part: kept for part, kept in report.read().items() if part in PARTS}
    report.write(picture.draw(parts) + "\n\n" + report.text(parts))


def measure(names, share):
    """Measure these parts and keep what they say."""
    here = machine.describe()
    bounds = ceilings.measure(20 * share)
    for name, bound in bounds.items():
        print(f"{name:10} {bound}", flush=True)
    for name in names:
        rows = []
        for row in importlib.import_module(f"benchmarks.{name}").rows(bounds, PARTS[name] * share):
            rows.append(row)
            print(report.line(row), flush=True)
        report.keep(here, bounds, rows)


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # the peers' own
    sys.exit(main(sys.argv[1:]))
