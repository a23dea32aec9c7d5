"""Try every view in a real browser: click, keys, both themes, a phone, no script, no trust.

    python tools/views_pages.py

Each kind of view stands on a page of its own, as a notebook stores it, and in JupyterLab.  Red is:
an error on the console, a request to anywhere, a page wider than a phone, a button or a key that
changes nothing, a control without a name, a sentence or a number that the library does not give, a
picture that is gone where scripts do not run.  Each is first planted, to see that it is noticed.
Pictures are kept in shots/views/.  Where there is no browser this is skipped (in CI, where CI=true,
that is red).
"""

import sys
import tempfile
from pathlib import Path

import nbformat

from browser import (
    CLOSE,
    FLAGS,
    HERE,
    SHOTS,
    in_browser,
    jupyterlab,
)
from course import ROOT

sys.path.insert(0, str(ROOT / "tests"))

import view_samples

import views_numbers

WIDTHS = {"wide": 900, "phone": 390}
THEMES = {"light": "#ffffff; color: #1f1f1f", "dark": "#111111; color: #e6e6e6"}
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>view</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,"></head>
<body style="margin: 16px; font-family: sans-serif; background: {colours}">{view}</body></html>"""
STATE = """() => {
    const view = document.querySelector(".tantra-view");
    if (!view) return null;
    const named = [...view.querySelectorAll("button, input")].filter(control =>
        !(control.getAttribute("aria-label") || control.textContent.trim()
          || control.labels?.[0]?.textContent.trim()));
    return {said: view.querySelector("[role=status]")?.textContent ?? "", nameless: named.length,
            wide: document.documentElement.scrollWidth - innerWidth,
            stops: view.querySelectorAll("button[tabindex='0'], input").length,
            groups: view.querySelectorAll("[role=group], input").length};
}"""
PLANTED = {  # a change of a good page, and the words that must be heard of it
    "raises": (("make(\"style\"", "nothing.here; make(\"style\""), "page error"),
    "calls": (("<script>", '<img src="http://192.0.2.1/a.png" alt=""><script>'), "a request"),
    "wide": (("<script>", '<p style="width: 600px">wide</p><script>'), "wider than"),
    "deaf": (("button.onclick", "button.never"), "a click on"),
    "keyless": (("box.onkeydown", "box.never"), "the key"),
    "moved": (("<script>", "<style>.tv-row::before { content: 'x'; width: 30px }</style><script>"),
              "the page's own style"),
    "silent": (("say.textContent =", "say.never ="), "nothing is said"),
    "nameless": (('button.setAttribute("aria-pressed"', 'button.textContent = ""; '
                  'button.setAttribute("aria-pressed"'), "without a name"),
    "flat": (("ArrowDown: columns || 1", "ArrowDown: 1"), "the key ArrowDown"),
    "empty": (("<img alt", "<span alt"), "no picture"),
    "stuck": (("input.oninput", "input.never"), "of a slider change nothing"),
}  # fmt: skip
PLANTED_IN = {"stuck": "sampling"}  # all others in look
NUMBERS = [(name, *fault) for name, faults in views_numbers.PLANTED.items() for fault in faults]
SAID = {  # of a sample: the last group's buttons to click, and what must then be said
    "lens": {
        0: "Lens, embedding, at the (position 0): the comes first, 79 %. The answer, cat, gets "
           "4 %; by frequencies 17 %.",
        9: "Lens, block 2, at cat (position 1): sat comes first, 40 %. The answer, sat, gets 40 %; "
           "by frequencies 15 %.",
        10: "Lens, block 2, at <b> (position 2): <b> comes first, 79 %. No answer is known here.",
    },
    "lens_measured": {
        11: "Lens, block 2, at ⏎ (position 3): ⏎ comes first, 79 %. The answer, the, gets 4 %.",
    },
    "roofline": {
        0: "One row: 0.5 FLOP/byte, below the ridge of 5, so the bandwidth binds: 10 GB/s allow at "
           "most 5 GFLOP/s. Reached: 4, 80 % of that.",
        2: "At the ridge: 5 FLOP/byte, not below the ridge of 5, so the peak binds: at most 50 "
           "GFLOP/s. Reached: 5, 10 % of that.",
    },
}  # fmt: skip
UNTRUE = {  # a change of a sample's page that makes its sentences untrue
    "lens": ("cells.map((of) => of[n][t])", "cells.map((of) => of[0][t])"),
    "lens_measured": (
        "const share = (percent) => (percent ?",
        "const share = (percent) => (!percent ?",
    ),
    "roofline": ("(100 * speed) / most", "(100 * most) / speed"),
}


class Visitor:
    """Opens pages in a browser and notes what is wrong with them."""

    def __init__(self, browser):
        self.browser = browser

    def problems(self, view, shot=""):
        """What is wrong with a view's page, in words, over themes and widths."""
        found = self.without_scripts(view)
        for theme, colours in THEMES.items():
            for width in WIDTHS:
                page, heard = self.opened(PAGE.format(colours=colours, view=view), WIDTHS[width])
                where = f"{theme}, {width}: "
                found += [where + problem for problem in [*self.tried(page), *heard]]
                if shot:
                    SHOTS.joinpath("views").mkdir(parents=True, exist_ok=True)
                    path = SHOTS / "views" / f"{shot}-{theme}-{width}.png"
                    page.screenshot(path=path, full_page=True)
                page.context.close()
        return found

    def other_numbers(self, name, view):
        """Where the page of a sample shows other numbers than the library gives."""
        page, _ = self.opened(PAGE.format(colours=THEMES["light"], view=view), WIDTHS["wide"])
        found = list(views_numbers.problems(name, page))
        page.context.close()
        return found

    def untrue(self, name, view):
        """What the page of a sample says of its numbers, where that is something else than SAID."""
        page, _ = self.opened(PAGE.format(colours=THEMES["light"], view=view), WIDTHS["wide"])
        for place, words in SAID.get(name, {}).items():
            page.locator(".tantra-view [role=group]").last.locator("button").nth(place).click()
            said = page.locator(".tantra-view [role=status]").text_content()
            if said != words:
                yield f"button {place}: said is {said!r}, true is {words!r}"
        page.context.close()

    def opened(self, text, width, scripts=True):
        """(a page that shows text, the list of what it is heard to do wrong)."""
        context = self.browser.new_context(
            viewport={"width": width, "height": 700}, java_script_enabled=scripts
        )
        page, heard = context.new_page(), []
        page.on("pageerror", lambda error: heard.append(f"page error: {error}"))
        page.on("console", lambda m: m.type == "error" and heard.append(f"console: {m.text[:200]}"))
        page.on("request", lambda r: r.url.startswith(("data:", "about:"))
                or heard.append(f"a request to {r.url[:100]}"))  # fmt: skip
        page.route("http://**", lambda route: route.abort())  # heard, and not waited for
        page.set_content(text)
        page.wait_for_timeout(50)
        return page, heard

    def without_scripts(self, view):
        """Where scripts are off, the picture stands there."""
        text = PAGE.format(colours=THEMES["light"], view=view)
        page, heard = self.opened(text, WIDTHS["phone"], scripts=False)
        shown = page.locator("div[data-tantra-view] > img").count() == 1
        page.context.close()
        return [*heard, *([] if shown else ["no picture where scripts are off"])]

    def tried(self, page):
        """What a reader who clicks and presses keys finds wrong."""
        state = page.evaluate(STATE)
        if not state:
            yield "no view came"
            return
        if state["wide"] > 0:
            yield f"{state['wide']} pixels wider than the page"
        if state["nameless"]:
            yield f"{state['nameless']} controls without a name"
        if len(state["said"]) < 20:
            yield f"nothing is said: {state['said']!r}"
        yield from used(page)


