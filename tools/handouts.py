"""Open the teacher's sheets and slides in a real browser, with no network, and look.

    python tools/handouts.py                 every chapter that has them
    python tools/handouts.py 04_heads        one of them

Red is: an error on the browser's console, a request for anything, a picture without words, a page
wider than a phone, slides that the arrow keys do not turn.  Each fault is
first planted, to see that it is noticed.  Pictures are kept in shots/teaching/.
"""

import os
import sys
import tempfile
from functools import partial
from pathlib import Path

from browser import (
    FLAGS,
    PATIENCE,
    PHONE,
    SHOTS,
    in_browser,
    with_devanagari,
)
from course import ROOT, all_paths

sys.path.insert(0, str(ROOT))
from tantra.classroom.kit.material import built

PLANTED = {  # a page's body with a fault, and the words in which it must be seen
    "complains": ("<script>console.error('planted')</script>", "console: planted"),
    "calls-out": ('<img alt="nothing" src="http://192.0.2.1/a.png">', "outside: http://192.0.2.1"),
    "no-words": ('<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">', "pictures without"),
    "wide": ('<div style="width: 900px">wide</div>', "pixels wide, a phone"),
    "stuck": ('<p class="slide">1</p><p class="slide">2</p>', "do not turn"),
}
WITHOUT_WORDS = """() => [...document.querySelectorAll("img, svg")].filter(
    it => !(it.alt || it.getAttribute("aria-label"))).length"""
SHOWN = """() => [...document.querySelectorAll(".slide")].findIndex(
    it => getComputedStyle(it).display !== "none" && it.getBoundingClientRect().top >= 0)"""


class Reader:
    """A browser that opens pages of one file and notes what goes wrong."""

    def __init__(self, browser, folder):
        self.folder, self.heard = folder, []
        self.page = browser.new_page(viewport={"width": 1280, "height": 800})
        self.page.set_default_timeout(1000 * PATIENCE)
        self.page.on("console", self.hear_console)
        self.page.on("pageerror", lambda error: self.heard.append(f"page error: {error}"))
        self.page.on("request", self.hear_request)

    def hear_console(self, message):
        if message.type == "error":
            self.heard.append(f"console: {message.text[:300]}")

    def hear_request(self, request):
        if not request.url.startswith(("file:", "data:")):
            self.heard.append(f"a request to outside: {request.url[:200]}")

    def read(self, name, text):
        """Open the page text and look at it; its problems, in words."""
        path = self.folder / name.replace("/", "-")
        path.write_text(text, encoding="utf-8")
        self.heard.clear()
        self.page.set_viewport_size({"width": 1280, "height": 800})
        self.page.goto(path.as_uri())
        problems = [*self.pictures(), *self.turning(name), *self.phone()]
        return [*problems, *dict.fromkeys(self.heard)]

    def pictures(self):
        if count := self.page.evaluate(WITHOUT_WORDS):
            yield f"{count} pictures without words"

    def phone(self):
        self.page.set_viewport_size({"width": PHONE, "height": 800})
        wide = self.page.evaluate("document.documentElement.scrollWidth")
        if wide > PHONE:
            yield f"{wide} pixels wide, a phone {PHONE}"

    def turning(self, name):
        """Turn all slides with the right arrow, keeping a picture of each."""
        count = self.page.locator(".slide").count()
        for number in range(max(count, 1)):
            if count and self.page.evaluate(SHOWN) != number:
                yield f"the arrow keys do not turn to slide {number + 1} of {count}"
                return
            self.photograph(f"{name.removesuffix('.html')}-{number + 1:02}")
            self.page.keyboard.press("ArrowRight")

    def photograph(self, stem):
        path = SHOTS / "teaching" / f"{stem}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=str(path), full_page=True)

    def sees_planted_faults(self):
        """Raises RuntimeError unless each page with a fault is found to have it."""
        for name, (body, words) in PLANTED.items():
            seen = "\n".join(self.read(f"planted/{name}.html", f"<!DOCTYPE html>{body}"))
            if words not in seen:
                raise RuntimeError(f"the browser overlooks the planted {name}; it saw: {seen}")


def read_all(names, chromium, playwright):
    """Read every page of these chapters; True when all is well."""
    fine, count = True, 0
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, playwright() as play:
        browser = play.chromium.launch(
            executable_path=chromium,
            timeout=1000 * PATIENCE,
            args=FLAGS,
            env={**os.environ, "FONTCONFIG_FILE": with_devanagari(Path(folder))},
        )
        reader = Reader(browser, Path(folder))
        reader.sees_planted_faults()
        for name, text in built(names):
            problems, count = reader.read(name, text), count + 1
            fine = fine and not problems
            print("FAILED" if problems else "ok", f" {name}", *problems, sep="\n  ", flush=True)
        browser.close()
    print(f"{count} sheets and decks opened in a browser; look at them in {SHOTS.name}/teaching/")
    return fine


def main(arguments):
    """Run the command line; 0 when all is well."""
    names = arguments or [path.stem for path in all_paths(folders=["notebooks"])]
    return in_browser("handouts", partial(read_all, names))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
