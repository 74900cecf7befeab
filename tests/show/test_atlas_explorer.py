"""The page of the atlas: what it keeps, and in a real browser what each control does, without a network."""

import base64
import json
import re
import zlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from matplotlib.colors import to_hex
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

import made_up_atlas as made_up
from browser import barriers, chromium, complaints, in_all_looks, needs_axe, needs_chromium, requests
from optide.data import provenance
from optide.settings import maps
from optide.show import atlas_colours, atlas_explorer
from optide.studies import atlas
from vision import APART, KINDS, difference

RECORD = {"configuration": {"atlas.regions": "0"}, "traces": {"x.parquet": "1"}}
LARGEST = 8 * 2**20
"""Bytes of the page."""
GREY = "#B0B0B0"
"""Where a solved point has no such value."""


def written(folder, **more):
    """The page of a made-up atlas."""
    settings = {**made_up.experiments(), "atlas": made_up.settings(**more)}
    rows, curves = made_up.write(folder, settings["atlas"])
    line = atlas_explorer.write(rows, curves, maps.page_slice(settings), folder / "atlas.html", RECORD)
    return folder / "atlas.html", line


def data(path):
    text = path.read_text(encoding="utf-8")
    return json.loads(re.search(r'<script id="data" type="application/json">(.*?)</script>', text, re.DOTALL)[1])


def unpacked(text, kind="<f4"):
    planes = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8)
    return planes.reshape(np.dtype(kind).itemsize, -1).T.copy().view(kind).ravel()


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return written(tmp_path_factory.mktemp("atlas"))[0]


@pytest.fixture
def page(path):
    """The page, open; it must end without an error on the console and without a request."""
    with chromium(path) as driver:
        shown(driver)
        yield driver
        assert complaints(driver) == []
        assert requests(driver) == []
        assert driver.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)") == []


def test_values_have_three_digits_and_what_is_missing_is_missing(path):
    region = data(path)["regions"][0]
    rows = made_up.rows(
        maps.page_slice({**made_up.experiments(), "atlas": made_up.settings()})["regions"][region["name"]]
    )
    assert region["count"] == len(rows) == 9 * 5 * 5
    for name in ("equation_gap", "no_lookahead_gap", "discrete_loss", "equation_end"):
        values = rows.column(name).to_pandas().to_numpy()
        kept = unpacked(region["columns"][name])
        np.testing.assert_array_equal(np.isnan(kept), np.isnan(values))
        # half of the last of 11 bits, and the rounding to single precision
        np.testing.assert_allclose(kept, values, rtol=2.0**-12 * 1.001)
    behaviours = [*atlas_colours.BEHAVIOURS, *[None] * 256]
    kept = unpacked(region["columns"]["equation_behaviour"], "u1")
    assert [behaviours[i] for i in kept] == rows.column("equation_behaviour").to_pylist()
    minima = [*region["minima"], *[None] * 256]
    kept = unpacked(region["columns"]["equation_basin"], "u1")
    assert [minima[i] for i in kept] == rows.column("equation_basin").to_pylist()


def test_curves_are_those_of_the_sample_by_their_places(path):
    region = data(path)["regions"][0]
    curves = region["curves"]
    assert curves["sizes"] == [1, 5, 3, 3]
    found = unpacked(curves["theta"]["equation"]).reshape(45, curves["steps"])
    # every second on each range, of 9, 5 and 5
    rows = np.arange(225).reshape(9, 5, 5)[::2, ::2, ::2].ravel()
    k = np.arange(curves["steps"])
    np.testing.assert_allclose(found, made_up.theta(rows[:, None], "equation", k[None, :]), rtol=2.0**-14)


def test_the_shorter_of_two_lengths_ends_early(path):
    curves = data(path)["regions"][1]["curves"]
    found = unpacked(curves["theta"]["discrete"]).reshape(curves["sizes"][0], -1, 2 * made_up.STEPS)
    assert not np.isnan(found[1]).any()
    assert np.isnan(found[0][:, made_up.STEPS :]).all()
    assert not np.isnan(found[0][:, : made_up.STEPS]).any()


