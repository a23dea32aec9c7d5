"""What others need to join: packages that are complete, and files that their hosts can read."""

import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile

import pytest
import yaml
from trove_classifiers import classifiers

from course import ROOT

BUILD = "import sys; from setuptools import build_meta as b; print(getattr(b, sys.argv[1])('out'))"
NOT_SHIPPED = {".gitignore"}
USE = """
import sys
import tantra, tantra.metre.trained, torch
from tantra import check, verse
assert tantra.__file__.startswith(sys.argv[1]), tantra.__file__
assert "softmax" in dir(check) and check.softmax.judge(lambda x: x).status == "failed"
assert verse("softmax") is not None and tantra.course_text()
assert tantra.metre.trained.trained_model()(torch.tensor([[1, 2]])).shape[-1] > 2
assert tantra.metre.judge(next(tantra.metre.half_verses())).verse
print("used")
"""


def tracked():
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    return {name for name in done.stdout.decode().split("\0") if name and (ROOT / name).is_file()}


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """The wheel and the source archive, built from a copy of what git holds."""
    place = tmp_path_factory.mktemp("packages")
    for name in tracked():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes((ROOT / name).read_bytes())
    built = []
    for kind in ("build_wheel", "build_sdist"):
        done = subprocess.run(
            [sys.executable, "-c", BUILD, kind],
            cwd=place,
            capture_output=True,
            text=True,
            check=True,
        )
        built.append(place / "out" / done.stdout.splitlines()[-1])
    return built


def test_the_source_archive_holds_what_git_holds(packages):
    with tarfile.open(packages[1]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert tracked() - names == NOT_SHIPPED


def test_the_wheel_holds_the_library_whole_and_nothing_else(packages):
    with zipfile.ZipFile(packages[0]) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert names == {name for name in tracked() if name.startswith("tantra/")}


def test_the_wheel_works_from_another_folder(packages, tmp_path):
    with zipfile.ZipFile(packages[0]) as wheel:
        wheel.extractall(tmp_path / "site")
    done = subprocess.run(
        [sys.executable, "-c", USE, str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "used\n", done.stderr


def test_the_metadata_is_known_to_the_index():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(project["classifiers"]) <= classifiers
    assert project["authors"]


SCHEMAS = {
    "vendor.github-workflows": ".github/workflows",
    "vendor.github-issue-forms": ".github/ISSUE_TEMPLATE",
    "vendor.citation-file-format": "CITATION.cff",
}


def checked(schema, *files):
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *files]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_hosts_files_keep_its_rules(schema):
    place = ROOT / SCHEMAS[schema]
    files = sorted(place.iterdir()) if place.is_dir() else [place]
    done = checked(schema, *files)
    assert done.returncode == 0, done.stdout


def test_a_workflow_that_breaks_a_rule_is_found(tmp_path):
    (tmp_path / "bad.yml").write_text("on: push\njobs: {one: {steps: [{run: true}]}}\n")
    command = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        "vendor.github-workflows",
    ]
    done = subprocess.run([*command, tmp_path / "bad.yml"], capture_output=True, text=True)
    assert done.returncode != 0


def test_the_workflow_runs_what_ci_runs():
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]
    assert "bash .ci/run" in [step.get("run") for step in jobs["everything"]["steps"]]
