"""The judge's process: the course's own checks, on a stand-in for the answer.

`host` begins the processes of answers and looks at the clock, `stand_in` is what a check calls,
`replay` lets the judge's own tools see what an answer did on its way, `judging` makes a verdict,
and `python -m tantra.classroom.judge` does so for submissions that it is told of.
"""
