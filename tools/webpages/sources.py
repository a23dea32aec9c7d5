"""What sphinx reads: copies of the course's pages, and pages made from the library."""

import re

from nbformat import writes
from nbformat.v4 import new_markdown_cell

from course import ROOT, all_paths, folded, read
from tantra.verses import verses
from webpages.api import api_pages

PAGES = ("README.md", "TEACHING.md", "CONTRIBUTING.md", "CHANGELOG.md", "notebooks/GLOSSARY.md")
FOLDERS = ("benchmarks", "teaching")
LINKED = ("LICENSE", "CITATION.cff", "course.png")
STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)


def lay_out(target, root=ROOT):
    """Write all that the site is built from into the empty folder target."""
    for path in (root / "site").glob("*.md"):
        copy(path, target / path.name)
    for name in (*PAGES, *LINKED):
        copy(root / name, target / name)
    teaching = target / "TEACHING.md"  # the README is parted: how to install is a page of its own
    put(teaching, teaching.read_bytes().replace(b"](README.md)", b"](begin.md)"))
    for folder in FOLDERS:
        for path in (root / folder).rglob("*"):
            if path.suffix in (".md", ".png", ".json") or path.name == "Dockerfile":
                copy(path, target / path.relative_to(root))
    for path in all_paths(root):
        text = writes(for_the_site(read(path), path))
        put(target / path.relative_to(root), text.encode())
    for name, text in {**api_pages(), "verses.md": verses_page(root)}.items():
        put(target / name, text.encode())


def copy(path, target):
    put(target, path.read_bytes())


def put(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def for_the_site(notebook, path):
    """The notebook that lies at path, changed in place: code folds, solutions are not searched."""
    for cell in notebook.cells:
        if folded(cell):
            cell.metadata["tags"] = [*cell.metadata.get("tags", ()), "hide-input"]
    if path.parent.name == "solutions":
        notebook.metadata |= {"nosearch": True, "orphan": True}
    if path.parent.name == "exercises":
        link = f"[One way to solve all of it](../solutions/{path.name}), for afterwards."
        notebook.cells.append(new_markdown_cell(link, id="solutions"))
    return notebook


def verses_page(root):
    """All verses, chapter by chapter, with the doubts about each."""
    parts = ["# Verses", "The verses are modern and were written for this course."]
    for verse in verses():
        (chapter,) = (root / "notebooks").glob(f"{verse.chapter:02}_*.ipynb")
        title = f"{verse.chapter:02} {verse.title.alone}, {verse.title.gloss}"
        html = verse._repr_html_() if len(parts) == 2 else STYLE.sub("", verse._repr_html_())
        doubts = [f"- {doubt}" for doubt in verse.doubts]
        parts += [
            f"## {title}",
            f"[Its chapter](notebooks/{chapter.name})",
            f"```{{raw}} html\n{html.strip()}\n```",
            "What a Sanskritist should look at:" if doubts else "",
            "\n".join(doubts),
        ]
    return "\n\n".join(filter(None, parts)) + "\n"