def test_a_refined_atlas_is_shown_by_its_grid_that_is_not_refined(path, tmp_path):
    fine, line = written(tmp_path, refine=3)
    coarse = data(path)["regions"]
    assert line == "265 points and 69 curves shown"
    for one, other in zip(data(fine)["regions"], coarse, strict=True):
        assert one["columns"] == other["columns"]
        assert one["axes"] == other["axes"]
        assert one["curves"]["sizes"] == other["curves"]["sizes"]
        assert (one["refine"], other["refine"]) == (3, 1)


def test_a_page_of_too_many_points_has_every_so_many_th(path, tmp_path, monkeypatch):
    monkeypatch.setattr(atlas_explorer, "POINTS", 100)
    monkeypatch.setattr(atlas_explorer, "VALUES", 4000)
    region, _ = data(written(tmp_path)[0])["regions"]
    whole = data(path)["regions"][0]
    assert (region["every"], region["count"]) == (2, 45)
    assert region["axes"][1]["values"] == whole["axes"][1]["values"][::2]
    assert region["points"][0]["places"] == {"beta": 1, "theta0": 2.5, "learning_rate": 1}
    # 45 curves of 20 steps and three models are 2,700 values, more than a region's share
    assert region["curves"]["every"] % region["every"] == 0
    assert np.prod(region["curves"]["sizes"]) == region["curves"]["count"] < 45


def test_the_page_of_the_configuration_is_small_enough():
    """By its numbers of points and curves: what was measured of them is 15 bytes a point and 0.7 a value, in base64."""
    most = 4 / 3 * (15 * atlas_explorer.POINTS + 0.7 * atlas_explorer.VALUES)
    assert most < LARGEST


def test_the_page_is_the_same_to_the_byte_carries_its_provenance_and_cannot_load_anything(path, tmp_path):
    again, _ = written(tmp_path)
    content = path.read_text(encoding="utf-8")
    assert again.read_text(encoding="utf-8") == content
    assert provenance.read(path) == RECORD
    assert "default-src 'none'" in content
    assert "://" not in content


def shown(driver):
    """Wait until what was asked for is drawn: the address that says it."""
    return WebDriverWait(driver, 10).until(lambda d: d.execute_script("return document.body.dataset.shown"))


def choose(driver, control, value):
    Select(driver.find_element(By.ID, control)).select_by_value(value)
    return shown(driver)


PIXEL = """
const [x, y] = arguments;
const canvas = document.getElementById("map");
const ratio = canvas.width / canvas.getBoundingClientRect().width;
return [...canvas.getContext("2d").getImageData(Math.round(x * ratio), Math.round(y * ratio), 1, 1).data].slice(0, 3);
"""
PLACE = "const [i, j] = arguments; return geometry.centre(i, j);"


def colour(driver, i, j):
    """Of the map a little beside the middle of a point, where neither square nor ring is."""
    x, y = driver.execute_script(PLACE, i, j)
    return to_hex(np.array(driver.execute_script(PIXEL, x + 12, y)) / 255).upper()


def pointing(driver, i, j):
    """The mouse moved to a point of the map."""
    canvas = driver.find_element(By.ID, "map")
    # what Selenium counts from is the middle of what is in view
    driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", canvas)
    x, y = driver.execute_script(PLACE, i, j)
    size = canvas.size
    return ActionChains(driver).move_to_element_with_offset(
        canvas, round(x - size["width"] / 2), round(y - size["height"] / 2)
    )


def click(driver, i, j):
    pointing(driver, i, j).click().perform()
    return shown(driver)


def text(driver, name):
    return driver.find_element(By.ID, name).text


@needs_chromium
def test_the_map_has_the_colours_of_its_points(page):
    choose(page, "quantity", "behaviour")
    choose(page, "model", "discrete")
    # learning rates from left to right; small ones are under way
    assert [colour(page, i, 3) for i in (0, 4)] == [
        atlas_colours.BEHAVIOURS["under way"],
        atlas_colours.BEHAVIOURS["oscillates"],
    ]
    choose(page, "model", "equation")
    assert colour(page, 4, 3) == atlas_colours.BEHAVIOURS["settles"]
    assert colour(page, 4, 8) == atlas_colours.MISSING
    choose(page, "quantity", "wells")
    assert [colour(page, i, 3) for i in (3, 4)] == [atlas_colours.SAME, atlas_colours.DIFFERENT]
    choose(page, "quantity", "basin")
    assert [colour(page, 0, j) for j in (0, 4, 7)] == [
        atlas_colours.WELLS[0],
        atlas_colours.MIDWAY,
        atlas_colours.WELLS[1],
    ]
    assert "not solved" in text(page, "legend")
    assert "configuration of the paper" in text(page, "legend")


