"""Prove that the pip section of environment.yml works in an empty environment.

    python tools/conda_pip.py

conda itself is not needed: as conda does, this writes the section to a requirements file beside
environment.yml and hands it to pip. One notebook is then run in the new environment.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

import environment
from course import ROOT, kernel_environment

NOTEBOOK = ROOT / "notebooks/02_softmax.ipynb"
FILES = ("environment.yml", "pyproject.toml", "constraints.txt")
PASSED = ROOT / ".cache/conda-pip-passed"


def pip_section(text):
    """The lines that environment.yml hands to pip."""
    for dependency in yaml.safe_load(text)["dependencies"]:
        if isinstance(dependency, dict):
            return dependency["pip"]
    raise ValueError("environment.yml has no pip section")


def install_section(place):
    """Make an empty environment and install the section into it, as conda would."""
    environment.create(place)
    lines = pip_section((ROOT / "environment.yml").read_text(encoding="utf-8"))
    file = ROOT / f"condaenv.{os.getpid()}.requirements.txt"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    try:
        environment.install(place, ["--upgrade", "--requirement", file.name])
    finally:
        file.unlink()


def run_notebook(place):
    """Run one notebook with the environment's own Jupyter."""
    command = [environment.python_in(place), "-m", "nbconvert", "--to", "notebook", "--execute"]
    command += ["--log-level=ERROR", "--output-dir", place, NOTEBOOK]
    variables = kernel_environment(NOTEBOOK.parent)
    subprocess.run(command, check=True, cwd=ROOT, env=variables)


def main():
    seen = sys.version + "".join((ROOT / name).read_text(encoding="utf-8") for name in FILES)
    in_ci = bool(os.environ.get("CI"))
    if not in_ci and PASSED.exists() and PASSED.read_text(encoding="utf-8") == seen:
        return f"passed before with the same {', '.join(FILES)}"
    place = Path(tempfile.mkdtemp()) / "environment"
    try:
        install_section(place)
        run_notebook(place)
    except environment.NetworkError as error:
        if in_ci:
            raise
        return f"skipped: {error}"
    finally:
        shutil.rmtree(place.parent)
    PASSED.parent.mkdir(exist_ok=True)
    PASSED.write_text(seen, encoding="utf-8")
    return f"{NOTEBOOK.name} ran in an empty environment"


if __name__ == "__main__":
    print(main())
