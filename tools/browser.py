"""Open every notebook in JupyterLab with a real browser, run all its cells, and look.

    python tools/browser.py                                 the whole course
    python tools/browser.py exercises/02_softmax.ipynb      one notebook

Red is: an error or a warning in an output, a cell that did not run, an error on the browser's
console, a request to another machine, a verse wider than a phone; each is first planted, to see
that it is noticed.  What each notebook looks like
is kept in shots/, a picture a screenful.  Works on a copy; nothing in the repository changes.
Uses Debian's Chromium: installs it where it is missing and that is possible, else says that this
was skipped (in CI, where CI=true, that is red).
"""

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from functools import partial
from pathlib import Path

from course import FOLDERS, ROOT, all_paths, kernel_environment, read, stored_form
from text import from_text

SHOTS = ROOT / "shots"
HERE = "127.0.0.1"
WIDTH, HEIGHT, PHONE = 1100, 1400, 390
PATIENCE = 1800  # seconds that anything may take here: a machine under load is no fault
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
PLANTED = {  # faults that the browser must see before its praise counts, each with its words
    "verse": ("HTML('<div style=\"width: 500px\">wide</div>')", "pixels wide, a phone"),
    "warns": ("import warnings; warnings.warn('planted')", "cell warns warns"),
    "complains": ("HTML('<script>console.error(\"planted\")</script>')", "console: planted"),
    "calls-out": ("HTML('<img src=\"http://192.0.2.1/a.png\">')", "outside: http://192.0.2.1"),
    "raises": ("1 / 0", "cell raises: ZeroDivisionError"),
    "after": ("1", "cell after did not run"),
}
SETTINGS = {
    # all cells drawn at once, so that pictures of the page show them
    "@jupyterlab/notebook-extension/tracker": '{"windowingMode": "none"}',
    "@jupyterlab/apputils-extension/notification": '{"fetchNews": "false"}',
}
RUN = """async ([path, seconds]) => {
    const commands = window.jupyterapp.commands;
    const openAndRun = async () => {
        const panel = await commands.execute("docmanager:open", {path, factory: "Notebook"});
        window.panel = panel;
        await panel.context.ready;
        await panel.sessionContext.ready;
        await commands.execute("notebook:run-all-cells");
        await panel.context.save();
        return true;
    };
    const late = new Promise(done => setTimeout(() => done(false), 1000 * seconds));
    return await Promise.race([openAndRun(), late]);
}"""
CLOSE = """async () => {
    await window.panel.sessionContext.shutdown();
    window.panel.close();
}"""


class SkippedError(Exception):
    """The browser cannot be had here."""


def find_chromium():
    """Where Chromium is, installed now if need be.  Raises SkippedError."""
    if found := shutil.which("chromium"):
        return found
    if not (shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0):
        raise SkippedError("no chromium here, and only root on Debian can install it")
    for words in ("update -q", "install -q -y --no-install-recommends chromium"):
        done = subprocess.run(["apt-get", *words.split()], capture_output=True, text=True)
    if found := shutil.which("chromium"):
        return found
    last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
    raise SkippedError(f"no chromium here, and apt-get could not install it: {last}")


def find_playwright():
    """The function that starts Playwright.  Raises SkippedError."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise SkippedError("no playwright here: pip install -e .[browser]") from None
    return sync_playwright


@contextlib.contextmanager
def jupyterlab(folder):
    """JupyterLab on a copy of the course in folder; yields its address, with the token."""
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / "course" / name, ignore=hidden)
    for name, text in SETTINGS.items():
        path = folder / "settings" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    token, port = secrets.token_hex(16), free_port()
    variables = {
        **kernel_environment("exercises"),  # as for a reader: checks print
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        "JUPYTER_TOKEN": token,
    }
    options = f"--ip={HERE} --port={port} --ServerApp.port_retries=0 --no-browser --allow-root"
    options += " --expose-app-in-browser --LabApp.extension_manager=readonly"
    options += f" --ServerApp.root_dir={folder / 'course'}"
    with open(folder / "server.log", "w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options.split()],
            env=variables,
            stdout=log,
            stderr=log,
        )
    try:
        await_server(server, f"http://{HERE}:{port}/api?token={token}", folder / "server.log")
        yield f"http://{HERE}:{port}/lab?token={token}&reset"
    finally:
        server.terminate()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()


def hidden(folder, names):
    """The names in folder that are not the course's."""
    return [name for name in names if name.startswith((".", "__"))]


def free_port():
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HERE, 0))
        return probe.getsockname()[1]


def await_server(server, address, log, seconds=PATIENCE):
    """Return once address answers; raises RuntimeError when the server ends before that."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=60):
            return
        time.sleep(0.3)
    how = "ended" if server.poll() is not None else f"did not answer in {seconds} seconds"
    raise RuntimeError(f"JupyterLab {how}:\n{log.read_text()[-2000:]}")


def with_devanagari(folder):
    """A font configuration with the course's own Devanagari added: servers often have none."""
    from devanagari_fonts import font_files

    path = folder / "fonts.conf"
    path.write_text(
        "<fontconfig><include ignore_missing='yes'>/etc/fonts/fonts.conf</include>"
        f"<dir>{Path(font_files()[0]).parent}</dir></fontconfig>"
    )
    return str(path)


