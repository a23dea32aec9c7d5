"""python -m benchmarks [ROOM ...] [--share 0.1] [--draw]: measure, and write README.md anew."""

import argparse
import importlib
import sys
import warnings

from benchmarks import floors, machine, picture, report

ROOMS = {"training": 240, "attention": 150, "decoding": 240, "growth": 60, "startup": 60}  # seconds


def main(words):
    """Measure the rooms that are named, all unless some are, and write the report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("room", nargs="*", metavar="ROOM", help=", ".join(ROOMS))
    parser.add_argument("--share", type=float, default=1, help="of the usual time (1)")
    parser.add_argument("--draw", action="store_true", help="draw the kept results, measure none")
    told = parser.parse_args(words)
    if unknown := [room for room in told.room if room not in ROOMS]:
        parser.error(f"no room named {unknown[0]!r}; there are {', '.join(ROOMS)}")
    if not told.draw:
        measure(told.room or list(ROOMS), told.share)
    rooms = {room: kept for room, kept in report.read().items() if room in ROOMS}
    report.write(picture.draw(rooms) + "\n\n" + report.text(rooms))


def measure(names, share):
    """Measure these rooms and keep what they say."""
    here = machine.describe()
    bounds = floors.measure(20 * share)
    for name, bound in bounds.items():
        print(f"{name:10} {bound}", flush=True)
    for name in names:
        rows = []
        for row in importlib.import_module(f"benchmarks.{name}").rows(bounds, ROOMS[name] * share):
            rows.append(row)
            print(report.line(row), flush=True)
        report.keep(here, bounds, rows)


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # the peers' own
    sys.exit(main(sys.argv[1:]))
