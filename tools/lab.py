"""Open JupyterLab on the first notebook.

    python tools/lab.py                              (make lab)
    python tools/lab.py notebooks/02_softmax.ipynb   on another one

It prints the address too, for machines without a desktop.
"""

import os
import socket
import subprocess
import sys
import webbrowser
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIRST = "notebooks/00_begin.ipynb"
SETTINGS = ROOT / "tools/settings"  # JupyterLab reads overrides.json there


def free_port(first=8888, tries=100):
    """The first port, from `first` on, on which nobody listens."""
    for port in range(first, first + tries):
        with socket.socket() as door:
            try:
                door.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise SystemExit(f"Ports {first} to {first + tries - 1} are all taken: close some programs.")


def has_browser():
    """True where a browser with a window can be opened."""
    if sys.platform.startswith("linux") and not {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ):
        return False
    try:
        return bool(webbrowser.get())
    except webbrowser.Error:
        return False


def is_root():
    return hasattr(os, "geteuid") and os.geteuid() == 0


def arguments(notebook, port, browser, root):
    """JupyterLab's command line: this course's folder, few messages, no request to outside."""
    import zmq

    options = [
        f"--ServerApp.root_dir={ROOT}",
        f"--LabApp.default_url=/lab/tree/{notebook}",
        f"--ServerApp.port={port}",
        f"--ServerApp.open_browser={browser}",
        "--ServerApp.answer_yes=True",  # Ctrl-C stops it without asking
        "--ServerApp.log_level=ERROR",
        "--LabApp.log_level=ERROR",
        f"--LabApp.app_settings_dir={SETTINGS}",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        f"--KernelManager.transport_encryption={'auto' if zmq.has('curve') else 'disabled'}",
    ]
    if root:
        options += ["--allow-root"]
    return options


def unchanged(root=ROOT):
    """The notebooks in root that are as the course has them; none where git cannot tell."""

    def git(*words):
        command = ["git", *words, "--", "*.ipynb"]
        done = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
        return set(done.stdout.splitlines())

    try:
        names = git("ls-files") - git("diff", "--name-only", "--relative", "HEAD")
    except (OSError, subprocess.CalledProcessError):
        return []
    return [root / name for name in sorted(names)]


def trust(paths):
    """Sign the notebooks: JupyterLab strips drawings from the outputs of unsigned ones."""
    import nbformat
    from nbformat.sign import NotebookNotary

    notary = NotebookNotary()
    for path in paths:
        notary.sign(nbformat.read(path, as_version=4))


def main(names):
    from jupyterlab.labapp import LabApp

    notebook = names[0] if names else FIRST
    trust(unchanged())
    port, browser = free_port(), has_browser()
    print(f"JupyterLab opens {notebook} on port {port}. To stop it, press Ctrl-C here.", flush=True)
    os.chdir(ROOT)
    LabApp.launch_instance(arguments(notebook, port, browser, is_root()))


if __name__ == "__main__":
    main(sys.argv[1:])
