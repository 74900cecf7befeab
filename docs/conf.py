"""The site as Sphinx builds it: the pages as they are, the API from docstrings, and what of the results is there."""

import re
from importlib.metadata import version as of_package
from inspect import cleandoc
from pathlib import Path
from shutil import copyfile
from urllib.parse import unquote, urlsplit

import yaml
from bs4 import BeautifulSoup
from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from pygments.lexers.special import TextLexer
from sphinx.util import logging
from sphinx.util.typing import stringify_annotation

from optide.extend import Objective, Optimizer, Range
from optide.problem.arguments import Start
from optide.show import atlas_page, beyond_page, shares_page, verdicts

ROOT = Path(__file__).parent.parent
FIGURES = ROOT / "figures"
EXPLORER = FIGURES / "explorer.html"

project, release, language = "optide", of_package("optide"), "en"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_external_toc"]
external_toc_path, external_toc_exclude_missing = "docs/_toc.yml", True
exclude_patterns = [".*", "build", "results", "src", "tests"]
suppress_warnings = ["etoc.glob"]  # pages of results, which need not be there

myst_enable_extensions, myst_heading_anchors = ["dollarmath"], 3
nb_execution_mode = "off"  # the outputs that are kept, which `docs/notebook.py --check` compares

default_role = "py:obj"
maximum_signature_line_length = 88
highlight_language = "text"  # of what names none: what a program printed

html_theme, html_title, html_static_path, html_css_files = "furo", f"optide {release}", ["static"], ["site.css"]
html_copy_source = html_show_sphinx = html_show_copyright = False
html_math_renderer = "mathml"  # which browsers draw themselves: nothing is loaded from elsewhere
html_extra_path = [str(EXPLORER)] if EXPLORER.exists() else []


def with_results(app, page, source):
    """A page with the numbers and the figures of the results, as far as they are there."""
    for block in (verdicts.BLOCK, beyond_page.BLOCK, atlas_page.BLOCK, shares_page.BLOCK):
        if page == str(block.page.with_suffix("")) and (ROOT / block.table).exists():
            source[0] = block.replaced(source[0], block.page, ROOT / block.table)
    if page == "figures/README":
        first, heading, others = source[0].partition("\n## ")
        source[0] = "\n\n".join([first, *built(), heading + others])


def built():
    """Parts of the page of figures."""
    captions = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))["captions"]
    if EXPLORER.exists():
        yield '## The explorer\n\nEvery trace, to look at: <a href="../explorer.html">the explorer</a>.'
    for figure in sorted(FIGURES.glob("converged/fig*.png")):
        caption, number = captions.get(figure.stem, {}), int(figure.stem.removeprefix("fig"))
        yield f"## Figure {number}\n\n{caption.get('look', '')}"
        for scheme in sorted(path.parent.name for path in FIGURES.glob(f"*/{figure.name}")):
            yield f"*{scheme.capitalize()}.* {caption.get(scheme, '')}"
            yield f"![Figure {number}, {scheme}]({scheme}/{figure.name})"
    for name in ("audit", "rates"):
        if (FIGURES / f"{name}.png").exists():
            yield f"## {name.capitalize()}\n\n![{name}]({name}.png)"
    for table in sorted(FIGURES.glob("table*.md")):
        yield f"## {table.stem.replace('table', 'Table ')}\n\n```{{include}} {table.name}\n```"


def with_vocabulary(*event):
    """What objects say of themselves beside their docstring: hyper-parameters, minima, ranges; and shapes as text."""
    obj, lines = event[3], event[5]
    lines[:] = [line.replace("*", r"\*") if line.strip().startswith(":type:") else line for line in lines]
    lines[:] = [re.sub(r"docs/(\w+)\.md", r":doc:`\g<0> <\1>`", line) for line in lines]
    if isinstance(obj, type) and issubclass(obj, Optimizer):
        lines.append("")
        lines += [f":param {n}: {of.description} Must be {of.range.allowed}." for n, of in obj.vocabulary().items()]
    elif isinstance(obj, Objective):
        lines[:] = [*cleandoc(obj.loss.__doc__).splitlines(), "", f"Minima: {', '.join(map(str, obj.minima))}."]
    elif isinstance(obj, Range):
        lines[:] = [f"Numbers that are {obj.allowed}."]


def with_short_types(*event):
    """A signature with a short name for a start; what it may be is said below it."""
    signature, returned = event[5:]
    return signature and signature.replace(stringify_annotation(Start, "smart"), "ArrayLike | PyTree"), returned


def mathml(as_block):
    """A visitor of formulas."""

    def visit(translator, node):
        translator.body.append(tex2mathml(node.astext(), as_block))
        raise nodes.SkipNode

    return visit, None


AMENDS = {
    # of a signature's parameters: a list of terms without a term
    '<dl>\n<dd><em class="sig-param">': '<dl role="presentation">\n<dd><em class="sig-param">',
    '<p class="caption" role="heading">': '<p class="caption" role="heading" aria-level="2">',
    # what is wider than the screen is scrolled from the keyboard, too
    "<pre>": '<pre tabindex="0">',
    '<div class="table-wrapper': '<div tabindex="0" class="table-wrapper',
    '<div class="math-wrapper': '<div tabindex="0" class="math-wrapper',
    "<div style='overflow-x: auto'>": '<div tabindex="0" style="overflow-x: auto">',
}
"""What the theme leaves out for those who do not see the page, or have no mouse."""


def amended(app):
    for path in (path for path in app.outdir.rglob("*.html") if path.name != EXPLORER.name):
        page = path.read_text(encoding="utf-8")
        for left_out, whole in AMENDS.items():
            page = page.replace(left_out, whole)
        path.write_text(page, encoding="utf-8")


def finished(app, exception):
    """The front page, and links and pictures of all pages that lead nowhere."""
    if exception or app.builder.name != "html":
        return
    amended(app)
    copyfile(app.outdir / "README.html", app.outdir / "index.html")
    pages = {path: BeautifulSoup(path.read_bytes(), "html.parser") for path in app.outdir.rglob("*.html")}
    anchors = {path: {element["id"] for element in page.select("[id]")} for path, page in pages.items()}
    for path, page in pages.items():
        for link in (element.get("href") or element.get("src") for element in page.select("a[href], [src]")):
            to = urlsplit(link)
            target = (path.parent / unquote(to.path)).resolve() if to.path else path
            if not to.scheme and (not target.exists() or (to.fragment and to.fragment not in anchors[target])):
                logging.getLogger(__name__).warning("%s: nothing at %s", path.relative_to(app.outdir), link)


def setup(app):
    app.connect("source-read", with_results)
    app.connect("autodoc-process-docstring", with_vocabulary)
    app.connect("autodoc-process-signature", with_short_types)
    app.connect("build-finished", finished)
    app.add_html_math_renderer("mathml", mathml(False), mathml(True))
    app.add_lexer("mermaid", TextLexer)  # as text: its pictures would need a program from elsewhere
