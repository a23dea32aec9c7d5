"""A text to learn from."""

from pathlib import Path


def course_text() -> str:
    """67 kB of plain prose: what chapters 00 to 09 of this course say, without code and signs."""
    return (Path(__file__).parent / "course.txt").read_text("utf-8")
