"""What a teacher hands out: the students' zip, and material made from the chapters.

Reading order: `place` (where the course is, which chapters are meant), `chapter` (a chapter read),
`links`, `trees` and `bundle` (the zip, and the proof that it holds no solution), `mistakes`,
`lesson`, `plan`, `rubric`, `routes` and `cheating` (pages of text, which are stored and checked),
`pages`, `numbers`, `paper` and `slides` (pages of HTML, which are built), `material` (all of
these), `commands`.  The kit is made in a clone of the course, with its tools and its solutions.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tools"))
