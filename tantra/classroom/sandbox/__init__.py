"""The process in which a student's answer runs, and the channel between it and the judge.

`frames` carries JSON and raw bytes, `values` writes arguments and results so, `faults` errors.
`zygote` imports NumPy, torch and tantra once and forks a process for each task; `answer` is what
such a process does, in the surroundings that `surroundings` gives it.  `limits`, `landlock` and
`seccomp` shut it in.  Nothing here knows a right answer.
"""