@needs_chromium
def test_a_run_that_left_the_finite_numbers_diverges_and_is_solved(tmp_path):
    settings = {**made_up.experiments(), "atlas": made_up.settings()}
    rows, curves = made_up.write(tmp_path, settings["atlas"])
    table = atlas.read(rows[0])  # from the smallest start on
    left = pa.array([True] + [False] * (len(table) - 1))
    for name, value in {"discrete_end": None, "discrete_basin": None, "discrete_behaviour": "diverges"}.items():
        at, field = table.schema.get_field_index(name), table.schema.field(name)
        changed = pc.if_else(left, pa.scalar(value, field.type), table.column(name))
        table = table.set_column(at, field, changed)
    slices = maps.page_slice(settings)
    atlas.write(rows[0], table, slices["regions"]["double_well-rmsprop"])
    atlas_explorer.write(rows, curves, slices, tmp_path / "atlas.html", RECORD)
    with chromium(tmp_path / "atlas.html") as driver:
        driver.execute_script("location.hash = 'region=double_well-rmsprop&at.beta=0&show=behaviour&model=discrete'")
        WebDriverWait(driver, 10).until(lambda d: "show=behaviour" in shown(d))
        assert colour(driver, 0, 0) == atlas_colours.BEHAVIOURS["diverges"]
        assert "not solved" not in text(driver, "legend")
        choose(driver, "quantity", "basin")
        assert [colour(driver, 0, j) for j in (0, 4)] == [GREY, atlas_colours.MIDWAY]
        assert {"midway", "none"} <= {*text(driver, "legend").split()}
        assert complaints(driver) == []


@needs_chromium
def test_a_click_shows_the_curves_of_the_nearest_of_the_sample(page):
    # the point chosen first is that of the paper
    assert "at.beta=0.9&at.learning_rate=0.01" in shown(page)
    address = click(page, 3, 7)
    assert "at.theta0=1.5" in address
    # starts are 0.5 apart, those of the sample 1; of 0.0316 the next is 0.1
    assert text(page, "which").startswith(
        "θ at steps = 20, θ₀ = 2, β = 0.9, α = 0.1: the nearest point of the sample to"
    )
    field = page.find_element(By.ID, "at")
    field.send_keys("16", Keys.TAB)
    # row 222 of 9 times 5 times 5, of which the models are a quarter apart, after 16 steps
    row = 8 * 25 + 2 * 5 + 4
    step = "Step 16: " + "; ".join(
        f"{atlas_explorer.TITLES[model]} {made_up.theta(row, model, 16):.5g}" for model in atlas.MODELS
    )
    assert text(page, "values") == f"{step}."
    click(page, 2, 6)
    assert "θ₀ = 1, β = 0.9, α = 0.01: the point chosen." in text(page, "which")
    cells = [[cell.text for cell in row.find_elements(By.CSS_SELECTOR, "th, td")] for row in
             page.find_elements(By.CSS_SELECTOR, "#measured tr")]  # fmt: skip
    assert ["largest gap", "", "0.01", "0.1"] in cells
    assert ["behaviour", "oscillates", "settles", "settles"] in cells
    assert ["nearest minimum at the end", "θ = 1", "θ = 1", "θ = 1"] in cells


@needs_chromium
def test_the_keyboard_moves_and_chooses(page):
    canvas = page.find_element(By.ID, "map")
    before = shown(page)
    canvas.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_UP)
    assert text(page, "reading").startswith("α = 0.03162, θ₀ = 1: largest gap: 0.0316")
    assert shown(page) == before
    canvas.send_keys(Keys.ENTER)
    assert "at.theta0=1&" in shown(page)
    canvas.send_keys(Keys.SHIFT, Keys.ARROW_UP, Keys.ARROW_RIGHT, Keys.NULL)
    # at the edge it ends
    assert text(page, "reading").startswith("α = 0.1, θ₀ = 2: largest gap: not solved")
    canvas.send_keys(Keys.ESCAPE)
    assert text(page, "reading").startswith("α = 0.03162, θ₀ = 1:")


