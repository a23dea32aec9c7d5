"""Build the course as pages that need no server, in build/site: nothing is executed.

    python tools/website.py          then open build/site/index.html

Notebooks come with their stored outputs.  Red is: a warning of sphinx, a link inside the site that
leads nowhere, more than 25 MB.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from course import ROOT

sys.path.insert(0, str(ROOT))
from webpages.links import dead_links
from webpages.sources import lay_out

SITE = ROOT / "build/site"
UNUSED = (
    "*.js.map",
    "*.css.map",
    "*.po",
    "*.mo",
    "*-macros.html",
)  # for a theme's makers and other languages
LARGEST = 25_000_000  # bytes


def build(site=SITE):
    """Build the site anew; whether sphinx had nothing to warn of."""
    shutil.rmtree(site, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        sources, trees = Path(folder, "sources"), Path(folder, "trees")
        sources.mkdir()
        lay_out(sources)
        command = ["-m", "sphinx", "--quiet", "--keep-going", "--fail-on-warning", "-b", "html"]
        command += ["-c", str(ROOT / "site"), "-d", str(trees), str(sources), str(site)]
        done = subprocess.run([sys.executable, *command], cwd=ROOT)
    for pattern in UNUSED:
        for path in (site / "_static").rglob(pattern):
            path.unlink()
    if done.returncode == 0:
        listing = site / "_modules/index.html"
        listing.write_text(flat(listing.read_text(encoding="utf-8")), encoding="utf-8")
    return done.returncode == 0


def flat(text):
    """The list of source pages as one list: sphinx nests lists where HTML allows none."""
    return re.sub(r"(?<=</li>\n)<ul>(?=<li>)|</ul>(?=<li>|</ul>)", "", text)


def size(site):
    """The bytes of all files of the site."""
    return sum(path.stat().st_size for path in site.rglob("*") if path.is_file())


def searched_solutions(site):
    """The solutions of which the search index knows a word."""
    text = (site / "searchindex.js").read_text(encoding="utf-8")
    index = json.loads(text.partition("(")[2].rpartition(")")[0])
    found = set()
    for places in (*index["terms"].values(), *index["titleterms"].values()):
        found.update(places if isinstance(places, list) else [places])
    names = [index["docnames"][place] for place in sorted(found)]
    return [name for name in names if name.startswith("solutions/")]


def problems(site):
    """What is wrong with a built site, in words."""
    yield from dead_links(site)
    if found := searched_solutions(site):
        yield f"search finds {', '.join(found)}"
    if (bytes_ := size(site)) > LARGEST:
        yield f"{bytes_ / 1e6:.1f} MB, more than {LARGEST / 1e6:.0f}"


def main():
    """Build and look; 0 when all is well."""
    if not build():
        return 1
    found = list(problems(SITE))
    print(*found, sep="\n", end="\n" * bool(found))
    spent = os.times()
    seconds = spent.user + spent.system + spent.children_user + spent.children_system
    pages = len(list(SITE.rglob("*.html")))
    print(f"{pages} pages, {size(SITE) / 1e6:.1f} MB, {seconds:.0f} s of processor time")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