class Visitor:
    """A browser that opens notebooks of the course at address and notes what goes wrong."""

    def __init__(self, browser, address, folder):
        self.folder = folder
        self.heard = []
        self.page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        self.page.set_default_timeout(1000 * PATIENCE)
        self.page.on("console", self.hear_console)
        self.page.on("pageerror", lambda error: self.heard.append(f"page error: {error}"))
        self.page.on("request", self.hear_request)
        self.page.goto(address)
        self.page.wait_for_function("window.jupyterapp !== undefined")
        self.page.evaluate(
            """async () => {
                const app = window.jupyterapp;
                await app.restored;
                await app.commands.execute("application:set-mode", {mode: "single-document"});
                app.shell.collapseLeft();
                app.shell.collapseRight();
            }"""
        )

    def hear_console(self, message):
        if message.type == "error":
            where = message.location.get("url", "").partition("?")[0]
            self.heard.append(f"console: {message.text[:300]} {where}")

    def hear_request(self, request):
        local = (f"http://{HERE}:", f"ws://{HERE}:", "data:", "blob:")
        if not request.url.startswith(local):
            self.heard.append(f"a request to outside: {request.url[:200]}")

    def sees_planted_faults(self):
        """Raises RuntimeError unless a notebook full of faults is found to be so."""
        cells = [f"%% code {name}\n{source}" for name, (source, _) in PLANTED.items()]
        text = "\n".join(["%% code first\nfrom IPython.display import HTML", *cells])
        (self.folder / "planted.ipynb").write_text(stored_form(from_text(text)))
        seen = "\n".join(self.visit("planted.ipynb", keep=False))
        if unseen := [name for name, (_, words) in PLANTED.items() if words not in seen]:
            raise RuntimeError(f"the browser overlooks planted faults: {unseen}; it saw:\n{seen}")

    def visit(self, name, keep=True):
        """Open and run the notebook name, and keep pictures of it; its problems, in words."""
        self.heard.clear()
        finished = self.page.evaluate(RUN, [name, PATIENCE])
        self.page.wait_for_timeout(500)
        if keep:
            self.photograph(name)
        wide = self.too_wide_for_a_phone()
        self.page.evaluate(CLOSE)
        late = [] if finished else [f"still running after {PATIENCE} seconds"]
        return [*late, *what_failed(read(self.folder / name)), *wide, *dict.fromkeys(self.heard)]

    def photograph(self, name):
        """Keep what the notebook looks like in shots/, screen by screen."""
        stem = SHOTS / name.removesuffix(".ipynb")
        stem.parent.mkdir(parents=True, exist_ok=True)
        for old in stem.parent.glob(f"{stem.name}-*.png"):
            old.unlink()
        scroll = """([start]) => {
            const outer = window.panel.content.outerNode ?? window.panel.content.node;
            outer.scrollTop = start;
            return [outer.scrollTop, outer.clientHeight, outer.scrollHeight];
        }"""
        start, number = 0, 1
        while True:
            top, height, total = self.page.evaluate(scroll, [start])
            self.page.wait_for_timeout(200)
            panel = self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
            panel.screenshot(path=f"{stem}-{number:02}.png")
            if top + height >= total - 1:
                return
            start, number = start + height - 80, number + 1

    def too_wide_for_a_phone(self):
        """A sentence when the verse of the open notebook does not fit a phone's width."""
        wide = self.page.evaluate(
            """width => {
                const cell = window.panel.content.widgets.find(w => w.model.id === "verse");
                const shown = cell?.node.querySelector(".jp-OutputArea .jp-RenderedHTMLCommon");
                if (!shown) return 0;
                const frame = document.createElement("div");
                frame.style.width = width + "px";
                frame.className = shown.className;
                frame.innerHTML = shown.innerHTML;
                document.body.append(frame);
                const found = frame.scrollWidth;
                frame.remove();
                return found;
            }""",
            PHONE,
        )
        return [f"the verse is {wide} pixels wide, a phone {PHONE}"] if wide > PHONE else []


def what_failed(notebook):
    """What a run of notebook left undone or did wrong, in words."""
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        if cell.execution_count is None:
            yield f"cell {cell.id} did not run"
        for output in cell.outputs:
            expected = "raises-exception" in cell.metadata.get("tags", ())
            if output.output_type == "error" and not expected:
                yield f"cell {cell.id}: {output.ename}: {output.evalue}"
            if output.get("name") == "stderr":
                yield f"cell {cell.id} warns: {output.text[-500:]}"


def visit_all(names, chromium, playwright):
    """Visit every notebook of names; True when all is well."""
    fine = True
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        jupyterlab(Path(folder)) as address,
        playwright() as play,
    ):
        browser = play.chromium.launch(
            executable_path=chromium,
            timeout=1000 * PATIENCE,
            args=FLAGS,
            env={**os.environ, "FONTCONFIG_FILE": with_devanagari(Path(folder))},
        )
        visitor = Visitor(browser, address, Path(folder) / "course")
        for problem in visitor.heard:
            fine = False
            print(f"FAILED  JupyterLab itself: {problem}", flush=True)
        visitor.sees_planted_faults()
        for name in names:
            started = time.monotonic()
            problems = visitor.visit(name)
            fine = fine and not problems
            word, seconds = "FAILED" if problems else "ok", time.monotonic() - started
            print(f"{word}  {name}, {seconds:.0f} s", *problems, sep="\n  ", flush=True)
        browser.close()
    print(f"{len(names)} notebooks opened and run in a browser; look at them in {SHOTS.name}/")
    return fine


def in_browser(tool, look):
    """0 when look(chromium, playwright) finds all well; without a browser only CI minds."""
    try:
        playwright, chromium = find_playwright(), find_chromium()
    except SkippedError as reason:
        print(f"{tool}: skipped, {reason}")
        return 1 if os.environ.get("CI") == "true" else 0
    return 0 if look(chromium, playwright) else 1


def main(arguments):
    """Run the command line; 0 when all is well."""
    paths = [Path(name).resolve() for name in arguments] or all_paths()
    names = [path.relative_to(ROOT).as_posix() for path in paths]
    return in_browser("browser", partial(visit_all, names))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
