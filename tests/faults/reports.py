"""Faults to plant in tantra/classroom/reports/, and the tests that must notice them."""

ROOM = "classroom/reports"
BOTH = ["classroom/test_reports.py", "classroom/test_reports_alike.py"]
TESTS = {
    f"{ROOM}/{name}.py": BOTH
    for name in (
        "markup",
        "people",
        "marks",
        "feedback",
        "groups",
        "lesson",
        "trees",
        "alike",
        "odd",
    )
} | {f"{ROOM}/outputs.py": BOTH}

FAULTS = {
    "classroom/reports/markup.py": [
        ("else escape(visible(str(each)))", "else visible(str(each))"),
        ("escape(visible(str(value)))", "visible(str(value))"),
        ("HIDDEN.sub(lambda found: found[0].encode(\"unicode_escape\").decode(), text)", "text"),
        ("tag('title', title)", "f'<title>{title}</title>'"),
        ("left = len(text) - LONGEST", "left = 0"),
    ],
    "classroom/reports/people.py": [
        ("found[0] if found else submission.student", "submission.student"),
        ("*_words(submission.student), *_words(stem)", "*_words(stem)"),
        (".casefold() in taken or stem in RESERVED", " in taken or stem in RESERVED"),
        ("or stem in RESERVED", ""),
        (".lstrip(\"-\")", ""),
        ("and before != \".\"", ""),
        ("token.string in own and", "False and"),
        ("return search.sub(NAME, source)", "return source"),
        (", re.IGNORECASE)", ")"),
    ],
    "classroom/reports/marks.py": [
        ("if text.startswith(FORMULA)", "if text.startswith('=')"),
        ("\" \".join(text.split())", "text"),
        ("\"utf-8-sig\"", "\"utf-8\""),
        ("(text + \"\\n\").encode(\"utf-8\", \"backslashreplace\")", "(text + \"\\n\").encode()"),
        ("if lost and not (said and len(lost) == len(found)):", "if lost:"),
        ("status=\"error\"", "status=\"unsolved\""),
    ],
    "classroom/reports/feedback.py": [
        ("if verdict.status == \"unsolved\" and", "if False and"),
        ("words(verdict.words,", "words(verdict.mistake or '',"),
        ("bulleted(verdict.notes)", "None"),
        ("if submission.odd:", "if False:"),
    ],
    "classroom/reports/groups.py": [
        ("frozenset(people.person(each)", "frozenset(each.student"),
        ("-len(each.students), each", "len(each.students), each"),
        ("(named + [", "([] + ["),
        ("in (\"failed\", \"stopped\")", "in (\"failed\",)"),
        ("NUMBER.sub(\"…\", line)", "line"),
        ("| classmates - people.common(each)", ""),
        ("people.without_names(verdict.source, known, task.given)", "verdict.source"),
        ("people.without_names_anywhere(verdict.words, known)", "verdict.words"),
        ("sizes.index(min(sizes))", "sizes.index(max(sizes))"),
    ],
    "classroom/reports/lesson.py": [
        ("if not counts[task.name][\"passed\"]", "if counts[task.name][\"passed\"]"),
        ("counts[\"failed\"] + counts[\"stopped\"]", "counts[\"failed\"]"),
    ],
    "classroom/reports/trees.py": [
        ("if _normal([(0, each)], made) not in known", ""),
        ("isinstance(node.value, ast.Constant):", "False:"),
        ("ast.Pass | ast.Import | ast.ImportFrom", "ast.Import | ast.ImportFrom"),
        ("modules = {\"np\": \"numpy\"}", "modules = {}"),
        ("if name in bound else name", ""),
        ("{\"annotation\", \"returns\"}", "{\"annotation\"}"),
        ("return ast.Constant(ast.dump(node)) if constant else node", "return node"),
        ("if len(source) > LONGEST:", "if False:"),
        ("except (RecursionError, MemoryError):", "except MemoryError:"),
    ],
    "classroom/reports/alike.py": [
        ("each.nodes >= needed", "each.nodes > needed"),
        ("if len(shared.sources) > 1:", "if True:"),
        ("(\"unsolved\", \"missing\")", "(\"missing\",)"),
        ("found[each.digest].add(people.person(each))", "found[each.digest].add(each.student)"),
        ("members[2].setdefault(people.person(each)", "members[2].setdefault(each.student"),
        ("if any(_is_answer(verdict) for verdict in each.verdicts):", "if True:"),
    ],
    "classroom/reports/odd.py": [
        ("if open:", "if False:"),
        ("counted(shared.answered, 'student')", "counted(len(shared.sources), 'student')"),
    ],
    "classroom/reports/outputs.py": [
        ("if path.name not in pages.values():", "if False:"),
        ("(each.student.casefold(), each.student)", "0"),
    ],
}  # fmt: skip
