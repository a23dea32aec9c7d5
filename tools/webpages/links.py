"""Whether every link inside a built site leads somewhere."""

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The places of a page that a link can lead to, and where its own links lead."""

    def __init__(self, text):
        super().__init__()
        self.places, self.leads = {"", "top"}, []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name == "id":
                self.places.add(value)
            elif name in ("href", "src") and value:
                self.leads.append(value)


def dead_links(folder):
    """A sentence for each link of the site in folder that leads to nothing there."""
    folder = Path(folder).resolve()
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in folder.rglob("*.html")}
    for path, page in sorted(pages.items()):
        for lead in dict.fromkeys(page.leads):
            if why := dead(lead, path, folder, pages):
                yield f"{path.relative_to(folder)}: {lead} {why}"


def dead(lead, path, folder, pages):
    """Why the link on the page at path leads nowhere, or ""."""
    parts = urlsplit(lead)
    if parts.scheme or parts.netloc:
        return ""
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.is_relative_to(folder):
        return "leads out of the site"
    if not target.is_file():
        return "is no file"
    if target in pages and unquote(parts.fragment) not in pages[target].places:
        return "is no place on that page"
    return ""
