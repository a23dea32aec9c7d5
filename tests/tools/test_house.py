"""The files that set the course up agree with each other."""

import re
import shutil
import subprocess
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from rattler import MatchSpec

import conda_pip
import environment
from course import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())
PINS = {
    canonicalize_name(pin.name): pin
    for line in (ROOT / "constraints.txt").read_text().splitlines()
    if line and not line.startswith("#")
    for pin in [Requirement(line)]
}
EXTRAS = PROJECT["optional-dependencies"].values()
NEEDED = [*PROJECT["dependencies"], *(need for extra in EXTRAS for need in extra)]


@pytest.mark.parametrize("text", NEEDED)
def test_every_package_has_a_tested_version_in_its_range(text):
    need = Requirement(text)
    (pin,) = PINS[canonicalize_name(need.name)].specifier
    assert pin.operator == "=="
    assert need.specifier.contains(pin.version)


def test_constraints_hold_on_every_platform():
    for pin in PINS.values():
        (exact,) = pin.specifier
        assert exact.operator == "=="
        assert "+" not in exact.version, f"{pin}: a local build is on no other machine"
        assert not pin.url


def test_the_oldest_python_is_the_same_everywhere():
    oldest = SpecifierSet(PROJECT["requires-python"])
    guard = re.search(r"sys\.version_info < \((\d+), (\d+)\)", open_text("tools/environment.py"))
    assert str(oldest) == f">={guard[1]}.{guard[2]}"
    (python,) = [MatchSpec(d) for d in CONDA["dependencies"] if str(d).startswith("python")]
    assert str(oldest) in str(python.version)
    assert f"Python {guard[1]}.{guard[2]} or newer" in open_text("README.md")


def open_text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_conda_can_read_the_environment():
    assert set(CONDA) == {"name", "channels", "dependencies"}
    specs = [MatchSpec(d, strict=True) for d in CONDA["dependencies"] if isinstance(d, str)]
    assert {spec.name.normalized for spec in specs} == {"python", "pip"}
    assert conda_pip.pip_section(open_text("environment.yml")) == [
        "--constraint constraints.txt",
        "--editable .[course]",
    ]


def make(*words, cwd=ROOT):
    done = subprocess.run(["make", *words], cwd=cwd, capture_output=True, text=True, check=True)
    return done.stdout


def targets():
    return re.findall(r"^([a-z]+):", open_text("Makefile"), flags=re.MULTILINE)


def test_help_names_every_target():
    assert re.findall(r"^make (\w+) +\S", make(), flags=re.MULTILINE) == targets()
    phony = re.search(r"^\.PHONY: (.*)", open_text("Makefile"), flags=re.MULTILINE)
    assert phony[1].split() == targets()


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", ".ci/run"])
def test_every_make_command_that_is_named_exists(name):
    named = re.findall(r"(?:^|[`$] ?)make ([a-z]+)", open_text(name), flags=re.MULTILINE)
    assert named
    assert set(named) <= set(targets())


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_every_file_that_is_named_exists(name):
    links = re.findall(r"\]\(([^):#]+)\)", open_text(name))
    commands = re.findall(r"\b(?:tools|tests)/\w+\.py\b", open_text(name))
    assert not [file for file in {*links, *commands} if not (ROOT / file).exists()]


def test_every_tool_in_the_makefile_exists():
    for tool in re.findall(r"tools/\w+\.py", open_text("Makefile") + open_text(".ci/run")):
        assert (ROOT / tool).exists(), tool


def test_clean_leaves_what_the_learner_made(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    kept = [
        "notebooks/00_begin.ipynb",
        "notebooks/my_own.ipynb",
        "notebooks/.ipynb_checkpoints/00_begin-checkpoint.ipynb",
        "exercises/02_softmax.ipynb",
        ".tantra/progress.json",
        "tantra/arrays.py",
        "tests/test_arrays.py",
        "tools/lab.py",
    ]
    swept = [
        ".venv/bin/python",
        ".cache/conda-pip-passed",
        "tantra/__pycache__/arrays.pyc",
        "transformer_tantra.egg-info/PKG-INFO",
    ]
    for name in kept + swept:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    make("clean", cwd=tmp_path)
    left = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    assert left == {"Makefile", *kept}


def test_the_citation_says_what_the_format_asks_for():
    citation = yaml.safe_load(open_text("CITATION.cff"))
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors", "type", "license"} <= set(citation)
    assert all(author["name"] for author in citation["authors"])
    assert citation["version"] == PROJECT["version"]
    assert set(citation["license"]) == {"MIT", "CC-BY-4.0"}


def test_the_licence_has_both_parts():
    text = " ".join(open_text("LICENSE").split())
    assert "Permission is hereby granted, free of charge" in text
    assert "https://creativecommons.org/licenses/by/4.0/legalcode" in text
    assert PROJECT["license"] == "MIT AND CC-BY-4.0"
    assert PROJECT["license-files"] == ["LICENSE"]


def test_set_up_knows_the_course():
    assert environment.ROOT == ROOT