def used(page):
    """Each group of controls must answer a click and a key with another sentence."""

    def said():
        return page.locator(".tantra-view [role=status]").all_text_contents()

    groups = page.locator(".tantra-view [role=group]")
    for i in range(groups.count()):
        buttons = groups.nth(i).locator("button:enabled")
        if buttons.count() < 2:
            continue
        if buttons.first.bounding_box()["x"] > groups.nth(i).bounding_box()["x"] + 1:
            yield "the page's own style moves the first button of a group"
        buttons.first.click()
        name, first = buttons.first.text_content(), said()
        buttons.nth(1).click()
        if said() == first:
            yield f"a click on the button after {name!r} changes nothing"
        before = said()
        buttons.nth(1).press("ArrowLeft")
        if said() == before:
            yield "the key ArrowLeft changes nothing"
        if page.evaluate("document.activeElement.textContent") != name:
            yield "the key ArrowLeft does not move the focus"
        yield from below(page, groups.nth(i), buttons)
    for slider in page.locator(".tantra-view input[type=range]").all():
        stood, before = slider.input_value(), said()
        slider.focus()
        slider.press("End")
        after_end = said()
        slider.press("Home")
        if before == after_end == said():
            yield "the keys End and Home of a slider change nothing"
        slider.fill(stood)  # where it would have no effect, another may have none either


def below(page, group, buttons):
    """In a grid of several rows the key ArrowDown goes to the button below the first."""
    boxes = [button.bounding_box() for button in buttons.all()]
    under = [i for i, box in enumerate(boxes) if box["y"] > boxes[0]["y"]]
    if "tv-grid" in group.get_attribute("class") and under:
        buttons.first.press("ArrowDown")
        if not buttons.nth(under[0]).evaluate("button => button === document.activeElement"):
            yield "the key ArrowDown does not go to the button below"


