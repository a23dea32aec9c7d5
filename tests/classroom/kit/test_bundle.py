"""The students' zip holds what students need, and no answer."""

import ast
import io
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile

import pytest

from tantra.classroom.__main__ import main
from tantra.classroom.kit import bundle, trees
from tantra.classroom.kit.links import LINK, aimed
from tantra.classroom.kit.place import ROOT, all_names

NAMES = ["02_softmax", "03_attention"]


@pytest.fixture(scope="module")
def files():
    return bundle.contents(NAMES)


@pytest.fixture(scope="module")
def answers():
    return bundle.answers()


class Renamed(ast.NodeTransformer):
    """Gives every variable another name; tantra keeps its own."""

    def visit_Name(self, node):
        return node if node.id == "tantra" else ast.Name(f"{node.id}_2", node.ctx)

    def visit_arg(self, node):
        return ast.arg(f"{node.arg}_2")

    def visit_FunctionDef(self, node):
        node.name = f"{node.name}_2"
        return self.generic_visit(node)


def planted():
    """(solution's name, cell, its source without comments and with other names), for each task."""
    for name in all_names():
        for cell in bundle.Page(ROOT / "solutions" / f"{name}.ipynb").code:
            if "task" in bundle.tags(cell):
                tree = ast.parse(trees.MAGIC.sub("", cell.source))
                yield name, cell.id, ast.unparse(tree), ast.unparse(Renamed().visit(tree))


def test_every_solution_has_answers(answers):
    assert {answer.page for answer in answers} == set(all_names())
    tasks = {(name, cell) for name, cell, *_ in planted()}
    assert {(answer.page, answer.cell) for answer in answers} == tasks


def test_no_answer_stands_in_any_zip(answers):
    bundle.refuse_answers(bundle.contents(all_names()))


def test_every_answer_is_noticed_where_it_is_planted(answers):
    search = trees.Search(answers)
    for name, cell, plain, renamed in planted():
        (answer,) = {str(one) for one in answers if (one.page, one.cell) == (name, cell)}
        assert answer in {str(one) for one in search.found_in(plain)}
        long = [one for one in answers if str(one) == answer and "'_0'" in one.tree]
        if long:
            assert answer in {str(one) for one in search.found_in(renamed)}, (name, cell)


@pytest.mark.parametrize("kind", ["code", "printed", "text", "tool", "readme"])
def test_a_zip_with_a_planted_answer_is_not_written(files, tmp_path, monkeypatch, kind):
    name, _, _, renamed = next(one for one in planted() if one[0] == "04_heads")
    place = "notebooks/02_softmax.ipynb"
    notebook = json.loads(files[place])
    new = {"cell_type": "code", "id": "new", "source": "", "outputs": []}
    if kind == "code":
        new["source"] = f"%matplotlib inline\n{renamed}"
    elif kind == "printed":
        new["outputs"] = [{"output_type": "stream", "text": ["here:\n", f"{renamed}\n"]}]
    elif kind == "text":
        new = {"cell_type": "markdown", "source": f"So:\n\n```python\n{renamed}\n```\n"}
    notebook["cells"].append(new)
    spoiled = {place: json.dumps(notebook).encode()}
    if kind == "tool":
        spoiled = {(place := "tools/lab.py"): files["tools/lab.py"] + f"\n{renamed}\n".encode()}
    if kind == "readme":
        spoiled = {(place := "README.md"): f"```python\n{renamed}\n```\n".encode()}
    monkeypatch.setattr(bundle, "contents", lambda *_: files | spoiled)
    with pytest.raises(bundle.SolvedError, match=f"{place} holds the answer of solutions/{name}"):
        bundle.write(NAMES, tmp_path / "class.zip")
    assert list(tmp_path.iterdir()) == []


def test_a_page_that_somebody_solved_is_refused(tmp_path):
    for folder in ("solutions", "exercises"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "00_begin.ipynb").write_bytes(
            (ROOT / folder / "00_begin.ipynb").read_bytes()
        )
    path = tmp_path / "exercises" / "00_begin.ipynb"
    assert bundle.page(path, "exercises/00_begin.ipynb", set())
    notebook = json.loads(path.read_text("utf-8"))
    (task, *_) = [cell for cell in notebook["cells"] if cell["id"].endswith("-write")]
    task["source"] = ["mine = 3"]
    path.write_text(json.dumps(notebook), encoding="utf-8")
    with pytest.raises(bundle.SolvedError, match="cell task-1-write, is not as students should"):
        bundle.page(path, "exercises/00_begin.ipynb", set())


