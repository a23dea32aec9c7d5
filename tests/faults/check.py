"""Faults to plant in the files of tantra/check/, and the tests that must notice them."""

TESTS = {
    "check/difference.py": ["check/test_difference.py", "check/test_judge.py"],
    "check/engine.py": ["check/test_judge.py"],
    "check/diagnosis.py": ["check/test_judge.py"],
    "check/deadline.py": ["check/test_deadline.py", "check/test_judge.py"],
    "check/misfit.py": ["check/test_misfit.py"],
    "check/prediction.py": ["check/test_judge.py"],
}

FAULTS = {
    "check/difference.py": [
        ("return None if got == wanted else", "return None if got[:1] == wanted[:1] else"),
        ("~np.isfinite(answer) & np.isfinite(expected)",
         "np.isfinite(answer) & ~np.isfinite(expected)"),
        ("rtol=rtol, atol=atol, equal_nan=True", "rtol=rtol, atol=atol"),
        ("rtol=rtol, atol=atol, equal_nan=True", "rtol=1e-2, atol=atol, equal_nan=True"),
        ("np.argwhere(flags)[0]", "np.argwhere(flags)[-1]"),
        ("if len(answer) != count:", "if False:"),
        ("if extra := [", "if extra := [] and ["),
        ("if type(answer) is int and type(expected) is int:", "if False:"),
        ("abs(value) < 2**63", "True"),
        ("\"item\" if isinstance(expected, list) else \"result\"", "\"result\""),
    ],
    "check/engine.py": [
        ("isinstance(answers[-1][1].error, NotImplementedError)", "answers[-1][1].error"),
        ("if as_given(self, answers):", "if False:"),
        ("if expected.error:", "if False:"),
        ("if not one.same_ending(other):", "if False:"),
        ("if not trusted and self._borrowed(attempt):", "if False:"),
        ("if broken := broken_rule(self, attempt, pairs, answers, trusted):", "if broken := None:"),
        ("seed if case.drawn else None", "seed"),
        ("range(1, self.draws + 1)", "range(0)"),
        ("for later, _ in pairs[len(answers) :]:", "for later, _ in ():"),
    ],
    "check/diagnosis.py": [
        ("_agrees(exercise, exercise.given, answers)", "True"),
        ("if _agrees(exercise, item[1], wrong[:1])", ""),
        ("if _agrees(exercise, item[1], right) and _is_telling(wrong[0])", ""),
        ("if exercise.kind == \"derive\" and _is_numerical(pairs, answers):", "if False:"),
        ("not trusted and uses_autograd", "uses_autograd"),
        ("max(off) < NEAR and", ""),
        ("statistics.median(off) > EXACT", "True"),
        ("besides=case", "besides=None"),
    ],
    "check/deadline.py": [
        ("if importing:\n            return None", "if False:\n            return None"),
        ("if due := watch.look(importing=False):  #", "if due := None:  #"),
        ("return lambda: time.clock_gettime(clock)", "return time.monotonic"),
        ("left = max(delay - (time.monotonic() - began), 1e-3)", "left = 1e-3"),
    ],
    "check/misfit.py": [
        ("if inner[0] != inner[1]:", "if False:"),
        ("other[max(len(other) - 2, 0)]", "other[0]"),
        ("if n != m and 1 not in (n, m):", "if n != m:"),
        ("except SyntaxError:", "except NameError:"),
    ],
    "check/prediction.py": [
        ("is_round and off", "off"),
        ("self._named(attempt, self._rounds)", "None"),
        ("if not guess.is_finite():", "if False:"),
        ("- 0.05)", "+ 1)"),
    ],
}  # fmt: skip
