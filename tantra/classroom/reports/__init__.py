"""What a teacher and a class get to read: marks, a page for each student, what to talk about.

Reading order: `markup` (pages that ask nothing of the network), `people` (who handed in, and how a
name is left out), `marks` (the table), `feedback` (a student's page), `groups` and `lesson` (the
mistakes that the class made), `trees` and `alike` (answers that are alike), `odd` (what a teacher
should look at), `summary` (on the terminal), `outputs` (all of them into a folder).
"""
