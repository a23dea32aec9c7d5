"""A chapter's lesson plan, as text, from its objectives to what to keep."""

import re

from tantra.classroom.kit.chapter import printed
from tantra.classroom.kit.lesson import HANDS, RULE, lesson, numbers, spent
from tantra.classroom.kit.mistakes import HOW, likeliest

MADE = "<!-- Made from the chapter by `make material`; what is edited here is lost. -->"
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^):\s]+)\)")
BOARD = (
    "Draw this before anybody opens the notebook. Ask for answers, and write them down without a "
    "word on which is right."
)


def plan(chapter):
    """The lesson plan of chapter, as Markdown."""
    sections = (heading, objectives, minutes, board, hands, mistakes, tasks, keep)
    return "\n\n".join(section(chapter) for section in sections) + "\n"


def heading(chapter):
    links = [
        f"[chapter](../../notebooks/{chapter.name}.ipynb)",
        f"[exercises](../../exercises/{chapter.name}.ipynb)",
    ]
    return f"# {chapter.number} · {chapter.title}: lesson plan\n\n{MADE}\n\n{', '.join(links)}"


def objectives(chapter):
    return f"## Objectives\n\nStudents will be able to\n\n{bullets(chapter.objectives)}"


def minutes(chapter):
    """The table of minutes, and the sections of Deeper."""
    line, deeper, _ = chapter.minutes
    found = lesson([chapter])
    rows = [
        ("the line, in class", line),
        ("three questions for raised hands", HANDS),
        (f"tasks in class: {numbers(found.here)}", spent(found.here)),
        ("left, for questions", found.left),
        (f"tasks at home: {numbers(found.home)}", spent(found.home)),
        ("Deeper, for a second reading", deeper),
    ]
    below = "\n".join(f"- {title}" for title in chapter.deeper)
    return f"## Minutes\n\n{RULE}\n\n{table(('what', 'minutes'), rows)}\n\nDeeper has:\n\n{below}"


def board(chapter):
    """What the chapter asks first, with what its code prints."""
    parts = chapter.section("The question")
    texts = [relinked(text, chapter) for part in parts for text in part.texts]
    answers = [printed(cell).rstrip() for part in parts for cell in part.code if printed(cell)]
    said = "\n\n".join(f"```text\n{answer}\n```" for answer in answers)
    after = f"\n\nThe page's code prints:\n\n{said}" if answers else ""
    return "## The question, on the board\n\n" + "\n\n".join([BOARD, *texts]) + after


def hands(chapter):
    """Three questions of the quiz, each wrong answer with its reason."""
    asked = [
        f"{number}. {indented(question.asks)}\n\n{choices(question)}"
        for number, question in enumerate(chapter.questions[:3], 1)
    ]
    return "## Three questions for raised hands\n\n" + "\n\n".join(asked)


def choices(question):
    """The options of a question, each with its reason."""
    lines = [
        f"   - {option} ({'right' if right else 'wrong'}). {' '.join(why.split())}"
        for option, right, why in question.options
    ]
    return "\n".join(lines)


def mistakes(chapter):
    """The five likeliest mistakes, in the words of the check."""
    found = [
        f"- Task {one.task.number}, {one.task.title}: {one.sentence}"
        for one in likeliest(chapter.tasks)
    ]
    return f"## Five mistakes to expect\n\n{HOW}\n\n" + "\n".join(found)


def tasks(chapter):
    """The table of tasks, with where each is done."""
    here = lesson([chapter]).here
    rows = [
        (f"{t.number}. {t.title}", t.kind, t.difficulty, t.minutes, "here" if t in here else "home")
        for t in chapter.tasks
    ]
    head = ("task", "kind", "difficulty", "minutes", "in class or at home")
    return f"## Tasks\n\n{table(head, rows)}"


def keep(chapter):
    return f"## At the end, what to keep\n\n{bullets(chapter.keep)}"


def bullets(items):
    return "\n".join(f"- {item}" for item in items)


def table(head, rows):
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def indented(text):
    """text inside an item of a list: further lines stand below its first."""
    return text.replace("\n", "\n   ")


def relinked(text, chapter, up="../.."):
    """text with its links, which start from notebooks/, made to start from a page's folder."""

    def word(match):
        file, hash_, place = match[2].partition("#")
        return f"[{match[1]}]({up}/notebooks/{file or f'{chapter.name}.ipynb'}{hash_}{place})"

    return LINK.sub(word, text)
