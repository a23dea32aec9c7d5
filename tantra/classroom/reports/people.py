"""Who handed in: their files' names, and their own names, which no example for the class shows."""

import hashlib
import io
import re
import tokenize
import unicodedata

from tantra.classroom.grading import file_name
from tantra.classroom.reports.trees import made
from tantra.classroom.submission import names

ONE_OF = re.compile(r"one of several files of (.+): choose which one counts")
RESERVED = {"con", "prn", "aux", "nul", *(f"{p}{n}" for p in ("com", "lpt") for n in range(10))}
NAME, SHORTEST = "NAME", 2  # what stands for a name; the letters that make one
STRINGS = {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", None)}


def person(submission):
    """The student of a submission, who may have handed in two."""
    found = [match[1] for odd in submission.odd if (match := ONE_OF.fullmatch(odd))]
    return found[0] if found else submission.student


def pages(submissions):
    """{student: the name of their page}, all different also where A and a are one letter."""
    taken, found = set(), {}
    for student in sorted(each.student for each in submissions):
        name = file_name(student).lstrip("-") or "student"
        stem = name.partition(".")[0].casefold()
        if name.casefold() in taken or stem in RESERVED:
            name = f"student {name}-{hashlib.sha256(student.encode()).hexdigest()[:8]}"
        taken.add(name.casefold())
        found[student] = f"{name}.html"
    return found


def known_as(submission):
    """The words that tell who somebody is: of their name and of their file's."""
    stem = submission.file.rpartition("/")[2].rpartition(".")[0]
    found = {submission.student, stem, *_words(submission.student), *_words(stem)}
    return found - common(submission)


def common(submission):
    """The words of the exercise's name, which tell nothing of anybody."""
    return {submission.exercise, *_words(submission.exercise)}


def without_names(source, known, given=""):
    """A student's code with NAME for their names: in comments, strings and names they made."""
    source = unicodedata.normalize("NFC", source)
    search = _pattern(known)
    if not search or not search.search(source):
        return source
    own = _made(source) - _made(given)
    try:
        spans = list(_spans(source, own))
    except (tokenize.TokenError, SyntaxError, IndexError):
        return search.sub(NAME, source)
    for start, end in reversed(spans):
        source = source[:start] + search.sub(NAME, source[start:end]) + source[end:]
    return source


def without_names_anywhere(text, known):
    """A text with NAME for names."""
    search = _pattern(known)
    return search.sub(NAME, unicodedata.normalize("NFC", text)) if search else text


def _pattern(known):
    known = sorted((each for each in known if len(each) >= SHORTEST), key=len, reverse=True)
    inside = "|".join(map(re.escape, known))
    return re.compile(rf"(?<![^\W_])(?:{inside})(?![^\W_])", re.IGNORECASE) if known else None


def _words(name):
    return re.findall(r"[^\W_]+", name)


def _made(source):
    """The names that a text binds; none where it is no Python."""
    tree = names.parsed(source)
    return made(tree) if tree else set()


def _spans(source, own):
    """(start, end) of what may hold a name: comments, strings, names in own, but no attribute."""
    starts = [0]
    for line in source.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    before = ""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        named = token.type == tokenize.NAME and token.string in own and before != "."
        if named or token.type in STRINGS:
            yield tuple(starts[line - 1] + column for line, column in (token.start, token.end))
        before = token.string
