"""How sphinx builds the site from the sources that tools/website.py lays out."""

import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tools")]

from webpages import look  # noqa: E402

project = "Transformer Tantra"
copyright = "the contributors; code MIT, text CC BY 4.0"
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "webpages.formulas",
    "webpages.docstrings",
]

exclude_patterns = ["README.md"]
autodoc_inherit_docstrings = False
nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 4
myst_heading_slug_func = "webpages.look.anchor"
autodoc_member_order = "bysource"
autodoc_typehints = "none"

html_theme = "sphinx_book_theme"
html_title = project
html_static_path = [str(HERE / "static")]
html_css_files = ["course.css"]
html_copy_source = False
html_context = {"default_mode": "auto"}  # light or dark, as the machine has it
html_math_renderer = "mathml"
html_show_search_summary = False  # it would fetch the pages found, which file:// forbids
html_sidebars = {"_modules/**": []}
html_theme_options = look.options(
    tomllib.loads((HERE / "settings.toml").read_text(encoding="utf-8"))
)
copybutton_prompt_text = ">>> "
