"""The commands that lead elsewhere: nbgrader, precheck and results."""

import argparse
import json
from pathlib import Path


def make_nbgrader(arguments):
    """Write an nbgrader course."""
    parser = argparse.ArgumentParser(
        prog="tantra.classroom nbgrader", description="Write an nbgrader course of our pages."
    )
    parser.add_argument("exercises", nargs="*", help="such as 02_softmax; all where none is named")
    parser.add_argument("--out", type=Path, default=Path("nbgrader"), metavar="COURSE")
    parser.add_argument("--seed", type=int, help="of the checks' random cases; else drawn by lot")
    options = parser.parse_args(arguments)

    from tantra.classroom.elsewhere import course
    from tantra.classroom.kit import place

    names = place.chosen(" ".join(options.exercises), place.the_course())
    for line in course.write(map(course.page_of, names), options.out, options.seed):
        print(line)
    print(f"Then, in {options.out}: nbgrader generate_assignment {names[0]}; see TEACHING.md")
    return 0


def precheck(arguments):
    """Make the submissions of an nbgrader assignment safe."""
    parser = argparse.ArgumentParser(
        prog="tantra.classroom precheck",
        description="Judge an nbgrader assignment's submissions, and make them safe to autograde.",
    )
    parser.add_argument("course", type=Path, help="the folder of the nbgrader course")
    parser.add_argument("assignment", help="such as 02_softmax")
    parser.add_argument("--jobs", type=int, default=2, help="submissions at a time (2)")
    options = parser.parse_args(arguments)
    if options.jobs < 1:
        raise ValueError(f"--jobs is {options.jobs}; give at least 1")

    from tantra.classroom.elsewhere import precheck

    found = precheck.precheck(options.course, options.assignment, jobs=options.jobs)
    for student, (points, odd) in found.items():
        print(f"{student}: {points} points" + "".join(f"; {words}" for words in odd))
    print(f"Safe now: nbgrader autograde {options.assignment}")
    return 0


def results(arguments):
    """Print one student's marks in another place's form."""
    parser = argparse.ArgumentParser(
        prog="tantra.classroom results", description="One student's marks in another form."
    )
    parser.add_argument("--form", required=True, choices=("gradescope", "classroom50"))
    parser.add_argument("--exercise", help="judge SOURCE, a folder of one student's files, first")
    parser.add_argument("--seed", type=int, help="with --exercise: of the checks' random cases")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="where it goes; else it is printed"
    )
    parser.add_argument("source", type=Path, help="a marked student, as in MARKS/students/ada.json")
    options = parser.parse_args(arguments)

    from tantra.classroom.elsewhere import results
    from tantra.classroom.records import Submission
    from tantra.files import write_whole

    if options.exercise:
        submission = results.graded(options.exercise, options.source, seed=options.seed)
    else:
        submission = Submission.read(options.source)
    text = json.dumps(results.FORMS[options.form](submission), indent=1, ensure_ascii=False)
    if not options.out:
        print(text)
        return 0
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write_whole(options.out, f"{text}\n".encode())
    return 0


COMMANDS = {"nbgrader": make_nbgrader, "precheck": precheck, "results": results}
