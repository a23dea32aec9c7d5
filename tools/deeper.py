"""Prove that each section of Deeper needs the line of its chapter, and nothing else.

    python tools/deeper.py                                 every chapter
    python tools/deeper.py notebooks/02_softmax.ipynb      one of them

Runs the line alone, once; then each section from a copy of that state (a fork), and compares what
its cells give with what is stored.  So the line needs no cell of Deeper either.  The first section
is left to the gate `pages`, which runs it right after the line anyway, and draws the pictures that
are not drawn here.  Where a system cannot fork, as Windows, nothing is proved.
"""

import os
import signal
import sys
import traceback
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from io import StringIO
from itertools import takewhile
from pathlib import Path

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from traitlets.config import Config

from course import PICTURE, ROOT, all_paths, kernel_environment, short
from rules.line import divided, is_code
from rules.page import Page, ignored, tags, written

LONGEST = 300  # seconds of processor time that a line or a section may take


class ResultHook(DisplayHook):
    """Keeps the value that a cell ends in."""

    def write_output_prompt(self):
        pass

    def write_format_data(self, format_dict, md_dict=None):
        self.shell.shown.append(format_dict)


class Publisher(DisplayPublisher):
    """Keeps what a cell displays."""

    def publish(self, data, metadata=None, **more):
        self.shell.shown.append(data)


class Shell(InteractiveShell):
    """Runs cells as a notebook's kernel does, and keeps what they give."""

    displayhook_class = ResultHook
    display_pub_class = Publisher

    def gives(self, source):
        """(the texts that a cell gives, kind by kind; the error that ended it, or None)."""
        self.shown, printed = [], StringIO()
        with redirect_stdout(printed), redirect_stderr(StringIO()):
            result = self.run_cell(source, store_history=True)
        plt.close("all")
        texts = [("stdout", printed.getvalue())] if printed.getvalue() else []
        for data in self.shown:
            data = [(kind, text) for kind, text in data.items() if isinstance(text, str)]
            texts += [(kind, PICTURE.sub("", text)) for kind, text in sorted(data)]
        return texts, result.error_before_exec or result.error_in_exec

    def showtraceback(self, *args, **more):
        pass

    def init_history(self):
        config = Config(HistoryManager={"enabled": False})
        self.update_config(config)
        super().init_history()


def stored(cell):
    """The texts that cell is stored with, kind by kind."""
    prints = "".join(written(o).get("stdout", "") for o in cell.outputs)
    shown = [output for output in cell.outputs if output.output_type not in ("stream", "error")]
    texts = [item for output in shown for item in sorted(written(output).items())]
    return [("stdout", prints)] * bool(prints) + texts


def run(shell, cells, place, compared):
    """Run cells; whether each went well and, where compared, gave what is stored."""
    for cell in filter(is_code, cells):
        got, error = shell.gives(cell.source)
        if error and "raises-exception" not in tags(cell):
            print(f"{place}, cell {cell.id}: {type(error).__name__}: {error}")
            return False
        if compared and not ignored(cell) and got != stored(cell):
            print(f"{place}, cell {cell.id}: {difference(stored(cell), got)}")
            return False
    return True


def difference(stored, got):
    """Where two lists of texts begin to differ, in words."""
    for (kind, old), (_, new) in zip(stored, got, strict=False):
        if old != new:
            same = takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False))
            at = sum(1 for _ in same)
            old, new = (text[max(0, at - 30) : at + 30] for text in (old, new))
            return f"{kind} is stored as ...{old!r}, and right after the line it is ...{new!r}"
    return f"{len(stored)} outputs are stored, {len(got)} come right after the line"


def in_a_copy(work):
    """Whether work() is true, done by a copy of this process, which then ends."""
    sys.stdout.flush()
    if copy := os.fork():
        code = os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1])
        if code not in (0, 1):
            print(f"    ended with {code}; {-signal.SIGPROF} says after {LONGEST} s of work")
        return code == 0
    code = 2
    try:
        signal.setitimer(signal.ITIMER_PROF, LONGEST)
        code = 0 if work() else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


def stands_alone(path):
    """Whether the line of a chapter, and each section of its Deeper after it, runs as stored."""
    line, sections = divided(Page(path))
    shell, name = Shell.instance(), short(path)
    os.chdir(path.parent)
    if not run(shell, line.cells, f"{name}, the line alone", compared=False):
        return False
    runs = [partial(run, shell, s.cells, f"{name}, {s.title}", True) for s in sections[2:]]
    return [in_a_copy(run) for run in runs].count(False) == 0


def main(arguments):
    """Run the command line; 0 when all is well."""
    if not hasattr(os, "fork"):
        print("skipped: this system has no fork")
        return 0
    if environment() != os.environ:
        os.execve(sys.executable, [sys.executable, __file__, *arguments], environment())
    import tantra.plot  # noqa: F401  once, for all copies

    Figure.savefig = lambda self, file, **more: file.write(b"a picture")
    paths = [Path(name).resolve() for name in arguments] or all_paths(ROOT, ["notebooks"])
    sections = {path: divided(Page(path))[1] for path in paths}  # the intro before the others
    parted = [path for path in paths if sections[path]]
    red = [path for path in parted if not in_a_copy(partial(stands_alone, path))]
    count = sum(len(sections[path]) - 1 for path in parted)
    print(f"{count} sections of Deeper in {len(parted)} chapters, each after the line", end="")
    print(f"; failed: {', '.join(map(short, red))}" if red else "")
    return 1 if red else 0


def environment():
    """The variables of a kernel on one thread; without a GPU, with which torch is not copied."""
    alone = {"OMP_NUM_THREADS": "1", "MPLBACKEND": "agg", "CUDA_VISIBLE_DEVICES": ""}
    return {**kernel_environment(ROOT / "notebooks"), **alone}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