def test_it_holds_the_chosen_chapters_and_no_teachers_files(files):
    pages = sorted(place for place in files if place.endswith(".ipynb"))
    assert pages == sorted(f"{f}/{n}.ipynb" for f in ("notebooks", "exercises") for n in NAMES)
    tops = {place.partition("/")[0] for place in files}
    assert not tops & {"solutions", "tests", "teaching", "benchmarks", ".git"}
    assert not [place for place in files if "classroom" in place or ".mine-" in place]
    assert "exercises/AGENTS.md" in files


def test_it_holds_every_file_of_the_library_but_the_teachers(files):
    known = subprocess.run(
        ["git", "ls-files", "-z", "tantra"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    library = {name for name in known.stdout.split("\0") if name}
    library = {name for name in library if not name.startswith("tantra/classroom/")}
    assert {place for place in files if place.startswith("tantra/")} >= library
    assert "tantra/plot/views.js" in library


def test_every_file_that_a_page_reads_is_there():
    files = bundle.contents(all_names())
    read = set()
    for place in (place for place in files if place.endswith(".ipynb")):
        cells = json.loads(files[place])["cells"]
        code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        named = set(re.findall(r"""["']([\w./-]+\.\w+)["']""", code))
        read |= {f"{top}{name}" for top in ("", "tantra/") for name in named}
    read = {name for name in read if (ROOT / name).is_file()}
    assert {"examples/train.py", "tantra/metre/recipes.json"} <= read <= set(files)


def test_every_link_leads_to_a_file_that_is_there(files):
    texts = {place: text.decode() for place, text in files.items() if place.endswith(".md")}
    for place in files:
        if place.endswith(".ipynb"):
            cells = json.loads(files[place])["cells"]
            prose = ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
            texts[place] = "\n\n".join(prose)
    targets = {
        (p, aimed(target, p)) for p, text in texts.items() for _, target in LINK.findall(text)
    }
    assert len(targets) > len(NAMES)
    assert [pair for pair in targets if pair[1] not in {None, *files}] == []
    assert "*Not in this folder: chapter 01" in texts["notebooks/02_softmax.ipynb"]


def test_the_same_course_gives_the_same_bytes(files, tmp_path):
    again = dict(reversed(bundle.contents(NAMES).items()))
    assert bundle.packed(files) == bundle.packed(again)
    with zipfile.ZipFile(io.BytesIO(bundle.packed(files))) as archive:
        assert archive.testzip() is None
        assert {entry.date_time for entry in archive.infolist()} == {bundle.EPOCH}
        assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o100644}
        assert {entry.filename for entry in archive.infolist()} == {
            f"tantra-class/{p}" for p in files
        }


def test_its_project_is_the_courses_without_the_teachers_command(files):
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    ours["project"].pop("scripts", None)
    assert tomllib.loads(files["pyproject.toml"].decode()) == ours
    with_script = (
        '[project]\nname = "a"\n\n[project.scripts]\nx = "a:b"\ny = "a:c"\n\n[tool.z]\nq = 1\n'
    )
    assert tomllib.loads(bundle.SCRIPTS.sub("", with_script)) == {
        "project": {"name": "a"},
        "tool": {"z": {"q": 1}},
    }


def test_a_student_can_run_a_check_in_it(files, tmp_path):
    assert main(["class", "--chapters", "2", "--out", str(tmp_path / "a.zip")]) == 0
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        archive.extractall(tmp_path)
    folder = tmp_path / "tantra-class"
    page = json.loads((folder / "exercises/02_softmax.ipynb").read_text("utf-8"))
    code = ["".join(cell["source"]) for cell in page["cells"] if cell["cell_type"] == "code"]
    code.append("import tantra; print(tantra.__file__)")
    variables = {**os.environ, "PYTHONPATH": str(folder), "TANTRA_PROGRESS": "memory"}
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(code)],
        cwd=folder / "exercises",
        env={name: value for name, value in variables.items() if name != "TANTRA_STRICT"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    assert done.stdout.count("not written yet") == len([c for c in code if c.startswith("check.")])
    assert done.stdout.splitlines()[-1].startswith(str(folder))


def test_its_own_pages_name_only_what_is_there(files):
    for place in ("README.md", "Makefile"):
        text = files[place].decode()
        assert "FIRST" not in text
        assert "CHAPTERS" not in text
        named = re.findall(r"(?:tools|notebooks|exercises)[/\\]\w+\.\w+", text)
        assert named
        assert {name.replace("\\", "/") for name in named} <= set(files)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["class", "--chapters", "sofmax"], "did you mean 02_softmax?"),
        (["class", "--out", "."], ". is a folder: name the zip"),
        (["clas"], "there is no command 'clas': there are grade, class, material"),
    ],
)
def test_bad_input_gets_one_sentence(words, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    assert said in (sentence := capsys.readouterr().err)
    assert sentence.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
