"""The kit's commands, class and material: each takes its words and returns its exit status."""

import argparse
from pathlib import Path


def make_class(arguments):
    """Write the students' zip; 0 when that is done."""
    parser = a_parser("class", "Write a zip for students, with no solutions.")
    parser.add_argument("--out", type=Path, metavar="ZIP", help="with --variants, a folder of them")
    parser.add_argument("--variants", type=Path, metavar="CSV", help="a zip for each student there")
    options = parser.parse_args(arguments)
    if options.variants:
        return make_variants(options)
    options.out = options.out or Path("tantra-class.zip")
    if options.out.is_dir():
        raise ValueError(f"{options.out} is a folder: name the zip, as in {options.out}/class.zip")

    from tantra.classroom.kit import bundle

    files = bundle.write(chapters(options), options.out)
    size = sum(map(len, files.values())) / 2**20
    print(f"{options.out}: {len(files)} files, {size:.1f} MiB")
    print(f"None of the course's {len(bundle.answers())} answers stands in its pages or tools;")
    print("what students can look up in the library: teaching/cheating.md")
    return 0


def make_variants(options):
    """Write a zip for each student, whose predictions ask for numbers of their own."""
    from tantra.classroom import students
    from tantra.classroom.kit import bundle

    folder = options.out or Path("tantra-class")
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is no folder: with --variants, --out names a folder of zips")
    seeds = students.read(options.variants)
    changed = bundle.write_each(chapters(options), folder, seeds)
    print(f"{folder}: {len(seeds)} zips; with numbers of their own: {', '.join(changed) or 'none'}")
    print(f"Mark them with VARIANTS={options.variants} (make) or --variants {options.variants}")
    return 0


def make_material(arguments):
    """Write the teaching material, or compare it; 0 when all is well."""
    parser = a_parser("material", "Write plans, sheets and slides for each chapter.")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="in place of teaching/")
    parser.add_argument("--check", action="store_true", help="store nothing, say what would change")
    options = parser.parse_args(arguments)

    from tantra.classroom.kit import material

    names = chapters(options)
    if options.check:
        problems = list(material.problems(names, options.out))
        print("\n".join(problems) or "the stored pages are those that would be made")
        return 1 if problems else 0
    for line in material.write(names, options.out):
        print(line, flush=True)
    return 0


def a_parser(name, description):
    parser = argparse.ArgumentParser(prog=f"tantra.classroom {name}", description=description)
    parser.add_argument("--chapters", default="", metavar='"02 03"', help="all where not given")
    return parser


def chapters(options):
    """The names of the chapters that the options mean."""
    from tantra.classroom.kit import place

    return place.chosen(options.chapters, place.the_course())


COMMANDS = {"class": make_class, "material": make_material}
