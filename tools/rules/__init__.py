"""What a stored notebook must keep to, a family of rules to a file.

Each rule is a function whose docstring is the sentence that the writer reads; it yields the places
where the rule is broken.
"""