@needs_chromium
def test_pointing_reads_a_value_without_choosing(page):
    before = shown(page)
    pointing(page, 0, 0).perform()
    WebDriverWait(page, 10).until(lambda d: text(d, "reading").startswith("α = 0.001, θ₀ = -2: largest gap: 0.001"))
    assert shown(page) == before


@needs_chromium
def test_every_control_changes_the_address_and_the_address_what_is_shown(path):
    seen = []
    with chromium(path) as driver:
        shown(driver)
        choose(driver, "quantity", "loss")
        seen.append(choose(driver, "model", "no_lookahead"))
        seen.append(choose(driver, "y", "beta"))
        slider = driver.find_element(By.ID, "held-theta0")
        slider.send_keys(Keys.ARROW_RIGHT)
        seen.append(shown(driver))
        # across what was upwards: the two change places
        seen.append(choose(driver, "x", "beta"))
        assert "x=beta&y=learning_rate" in seen[-1]
        pictures = {driver.find_element(By.ID, "map").screenshot_as_base64}
        seen.append(choose(driver, "region", "quadratic-adam"))
        pictures.add(driver.find_element(By.ID, "map").screenshot_as_base64)
        assert len(pictures) == 2
        assert len(set(seen)) == len(seen)
        names = [slider.get_attribute("id") for slider in driver.find_elements(By.CSS_SELECTOR, "#held input")]
        assert len(names) == 2
        driver.execute_script("location.hash = arguments[0]", seen[2])
        WebDriverWait(driver, 10).until(lambda d: d.execute_script("return document.body.dataset.shown") == seen[2])
        assert driver.find_element(By.ID, "held-theta0").get_attribute("aria-valuetext") == "θ₀ = 1"
        assert complaints(driver) == []


@needs_chromium
def test_an_address_that_means_nothing_is_no_error(page):
    for broken in ("#region=none&x=y&show=toString&model=best&at.beta=much", "#x=beta&y=beta", "#%"):
        page.execute_script("location.hash = arguments[0]", broken)
        WebDriverWait(page, 10).until(lambda d: d.execute_script("return location.hash.includes('region=double_well')"))
        assert shown(page)


@needs_chromium
@needs_axe
def test_on_any_screen_by_day_and_night_nobody_is_kept_out(page):
    for width in in_all_looks(page):
        shown(page)
        assert page.execute_script("return document.documentElement.scrollWidth") <= width
        assert barriers(page) == []


@needs_chromium
def test_the_keyboard_reaches_every_control_and_shows_where_it_is(page):
    controls = page.find_elements(By.CSS_SELECTOR, "select, input, canvas[tabindex], [tabindex='0']")
    enabled = [e for e in controls if e.is_displayed() and e.is_enabled()]
    page.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    reached = []
    while (focused := page.switch_to.active_element).tag_name != "body":
        reached.append(focused)
        assert focused.accessible_name
        assert focused.value_of_css_property("outline-width") == "3px"
        focused.send_keys(Keys.TAB)
    assert reached == enabled


LOOKS = """
const style = getComputedStyle(document.documentElement);
return ["ground", "discrete", "converged", "no_lookahead"].map((name) => style.getPropertyValue(`--${name}`).trim());
"""


@needs_chromium
@pytest.mark.parametrize("dark", [False, True])
def test_curves_are_told_apart_by_day_and_night(path, dark):
    with chromium(path, dark=dark) as driver:
        ground, *curves = (
            np.array([int(found[i : i + 2], 16) for i in (1, 3, 5)]) / 255 for found in driver.execute_script(LOOKS)
        )
    for one, other in ((curves[0], curves[1]), (curves[0], curves[2]), (curves[1], curves[2])):
        assert min(difference(np.array([one, other]), kind) for kind in KINDS) >= APART
    assert all(difference(np.array([ground, curve]), "grey") >= 3 * APART for curve in curves)
