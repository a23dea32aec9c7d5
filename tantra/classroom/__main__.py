"""The teacher's commands.

python -m tantra.classroom class [--chapters "02 03"] [--out ZIP] [--variants CSV]
python -m tantra.classroom material [--chapters "02 03"] [--out FOLDER] [--check]
python -m tantra.classroom grade EXERCISE FOLDER [--out FOLDER] [--again] [--variants CSV]
                                 [--jobs N] [--seed N]
python -m tantra.classroom nbgrader EXERCISE... [--out COURSE] [--seed N]
python -m tantra.classroom precheck COURSE ASSIGNMENT [--jobs N]
python -m tantra.classroom results --form gradescope|classroom50 STUDENT.json [--out FILE]
python -m tantra.classroom results --form ... --exercise EXERCISE FOLDER [--out FILE]
tantra-grade EXERCISE FOLDER ...
"""

import argparse
import sys

from tantra.classroom.elsewhere.commands import COMMANDS as ELSEWHERE
from tantra.classroom.kit.commands import COMMANDS as KIT


def main(arguments=None):
    """Run a command; returns 0 where it did what it says, 2 for bad input, 130 when interrupted."""
    name, *rest = (sys.argv[1:] if arguments is None else arguments) or ["nothing"]
    try:
        if name not in COMMANDS:
            raise ValueError(f"there is no command {name!r}: there are {', '.join(COMMANDS)}")
        return COMMANDS[name](rest)
    except (ValueError, OSError) as problem:
        print(problem, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nInterrupted: the same command goes on where it was.", file=sys.stderr)
        return 130


def grade_alone():
    """What tantra-grade runs: grade, without its name."""
    return main(["grade", *sys.argv[1:]])


def grade(arguments):
    """Mark a class."""
    parser = argparse.ArgumentParser(prog="tantra-grade", description="Mark a class's notebooks.")
    parser.add_argument("exercise", help="the exercise page, such as exercises/02_softmax.ipynb")
    parser.add_argument("folder", help="the folder of what was handed in")
    parser.add_argument("--out", help="where marks go; else FOLDER-marks, beside it")
    parser.add_argument("--again", action="store_true", help="mark all, also what is unchanged")
    parser.add_argument("--jobs", type=int, default=2, help="submissions at a time (2)")
    parser.add_argument("--seed", type=int, help="of the checks' random cases; else the exercise's")
    parser.add_argument("--variants", metavar="CSV", help="students who have their own numbers")
    options = vars(parser.parse_args(arguments))
    if options["jobs"] < 1:
        raise ValueError(f"--jobs is {options['jobs']}; give at least 1")

    from tantra.classroom import grading
    from tantra.classroom.reports import outputs

    marked = grading.grade(**options, told=_told)
    place = grading.place(options["folder"], options["out"])
    print(outputs.write(place, marked))
    for said in grading.warnings(place):
        print(said, file=sys.stderr)
    return 0


def _told(submission, done, count):
    """One line for each submission; a bar on the same line where there is a terminal."""
    points = f"{submission.points} points"
    if sys.stderr.isatty():
        full = round(30 * done / count)
        bar = "█" * full + "·" * (30 - full)
        end = "\n" if done == count else ""
        print(f"\r{bar} {done}/{count} {submission.student[:24]:24}", end=end, file=sys.stderr)
    else:
        print(f"{done}/{count} {submission.student}: {points}", file=sys.stderr, flush=True)


COMMANDS = {"grade": grade, **KIT, **ELSEWHERE}

if __name__ == "__main__":
    sys.exit(main())
