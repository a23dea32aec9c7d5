"""Open every page of build/site in a real browser, from its folder and with no server, and look.

    python tools/website_look.py                            all that make site has built
    python tools/website_look.py notebooks/03_attention     one page; pictures go to shots/site/

Red is: an error on the browser's console, a request to outside, another number of h1 than one, a
skipped heading level, a picture without words, a page wider than a phone, and what axe-core calls
serious, such as too little contrast, in light or in dark; each is first planted, to see that it is
noticed.  Then the reader's acts: search, the dark button, folded code, a quiz, printing.
"""

import contextlib
import itertools
import os
import sys
import tempfile
from functools import partial
from pathlib import Path

from browser import (
    FLAGS,
    PATIENCE,
    SHOTS,
    in_browser,
    with_devanagari,
)
from handouts import Reader
from website import SITE

PAGE = """<!DOCTYPE html><html lang="en"><head><title>planted</title>
<meta name="viewport" content="width=device-width"></head><body><main>{}</main></body></html>"""
TALL = 3000  # pixels of a page that a picture shows
TITLE = "<h1>planted</h1>"
PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACw="
PLANTED = {  # the body of a page with a fault, and the words in which it must be seen
    "complains": (f"{TITLE}<script>console.error('planted')</script>", "console: planted"),
    "breaks": (f"{TITLE}<script>planted()</script>", "page error: planted is not defined"),
    "calls-out": (f'{TITLE}<img alt="no" src="http://192.0.2.1/a.png">', "outside: http://192.0."),
    "two-titles": (TITLE + TITLE, "2 h1"),
    "skips": (f"{TITLE}<h3>three</h3>", "h3 below h1: three"),
    "no-words": (f'{TITLE}<img src="{PIXEL}">', "1 pictures without words"),
    "wide": (f'{TITLE}<div style="width: 900px">wide</div>', "pixels wide, a phone"),
    "pale": (f'{TITLE}<p style="color: #aaa; background: #fff">pale</p>', "light: color-contrast"),
    "pale-in-the-dark": (
        f"{TITLE}<style>@media (prefers-color-scheme: dark) {{ p {{ color: #444; "
        "background: #222 }} }}</style><p>pale</p>".replace("}}", "}"),
        "dark: color-contrast",
    ),
    "nameless": (f"{TITLE}<button></button>", "light: button-name"),
}
HEADINGS = """() => [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].filter(
    it => it.checkVisibility()).map(it => [Number(it.tagName[1]), it.textContent.slice(0, 60)])"""
WITHOUT_WORDS = """() => [...document.querySelectorAll("img, svg, [role=img]")].filter(
    it => !it.closest("[aria-hidden=true], button, a:not(:has(img))")
    && !(it.alt || it.getAttribute("aria-label") || it.getAttribute("aria-labelledby"))
    ).map(it => it.outerHTML.slice(0, 160))"""
STILL = "* { animation: none !important; transition: none !important }"  # else colours are half-way
OPEN = "document.querySelectorAll('details').forEach(it => { it.open = true })"
AXE = """async rules => {
    const options = {resultTypes: ["violations"], preload: false};
    if (rules.length) options.runOnly = rules;
    const found = await axe.run(document, options);
    return found.violations.filter(it => ["serious", "critical"].includes(it.impact)).map(
        it => `${it.id}, ${it.nodes.length} times, as ` + it.nodes[0].html.slice(0, 160) + " "
            + it.nodes[0].any.map(any => any.message).join(" ").slice(0, 160));
}"""


