"""The pages of the documentation: all on the site, no link into nothing, no public name left out, all examples run."""

import base64
import io
import json
import os
import re
import subprocess
import sys
from fnmatch import fnmatch

import nbformat
import pytest
from docs import notebook
from PIL import Image

import documented
import optide
import optide.extend
import optide.objectives
from browser import barriers, chromium, complaints, in_all_looks, needs_axe, needs_chromium
from conftest import ROOT
from optide.base import errors
from optide.base.arithmetic import ENVIRONMENT
from optide.data import traces
from optide.settings import yamlfile
from optide.settings.config import experiment_slice
from optide.studies import experiments

TUTORIAL = nbformat.read(ROOT / "docs/tutorial.ipynb", as_version=4)
SOURCES = ("*.md", "docs/*.md", "docs/*.rst", "docs/*.ipynb", "benchmarks/*.md", "figures/README.md")
PAGES = sorted(str(path.relative_to(ROOT)) for pattern in SOURCES for path in ROOT.glob(pattern))
SITE = ROOT / "build" / "site"


def text_of(page):
    """The prose of a page, without code."""
    if page.endswith(".ipynb"):
        return "\n\n".join(cell.source for cell in TUTORIAL.cells if cell.cell_type == "markdown")
    return re.sub(r"^```.*?^```", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def code_of(page, word="python"):
    """The code of a page, block by block."""
    if page.endswith(".ipynb"):
        return [cell.source for cell in TUTORIAL.cells if cell.cell_type == "code"]
    return re.findall(rf"^```{word}\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def anchors(page):
    """What code hosts, and MyST, make of the headings of a page."""
    headings = re.findall(r"^#+ +(.+)$", text_of(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_is_in_the_table_of_contents_and_every_entry_is_a_page():
    contents = yamlfile.read(ROOT / "docs/_toc.yml")
    entries = [entry for part in contents["subtrees"] for entry in part["entries"]]
    listed = [contents["root"], *(entry["file"] for entry in entries if "file" in entry)]
    assert sorted(listed) == sorted(page.rpartition(".")[0] for page in PAGES)
    # the others are pages of results, which need not be there
    assert all(fnmatch(entry["glob"], "figures/*") for entry in entries if "file" not in entry)


@pytest.mark.parametrize("page", [page for page in PAGES if not page.endswith(".rst")])
def test_every_link_leads_to_a_file_and_a_heading_in_it(page):
    for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text_of(page)):
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.is_file(), f"{page}: {link}"
        if anchor:
            assert anchor in anchors(str(target.resolve().relative_to(ROOT))), f"{page}: {link}"


@needs_chromium
@needs_axe
@pytest.mark.skipif(not (SITE / "index.html").exists(), reason="needs `make site`")
@pytest.mark.parametrize("page", ["index", "docs/command", "docs/atlas", "docs/tutorial", "docs/api", "figures/README"])
def test_a_page_keeps_nobody_out(page):
    with chromium(SITE / f"{page}.html") as driver:
        assert complaints(driver) == []
        for width in in_all_looks(driver):
            assert barriers(driver) == [], width


def public():
    """The full names of what is in an `__all__`, of all errors, and of what the pages for users speak of."""
    for module in (optide, optide.objectives, optide.extend):
        yield from (f"{module.__name__}.{name}" for name in module.__all__)
    yield from (f"{errors.__name__}.{name}" for name in vars(errors) if name.endswith("Error"))
    for page in ("README.md", "docs/library.md", "docs/extending.md", "docs/traces.md", "docs/tutorial.ipynb"):
        yield from re.findall(r"`(optide\.[\w.]+\.\w+)[`(]", text_of(page))
        for module, names in re.findall(r"^from (optide[\w.]*) import (.+)$", "\n".join(code_of(page)), re.MULTILINE):
            yield from (f"{module}.{name}" for name in names.split(", "))


@pytest.mark.parametrize("name", sorted({*public()}))
def test_every_public_name_has_an_entry_in_the_api(name):
    # which may have it by another name
    assert any(documented.found(name) is one for one in documented.ENTRIES.values())


def as_a_user(code, folder):
    """Run code in a process that imports JAX first, with none of this project's settings."""
    kept = {name: value for name, value in os.environ.items() if name not in ENVIRONMENT}
    run = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:__main__", "-c", f"import jax\n\n{code}"],
        env={**kept, "PYTHONPATH": str(ROOT / "src"), "MPLBACKEND": "agg"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("page", ["README.md", "docs/library.md", "docs/tutorial.ipynb"])
def test_the_examples_of_a_page_run_one_after_another(page, tmp_path):
    code = "\n".join(code_of(page))
    # a shape that a comment states is that of the value
    code, stated = re.subn(r"^(\S.*\.shape)  # (\(.*\))$", r"assert \1 == \2", code, flags=re.MULTILINE)
    assert stated == {"docs/library.md": 2}.get(page, 0)
    as_a_user(code, tmp_path)


def test_the_examples_that_read_traces_run(config, tmp_path, monkeypatch):
    for scheme in ("discrete", "converged"):
        path = tmp_path / f"results/traces/{scheme}/quadratic-rmsprop/lr0.1.parquet"
        path.parent.mkdir(parents=True)
        traces.write(path, *experiments.run(experiment_slice(config, "quadratic-rmsprop", 0.1), scheme))
    monkeypatch.chdir(tmp_path)
    first, second = code_of("docs/traces.md")
    frame = eval(compile("pd.read_parquet('results/traces')", "page", "eval"), run_in({}, first))
    query = run_in({}, second.replace("duckdb.sql", "found = duckdb.sql"))["found"].df()
    assert len(query) == 2 * frame["beta"].nunique()


def run_in(names, code):
    """The names after some code."""
    exec(compile(code, "page", "exec"), names)
    return names


def test_the_tutorial_is_kept_as_it_was_run_and_without_anything_of_a_machine():
    cells = [cell for cell in TUTORIAL.cells if cell.cell_type == "code"]
    assert cells[0].source.startswith("import jax\n")
    assert [cell.execution_count for cell in cells] == [*range(1, len(cells) + 1)]
    assert all(cell.metadata == {} for cell in TUTORIAL.cells)
    assert {*TUTORIAL.metadata} == {"kernelspec", "language_info"}
    assert TUTORIAL.metadata.language_info == {"name": "python"}
    shown = [output for cell in cells for output in cell.outputs]
    assert not [output for output in shown if output.output_type == "error" or output.get("name") == "stderr"]
    # a picture of each result that shows itself
    assert sum("<svg" in output.get("data", {}).get("text/html", "") for output in shown) == 3
    # no address of an object, and no path
    assert not re.search(r"\b0x[0-9a-f]{6}|/(tmp|home|root|usr)/", json.dumps(shown))


def changed(cell, mime, replace):
    """The tutorial with something else shown by a cell, and what is said of that."""
    book = nbformat.from_dict(TUTORIAL)
    (output,) = next(one for one in book.cells if one.id == cell).outputs
    before = output.data[mime]
    output.data[mime] = replace(before)
    assert output.data[mime] != before
    return notebook.differences(nbformat.writes(TUTORIAL), nbformat.writes(book))


def test_other_last_digits_are_the_same_tutorial_and_other_numbers_words_or_pictures_are_not():
    def redrawn(shade):
        def paint(picture):
            image = Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB")
            image.paste((shade,) * 3, (0, 0, image.width, 20))
            into = io.BytesIO()
            image.save(into, "png")
            return base64.b64encode(into.getvalue()).decode()

        return paint

    first = ["adam = Adam(learning_rate=0.1, beta1=0.9, beta2=0.999)"]
    assert changed("solve", "text/plain", lambda text: re.sub(r"residual=[\d.e-]+", "residual=3e-16", text)) == []
    assert changed("solve", "text/plain", lambda text: re.sub(r"residual=[\d.e-]+", "residual=3e-5", text)) == first
    assert changed("solve", "text/plain", lambda text: text.replace("True", "False")) == first
    assert changed("solve", "text/html", lambda text: re.sub(r"(?<=L 1)\d\d\.", "99.", text, count=1)) == first
    assert changed("algorithm", "image/png", redrawn(255)) == []
    assert changed("algorithm", "image/png", redrawn(0)) == [
        "run = run_discrete(adam, quadratic, theta0=1.0, steps=100)"
    ]
