"""The pages that a class gets, opened in a real browser: on a phone and a screen, light and dark.

    python tools/class_pages.py

Red is: a page wider than its window, a request for anything, a word on the browser's console, a
title that a student's code has set; each is first planted, to see that it is noticed.  The class is
tests/classroom/small_class.py; what each page looks like is kept in shots/class/.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import browser
from course import ROOT

SHOTS = browser.SHOTS / "class"
WIDTHS = (browser.PHONE, browser.WIDTH)
PLANTED = (
    "<!doctype html><title>planted</title><div style='width: 2000px'>wide</div>"
    "<img src='http://192.0.2.1/a.png'>"
    "<script>document.title = 'taken'; console.log('here')</script>"
)
SEEN = (
    "2000 pixels or more",
    "a request: http://192.0.2.1",
    "console: here",
    "its title was taken",
)


def look(page, path, name):
    """What is wrong with a page at the width that it is open at, in words."""
    heard = []
    hear = {
        "request": lambda request: heard.append(f"a request: {request.url[:200]}"),
        "console": lambda message: heard.append(f"console: {message.text[:200]}"),
    }
    for event, hears in hear.items():
        page.on(event, hears)
    page.goto(path.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    wide = page.evaluate("document.documentElement.scrollWidth")
    if wide > (width := page.viewport_size["width"]):
        more = "2000 pixels or more" if wide >= 2000 else f"{wide} pixels"
        heard.append(f"{more} wide, the window {width}")
    if page.title() == "taken":
        heard.append("its title was taken by a student's code")
    if name:
        page.screenshot(path=SHOTS / f"{name}.png", full_page=True)
    for event, hears in hear.items():
        page.remove_listener(event, hears)
    return [each for each in heard if not each.startswith("a request: file:")]


def visit(chromium, folder):
    """Open every page below a folder in each way; {page: what is wrong with it}."""
    (folder / "planted.html").write_text(PLANTED)
    found = {}
    for scheme in ("light", "dark"):
        page = chromium.new_page(color_scheme=scheme)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": browser.HEIGHT})
            for path in sorted(folder.rglob("*.html")):
                planted = path.name == "planted.html"
                name = None if planted else f"{path.stem[:40]}-{scheme}-{width}"
                found.setdefault(path.name, []).extend(look(page, path, name))
        page.close()
    (folder / "planted.html").unlink()
    seen = "\n".join(found.pop("planted.html"))
    if unseen := [words for words in SEEN if words not in seen]:
        raise RuntimeError(f"the browser overlooks planted faults: {unseen}; it saw:\n{seen}")
    return found


def visit_class(path, playwright):
    """Make the small class and look at all its pages; True when all is well."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, playwright() as play:
        maker = ROOT / "tests/classroom/small_class.py"
        fonts = browser.with_devanagari(Path(folder))
        here = {**os.environ, "PYTHONPATH": str(ROOT), "FONTCONFIG_FILE": fonts}
        made = Path(folder) / "class"
        made.mkdir()
        subprocess.run([sys.executable, maker, made], env=here, capture_output=True, check=True)
        chromium = play.chromium.launch(executable_path=path, args=browser.FLAGS, env=here)
        found = visit(chromium, made)
        chromium.close()
    for name, problems in found.items():
        word = "FAILED" if problems else "ok"
        print(f"{word}  {name}", *dict.fromkeys(problems), sep="\n  ", flush=True)
    print(f"{len(found)} pages of a class opened; look at them in shots/class/")
    return not any(found.values())


def main():
    """Run the command line; 0 when all is well."""
    return browser.in_browser("class pages", visit_class)


if __name__ == "__main__":
    sys.exit(main())
