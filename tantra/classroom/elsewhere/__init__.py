"""The same marks in other places: nbgrader, Gradescope, Classroom 50.

Reading order: `course` (an nbgrader course of our pages), `precheck` (each submission's answers in
our own page, judged, before nbgrader runs anything), `verdict_cell` (what such a page holds of us),
`results` (our JSON in the forms of Gradescope and of Classroom 50), `commands`.
"""
