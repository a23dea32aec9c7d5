"""A rubric with a three-minute oral for each chapter, as text."""

import re

from tantra.classroom.kit.mistakes import likeliest
from tantra.classroom.kit.plan import MADE, bullets, relinked, table

HEAD = """# A rubric, with a three-minute oral for each chapter

{made}

The check says whether an answer is right. It cannot say whose it is: see [what can be
cheated](cheating.md). Three minutes of talk can. Take one student, their own page on the screen,
and ask the three questions below, a minute each.

{levels}

A way to count: a task's points, which are its difficulty, count in full at 4 to 6 oral points, half
at 2 or 3, not at all below. Say so before the first task is handed in. It is a proposal: nobody has
tried it in a class."""
WRITTEN = ("implement", "derive", "hunt")  # tasks whose answer is a function
END = re.compile(r"(?<=[.?!])(?<!al\.) (?=[A-Z0-9*`$])")
LEVELS = (
    ("0", "says nothing that fits, or reads the page aloud"),
    ("1", "says what happens, and no reason; or needs help at each step"),
    ("2", "says the reason and the shapes, and finds the line that a change would touch"),
)


def rubric(chapters):
    """The page, as Markdown."""
    levels = table(("points for each question", "the student"), LEVELS)
    head = HEAD.format(made=MADE, levels=levels)
    return "\n\n".join([head, *map(oral, chapters)]) + "\n"


def oral(chapter):
    """The three questions on one chapter, with what to listen for."""
    return f"""## {chapter.number} · {chapter.title}

1. **The idea.** {sentence(chapter.objectives[0])} On the board, with small numbers if any.

   Listen for: {chapter.keep[0]}
2. **Your code.** {code_question(chapter)}
3. **What breaks.** {break_question(chapter)}

At the end one should have heard most of this:

{bullets(chapter.keep[1:])}"""


def sentence(words):
    return f"{words[0].upper()}{words[1:]}."


def code_question(chapter):
    """The question on the hardest task, and on a mistake that is made there."""
    functions = [task for task in chapter.tasks if task.kind in WRITTEN]
    task = max(functions, key=lambda one: (one.difficulty, one.minutes))
    (mistake,) = likeliest([task], 1)
    return f"""Open your answer to task {task.number}, {task.title}. Choose a line: what is there
   before it, what after it, of which shape? Then: a check says to somebody else
   “{mistake.sentence}” Which line would you look at?

   Listen for: what the line does and why it is needed, in place of its words read aloud."""


def break_question(chapter):
    """The question on what the chapter broke last, and what came of it."""
    part = [part for part in chapter.section("Break it") if part.code][-1]
    what = "Break it" if part.title == "Break it" else f"Break it, “{part.title}”"
    place = max(i for i, (kind, _) in enumerate(part.pieces) if kind == "code")
    after = [text for kind, text in part.pieces[place:] if kind == "text"] or part.texts[-1:]
    return f"""{what}: what happens, and why? Would an error have told you?

   Listen for: {relinked(first_sentences(after[0]), chapter, "..")}"""


def first_sentences(text, least=60):
    """The first sentences of the first paragraph of text, at least so many letters."""
    found = ""
    for one in END.split(text.partition("\n\n")[0]):
        found = f"{found} {one}".strip()
        if len(found) >= least:
            break
    return found.replace("\n", " ").removeprefix("> ")