def in_jupyterlab(browser, folder):
    """What is wrong with the views in JupyterLab, untrusted as stored, then run."""
    cells = [f"import view_samples\nview_samples.ALL[{name!r}]()" for name in view_samples.ALL]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    for cell, sample in zip(notebook.cells, view_samples.ALL.values(), strict=True):
        data = view_samples.page_of(sample)
        cell.outputs = [nbformat.v4.new_output("display_data", data)]
    with jupyterlab(folder) as address:
        course = folder / "course"
        (course / "views.ipynb").write_text(nbformat.writes(notebook))
        text = (ROOT / "tests" / "view_samples.py").read_text()
        (course / "view_samples.py").write_text(text)
        page, heard = browser.new_page(viewport={"width": 1000, "height": 1400}), []
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: heard.append(f"JupyterLab, page error: {error}"))
        page.on("request", lambda r: r.url.startswith((f"http://{HERE}:", "data:", "blob:"))
                or heard.append(f"JupyterLab, a request to {r.url[:100]}"))  # fmt: skip
        page.goto(address)
        page.wait_for_function("window.jupyterapp !== undefined")
        return [*lab_problems(page), *heard]


def lab_problems(page):
    """Open the notebook untrusted, then run it, press keys, and change the theme."""
    page.evaluate("""async () => {
        const app = window.jupyterapp; await app.restored;
        const open = {path: "views.ipynb", factory: "Notebook"};
        window.panel = await app.commands.execute("docmanager:open", open);
        await window.panel.context.ready; await window.panel.sessionContext.ready;
    }""")
    page.wait_for_selector(".jp-OutputArea img")
    pictures = page.locator(".jp-OutputArea img").count()
    if pictures != len(view_samples.ALL) or page.locator(".tantra-view").count():
        yield f"JupyterLab: {pictures} pictures of {len(view_samples.ALL)} where nothing is trusted"
    page.evaluate("""async () => {
        await window.jupyterapp.commands.execute("notebook:run-all-cells");
    }""")
    page.wait_for_timeout(500)
    shown = page.locator(".tantra-view").count()
    if shown != len(view_samples.ALL):
        yield f"JupyterLab: {shown} views of {len(view_samples.ALL)} after a run"
    yield from (f"JupyterLab: {problem}" for problem in used(page))
    first = page.locator(".tantra-view [role=group] button:enabled").first
    first.click()
    notebook = "[window.panel.content.activeCellIndex, window.panel.content.widgets.length]"
    before = page.evaluate(notebook)
    for key in ("ArrowDown", "j", "b"):
        page.keyboard.press(key)
    if before != (after := page.evaluate(notebook)):
        yield f"JupyterLab: keys of a view reach the notebook: cell, cells {before} -> {after}"
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        page.evaluate("theme => window.jupyterapp.commands.execute("
                      "'apputils:change-theme', {theme})", theme)  # fmt: skip
        page.wait_for_timeout(800)
        page.screenshot(path=SHOTS / "views" / f"{theme.replace(' ', '-').lower()}.png")
    page.evaluate(CLOSE)


def sees_planted_faults(visitor, pages):
    """Raises RuntimeError unless each planted fault is found."""
    for name, ((old, new), words) in PLANTED.items():
        view = pages[PLANTED_IN.get(name, "look")]
        if view.count(old) < 1:
            raise RuntimeError(f"{name}: the page has no {old!r} to spoil")
        if not any(words in problem for problem in visitor.problems(view.replace(old, new))):
            raise RuntimeError(f"the browser overlooks the planted fault {name}")
    for name, old, new in NUMBERS:
        if pages[name].count(old) != 1:
            raise RuntimeError(f"{name}: the page has no single {old!r} to spoil")
        if not visitor.other_numbers(name, pages[name].replace(old, new)):
            raise RuntimeError(f"the numbers of {name} are right where {old!r} is {new!r}")
    for name, (old, new) in UNTRUE.items():
        if old not in pages[name]:
            raise RuntimeError(f"{name}: the page has no {old!r} to spoil")
        if not any(visitor.untrue(name, pages[name].replace(old, new))):
            raise RuntimeError(f"the browser overlooks what is untrue of {name}")


def look(chromium, playwright):
    """Open the views of the samples, alone and in JupyterLab; True when all is well."""
    pages = {
        name: view_samples.page_of(view)["text/html"] for name, view in view_samples.ALL.items()
    }
    with playwright() as play, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        browser = play.chromium.launch(executable_path=chromium, args=FLAGS)
        visitor = Visitor(browser)
        sees_planted_faults(visitor, pages)
        problems = [
            f"{name}: {problem}"
            for name, view in pages.items()
            for problem in [
                *visitor.problems(view, shot=name),
                *visitor.other_numbers(name, view),
                *visitor.untrue(name, view),
            ]
        ]
        problems += in_jupyterlab(browser, Path(folder))
        browser.close()
    planted = len(PLANTED) + len(NUMBERS) + len(UNTRUE)
    print(f"{len(pages)} views, {planted} planted faults seen", *problems, sep="\n  ")
    return not problems


def main():
    """Run the command line; 0 when all is well."""
    return in_browser("views", look)


if __name__ == "__main__":
    sys.exit(main())