def axe():
    """The text of axe-core, which is one script."""
    from axe_playwright_python import base

    return (Path(base.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


class Looker(Reader):
    """A browser that opens pages of a folder and notes what goes wrong."""

    def __init__(self, browser, folder):
        super().__init__(browser, folder)
        self.axe = axe()

    def look(self, path, keep=False):
        """Open the page at path and look at it; its problems, in words."""
        self.open(path)
        found = [*self.headings(), *self.pictures(), *self.accessible("light", [])]
        self.photograph(path, "light", keep)
        found += self.phone()
        self.photograph(path, "phone", keep)
        self.page.emulate_media(color_scheme="dark")
        self.photograph(path, "phone-dark", keep)
        self.page.set_viewport_size({"width": 1280, "height": 800})
        found += self.accessible("dark", ["color-contrast"])
        self.photograph(path, "dark", keep)
        return [*found, *dict.fromkeys(self.heard)]

    def open(self, path):
        """Open the page at path, wide and light, with all that folds unfolded."""
        self.heard.clear()
        self.page.set_viewport_size({"width": 1280, "height": 800})
        self.page.emulate_media(color_scheme="light", reduced_motion="reduce")
        self.page.goto(path.as_uri())
        self.page.add_style_tag(content=STILL)
        self.page.evaluate(OPEN)

    def headings(self):
        headings = self.page.evaluate(HEADINGS)
        if (count := sum(level == 1 for level, _ in headings)) != 1:
            yield f"{count} h1"
        for (before, _), (level, title) in itertools.pairwise(headings):
            if level > before + 1:
                yield f"h{level} below h{before}: {title}"

    def pictures(self):
        if lacking := self.page.evaluate(WITHOUT_WORDS):
            yield f"{len(lacking)} pictures without words, as {lacking[0]}"

    def accessible(self, theme, rules):
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(self.axe)
        return [f"{theme}: {found}" for found in self.page.evaluate(AXE, rules)]

    def photograph(self, path, how, keep=True):
        if keep:
            target = SHOTS / "site" / f"{path.parent.name}-{path.stem}-{how}.png"
            target.parent.mkdir(parents=True, exist_ok=True)
            width = self.page.viewport_size["width"]
            top = {"x": 0, "y": 0, "width": width, "height": TALL}
            self.page.screenshot(path=str(target), full_page=True, clip=top)

    def sees_planted_faults(self):
        """Raises RuntimeError unless each page with a fault is found to have it."""
        for name, (body, words) in PLANTED.items():
            path = self.folder / f"{name}.html"
            path.write_text(PAGE.format(body), encoding="utf-8")
            seen = "\n".join(self.look(path))
            if words not in seen:
                raise RuntimeError(f"the browser overlooks the planted {name}; it saw: {seen}")
        path.write_text(PAGE.format(f"{TITLE}<p>well</p>"), encoding="utf-8")
        if seen := self.look(path):
            raise RuntimeError(f"the browser sees faults where none is: {seen}")

    def acts(self, site):
        """What a reader does on the site, each act with a sentence where it does not work."""
        chapter = next(iter(sorted((site / "notebooks").glob("[0-9]*.html"))))
        for act in (self.search, self.dark_button, self.folded_code, self.quiz, self.printing):
            self.open(site / "search.html" if act == self.search else chapter)
            yield from act()

    def search(self):
        """Search finds a chapter, and no solution."""
        self.page.goto(f"{self.page.url}?q=query")
        self.page.wait_for_selector("#search-results li a")
        found = self.page.locator("#search-results li a").evaluate_all(
            "all => all.map(a => a.href)"
        )
        if not any("/notebooks/" in link for link in found):
            yield f"search does not find a chapter: {found}"
        if wrong := [link for link in found if "/solutions/" in link]:
            yield f"search finds solutions: {wrong}"

    def dark_button(self):
        """The button of the theme gives what it says."""
        for theme in ("dark", "light"):
            self.page.locator(".theme-switch-button:visible").first.click()
            self.page.locator(f".theme-change-button[data-mode={theme}]:visible").first.click()
            if (now := self.page.evaluate("document.documentElement.dataset.theme")) != theme:
                yield f"the button for {theme} gives {now}"
        self.page.evaluate("localStorage.clear()")

    def folded_code(self):
        yield from self.unfolds("details.hide")

    def quiz(self):
        yield from self.unfolds("article details:not(.hide)")

    def unfolds(self, which):
        """A click on the summary of a closed block shows what is in it."""
        self.page.reload()
        block = self.page.locator(which).first
        if block.get_attribute("open") is not None:
            block.locator("summary").first.click()
        before = block.bounding_box()["height"]
        block.locator("summary").first.click()
        if block.bounding_box()["height"] <= before:
            yield f"a click does not open {which}"

    def printing(self):
        """On paper stands the text, and nothing to press."""
        self.page.emulate_media(media="print")
        shown = ("h1", "article p", ".bd-sidebar-primary", ".bd-header-article")
        counts = [self.page.locator(f"{which}:visible").count() for which in shown]
        self.page.emulate_media(media="screen")
        if counts[0] != 1 or not counts[1] or any(counts[2:]):
            yield f"on paper there are {dict(zip(shown, counts, strict=True))}"


@contextlib.contextmanager
def looker(chromium, playwright):
    """A browser with the course's Devanagari; its planted faults lie in a folder of its own."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, playwright() as play:
        browser = play.chromium.launch(
            executable_path=chromium,
            timeout=1000 * PATIENCE,
            args=FLAGS,
            env={**os.environ, "FONTCONFIG_FILE": with_devanagari(Path(folder))},
        )
        yield Looker(browser, Path(folder))
        browser.close()


def look_at(paths, chromium, playwright, keep):
    """Look at each of these pages; True when all is well."""
    fine = True
    with looker(chromium, playwright) as browser:
        browser.sees_planted_faults()
        for path in paths:
            problems = browser.look(path, keep)
            fine = fine and not problems
            name = path.relative_to(SITE)
            print("FAILED" if problems else "ok", f" {name}", *problems, sep="\n  ", flush=True)
        problems = list(browser.acts(SITE))
        print(*(f"FAILED  {problem}" for problem in problems), sep="\n")
    print(f"{len(paths)} pages of the site opened in a browser")
    return fine and not problems


def main(arguments):
    """Run the command line; 0 when all is well."""
    return in_browser("site", partial(look_at_site, arguments))


def look_at_site(arguments, chromium, playwright):
    """Look at the pages with these names, at all where none is named; True when all is well."""
    paths = [SITE / f"{name}.html" for name in arguments] or sorted(SITE.rglob("*.html"))
    if not paths or not all(path.exists() for path in paths):
        raise SystemExit(f"There is no such page in {SITE}: make site builds all of them.")
    return look_at(paths, chromium, playwright, keep=bool(arguments))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
