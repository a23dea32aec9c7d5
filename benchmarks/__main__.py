"""python -m benchmarks [PART ...] [--share 0.1] [--draw]: measure, and write README.md anew."""

import argparse
import importlib
import sys
import traceback
import warnings

from benchmarks import ceilings, machine, picture, report

PARTS = {  # seconds
    "training": 240,
    "attention": 150,
    "decoding": 360,
    "decoders": 120,
    "growth": 60,
    "tokenizing": 120,
    "startup": 60,
}


def main(words):
    """Measure the parts that are named, all unless some are, and write the report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("part", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--share", type=float, default=1, help="of the usual time (1)")
    parser.add_argument("--draw", action="store_true", help="draw the kept results, measure none")
    told = parser.parse_args(words)
    if unknown := [part for part in told.part if part not in PARTS]:
        parser.error(f"no part named {unknown[0]!r}; there are {', '.join(PARTS)}")
    failed = [] if told.draw else measure(told.part or list(PARTS), told.share)
    parts = report.read(PARTS)
    report.write(picture.draw(parts) + "\n\n" + report.text(parts))
    return f"failed: {', '.join(failed)}" if failed else None


def measure(names, share):
    """Measure these parts and keep what each says; those that failed, after the others."""
    here, failed = machine.describe(), []
    bounds = ceilings.measure(20 * share)
    for name, bound in bounds.items():
        print(f"{name:10} {bound}", flush=True)
    for name in names:
        try:
            rows = list(_told(name, bounds, PARTS[name] * share))
        except Exception:  # of a peer, say: the other parts are measured all the same
            traceback.print_exc()
            print(f"{name} failed, and what was kept of it stays", flush=True)
            failed.append(name)
            continue
        report.keep(here, bounds, rows)
    return failed


def _told(name, bounds, budget):
    """The rows of a part, each said as soon as it is there."""
    for row in importlib.import_module(f"benchmarks.{name}").rows(bounds, budget):
        print(report.line(row), flush=True)
        yield row


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # the peers' own
    sys.exit(main(sys.argv[1:]))
