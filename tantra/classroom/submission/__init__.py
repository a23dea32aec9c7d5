"""What a student handed in, whatever it is.

`folder` lists the files of a class, `notebook` reads one, `page` is our own page with its tasks,
`names` says what a cell defines and needs, `answers` finds each task's answer, `oddities` what was
odd.  Nothing of a student's is run here.
"""
