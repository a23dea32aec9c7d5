"""A teacher's kit: a folder of submissions in, marks and words out.

    tantra-grade exercises/02_softmax.ipynb submissions/

The course's own checks judge.  An answer runs in a process of its own, which the judge asks and
does not trust.
Reading order: `records` (what all share), `submission/` (what a student handed in, whatever it is),
`sandbox/` (the process in which an answer runs, and the channel to it), `judge/` (the checks, on a
stand-in for the answer), `grading` (a class), `reports/` (what a teacher and the class read).
"""
