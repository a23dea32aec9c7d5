"""All teaching material: pages of text, which are stored and checked; pages of HTML, built."""

from course import write_whole
from tantra.classroom.kit.chapter import Chapter
from tantra.classroom.kit.cheating import cheating
from tantra.classroom.kit.place import ROOT, all_names
from tantra.classroom.kit.plan import MADE, plan, table
from tantra.classroom.kit.routes import routes
from tantra.classroom.kit.rubric import rubric

FOLDER = ROOT / "teaching"
CONTENTS = f"""# Teaching material

{MADE}

- [Two routes](routes.md): 14 weeks, and two days
- [A rubric](rubric.md), with a three-minute oral for each chapter
- [What can be cheated](cheating.md), and what a teacher does about it

`make material` also builds, beside each plan, three pages that open in a browser with no network:
`paper.html`, a sheet to print; `paper-solved.html`, the same with its numbers; `slides.html`, a
short deck (arrow keys turn its pages). They are not stored here.
"""


def texts(names):
    """Every stored page by its place; those of the whole course only where names are all of it."""
    chapters = [Chapter(name) for name in names]
    ready = [chapter for chapter in chapters if not chapter.missing]
    found = {f"{chapter.name}/plan.md": plan(chapter) for chapter in ready}
    if names == all_names():
        found["README.md"] = contents(ready)
        found["routes.md"] = routes(chapters)
        found["rubric.md"] = rubric(ready)
        found["cheating.md"] = cheating()
    return found


def contents(chapters):
    """The page that leads to the others."""
    rows = [(f"[{one.number} {one.title}]({one.name}/plan.md)", *one.minutes) for one in chapters]
    return f"{CONTENTS}\n{table(('plan', 'line', 'Deeper', 'exercises'), rows)}\n"


def built(names):
    """(place, page) of every page of HTML; no sheet where a chapter has no numbers for one."""
    from tantra.classroom.kit.paper import items, paper
    from tantra.classroom.kit.slides import slides

    for chapter in map(Chapter, names):
        if chapter.missing:
            continue
        if any(items(chapter)):
            yield f"{chapter.name}/paper.html", paper(chapter, solved=False)
            yield f"{chapter.name}/paper-solved.html", paper(chapter, solved=True)
        yield f"{chapter.name}/slides.html", slides(chapter)


def write(names, folder=None):
    """Write all material to folder, by default teaching/; yields a line on each page."""
    folder = folder or FOLDER
    for name in names:
        if missing := Chapter(name).missing:
            yield f"{name}: skipped, it has {missing}"
    for pages in (texts(names).items(), built(names)):
        for place, text in pages:
            path = folder / place
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, text)
            yield str(path)


def problems(names, folder=None):
    """What keeps the stored texts from being those that would be made, each in a sentence."""
    folder, made = folder or FOLDER, texts(names)
    for place, text in made.items():
        path = folder / place
        if not path.exists():
            yield f"{path} is missing: run make material"
        elif path.read_text(encoding="utf-8") != text:
            yield f"{path} is not what its chapter makes today: run make material"
    if names == all_names():
        for path in sorted(folder.rglob("*.md")):
            if path.relative_to(folder).as_posix() not in made:
                yield f"{path} is made by no chapter: take it away"
