"""Where the course's notebooks are, and the one form in which they are stored."""

import os
import re
import tempfile
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("notebooks", "solutions", "exercises")
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
PICTURE = re.compile(r"data:image/png;base64,[A-Za-z0-9+/=\s]+")


def all_paths(root=ROOT, folders=FOLDERS):
    """Every notebook of the course, folder by folder, in reading order."""
    found = [path for folder in folders for path in sorted((root / folder).glob("*.ipynb"))]
    return [path for path in found if ".mine-" not in path.name]  # see tools/aside.py


def read(path):
    """The notebook stored at path."""
    return nbformat.read(path, as_version=4)


def stored_form(notebook):
    """The text of notebook as the course stores it: no metadata but tags, reasons and folding."""
    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for cell in notebook.cells:
        kept = {key: cell.metadata[key] for key in ("tags", "reason") if cell.metadata.get(key)}
        if folded(cell):
            kept["jupyter"] = {"source_hidden": True}
        cell.metadata = nbformat.from_dict(kept)
        cell.pop("attachments", None)
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


def folded(cell):
    """Whether JupyterLab shows the source of a code cell only after a click."""
    hidden = cell.metadata.get("jupyter", {}).get("source_hidden")
    return cell.cell_type == "code" and bool(hidden)


def without_outputs(notebook):
    """The same notebook, changed in place, as if it had never run."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def write_whole(path, text):
    """Write text to path, whole or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def kernel_environment(folder, strict=None):
    """The variables a kernel starts with, so that a page prints the same everywhere.

    Checks raise in solutions/; notebooks/ show failing ones, exercises/ are unsolved.
    OMP_NUM_THREADS is 1 unless it is given from outside.
    """
    environment = {
        "OMP_NUM_THREADS": "1",
        **os.environ,
        "PYTHONHASHSEED": "0",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "TQDM_DISABLE": "1",
        "TANTRA_RUN": "short",  # chapters that train longer for a reader
        "TANTRA_PROGRESS": "memory",
        "IPYTHONDIR": ipython_folder(),
    }
    for name in ("TANTRA_STRICT", "MPLBACKEND"):  # the reader's kernel draws inline
        environment.pop(name, None)
    if strict if strict is not None else Path(folder).name == "solutions":
        environment["TANTRA_STRICT"] = "1"
    return environment


def ipython_folder():
    """An empty IPython profile for this user, so that personal start-up files change nothing."""
    user = os.getuid() if hasattr(os, "getuid") else "user"
    folder = Path(tempfile.gettempdir()) / f"tantra-ipython-{user}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return str(folder)


def short(path):
    """path as seen from the repository's root."""
    path = Path(path).resolve()
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
