"""The explorer: what it keeps, and in a real browser every control, on a phone, in the dark, without a network."""

import itertools
import json

import numpy as np
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from browser import barriers, chromium, complaints, in_all_looks, needs_axe, needs_chromium, requests, show
from optide.data import provenance
from optide.data.traces import Trace
from optide.show import explorer
from vision import APART, KINDS, difference

RECORD = {"configuration": {"experiments": "0"}, "traces": {"x.parquet": "1"}}
STEPS = 40


def lane(scheme, *, objective="quadratic", optimizer="rmsprop", rate=0.1, beta=0.0, theta0=1.0, steps=STEPS, **more):
    """A made-up trace: theta decays at a rate that tells the configuration, v is its square."""
    k = np.arange(steps)
    behind = {"discrete": 0.0, "published": 0.01, "converged": 0.002}[scheme]
    faster = 0.1 * beta + 0.03 * (optimizer == "adagrad") + 0.05 * (objective == "double_well")
    theta = theta0 * np.exp(-k * (rate + faster)) + behind * k
    values = {"k": k, "t": k * rate, "u": (k + (scheme != "discrete")) * rate, "theta": theta, "loss": theta**2 / 3}
    values["G" if optimizer == "adagrad" else "v"] = theta**2
    configuration = {
        **{"experiment": f"{objective}-{optimizer}", "set": "", "scheme": scheme, "objective": objective},
        **{"optimizer": optimizer, "learning_rate": rate, "theta0": theta0, "steps": steps},
        **{"hyperparameters": {"beta": beta} if optimizer == "rmsprop" else {}},
        **{"converged": scheme != "published", "iterations": 7 if scheme == "published" else 1, "residual": 2.5e-13},
    } | more
    return Trace(configuration, values)


def everywhere(**choice):
    return [lane(scheme, **choice) for scheme in explorer.SCHEMES]


LANES = [
    *(t for rate in (0.1, 0.05) for beta in (0.0, 0.9) for theta0 in (1.0, 2.0)
      for t in everywhere(rate=rate, beta=beta, theta0=theta0)),
    *everywhere(optimizer="adagrad"),
    *everywhere(objective="double_well", optimizer="adagrad"),
    *everywhere(objective="double_well", optimizer="adagrad", experiment="again", steps=3000),
]  # fmt: skip
OTHER = {  # every select, and a choice that is not its first
    "objective": "double_well",
    "optimizer": "adagrad",
    "learning_rate": "0.05",
    "hyperparameters": "beta=0.9",
    "theta0": "2",
    "quantity": "v",
}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("explorer") / "explorer.html"
    explorer.write(LANES, path, RECORD)
    return path


@pytest.fixture
def page(path):
    """The page, open; it must end without an error on the console and without a request."""
    with chromium(path) as driver:
        yield driver
        assert complaints(driver) == []
        assert requests(driver) == []
        assert driver.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)") == []


PICTURE = """
const plot = document.getElementById("plot");
const {shapes, dragmode} = plot._fullLayout;
return JSON.stringify([plot.data.filter((curve) => curve.visible).map((curve) => [curve.name, curve.x, curve.y]),
  ["xaxis", "yaxis", "yaxis2"].map((name) => [plot._fullLayout[name].type, plot._fullLayout[name].range]),
  shapes.map((line) => line.x0), dragmode]);
"""


def picture(driver):
    """The curves, the types and ranges of the axes, the steps that are marked, and what dragging does."""
    return driver.execute_script(PICTURE)


def curves(driver):
    return {name: (x, y) for name, x, y in json.loads(picture(driver))[0]}


def test_a_short_trace_is_kept_whole_and_a_long_one_keeps_its_peaks():
    assert explorer.thin(np.zeros((2, explorer.WHOLE))).tolist() == list(range(explorer.WHOLE))
    n = 100_000
    k = np.arange(n)
    swinging = np.where(k % 2, 1.0, -1.0) / (1 + k)
    peaked = np.exp(-k / n)
    peaked[[17, 54_321]] = 5.0, -5.0
    late = np.where(k < 10, np.nan, k)
    never = np.full(n, np.nan)
    kept = explorer.thin(np.array([swinging, peaked, late, never]))
    assert {0, 17, 54_321, n - 1} <= set(kept.tolist())
    assert np.all(np.diff(kept) > 0)
    # two extremes of four curves in each of twice as many ranges, and the two ends
    assert explorer.RANGES < len(kept) <= 2 * 4 * 2 * explorer.RANGES + 2
    for low, high in ((1000, 3000), (40_000, 60_000)):
        part = swinging[kept[(kept >= low) & (kept < high)]]
        assert part.max() > 0 > part.min()


def test_a_configuration_that_a_scheme_lacks_is_left_out():
    assert list(explorer.configurations([lane("discrete"), lane("published")])) == []


def test_hyper_parameters_are_named_with_their_set():
    choices = ({}, {"set": "A"}, {"optimizer": "adagrad"}, {"optimizer": "adagrad", "set": "B"})
    shown = explorer.configurations(lane for choice in choices for lane in everywhere(**choice))
    names = [configuration["hyperparameters"] for configuration in shown]
    assert names == ["beta=0", "set A: beta=0", "none", "set B"]


def test_the_page_is_the_same_to_the_byte_carries_its_provenance_and_cannot_load_anything(path, tmp_path):
    explorer.write(LANES, tmp_path / "again.html", RECORD)
    content = path.read_text(encoding="utf-8")
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == content
    assert provenance.read(path) == RECORD
    assert "default-src 'none'" in content
    own = explorer.page([]).replace(explorer.get_plotlyjs(), "")
    assert "://" not in own


def test_data_cannot_end_the_script_that_holds_them():
    shown = [{"objective": "</script><!--", "optimizer": "adam", "values": {}}]
    assert "</script><!--" not in explorer.page(shown).replace(explorer.get_plotlyjs(), "")


@needs_chromium
def test_a_page_without_data_is_no_explorer():
    assert not explorer.is_one("<html></html>")
    with pytest.raises(ValueError, match="no data of an explorer"):
        explorer.unpack("<html></html>")


def test_values_are_exact_and_states_of_the_equation_stand_a_step_later(page):
    first = {t.configuration["scheme"]: t.values for t in LANES[:3]}
    shown = curves(page)
    steps, theta = shown["discrete algorithm"]
    assert steps == list(range(STEPS + 1))
    assert theta == [*first["discrete"]["theta"].tolist(), None]
    assert shown["equation, converged"][1][:-1] == first["converged"]["theta"].tolist()
    gap = np.abs(first["discrete"]["theta"] - first["published"]["theta"])
    # no zeros on a logarithmic axis
    assert shown["gap to published"][1] == [None, *gap[1:].tolist(), None]
    Select(page.find_element(By.ID, "quantity")).select_by_value("v")
    assert curves(page)["equation, published scheme"][1] == [None, *first["published"]["v"].tolist()]
    summary = page.find_element(By.ID, "summary").text
    assert "published scheme: largest gap" in summary
    assert "did not converge in 7 iterations, residual 2.50e-13" in summary
    assert "the solver converged in 1 iteration, residual 2.50e-13" in summary


@needs_chromium
def test_every_control_changes_the_picture(page):
    selects = {e.get_attribute("id") for e in page.find_elements(By.TAG_NAME, "select") if e.is_displayed()}
    assert selects == set(OTHER)
    seen = [picture(page)]
    for control, value in OTHER.items():
        page.refresh()
        assert picture(page) == seen[0]
        Select(page.find_element(By.ID, control)).select_by_value(value)
        seen.append(picture(page))
    page.refresh()
    for control in ("log-x", "log-y", "log-gap"):
        page.find_element(By.ID, control).click()
        seen.append(picture(page))
    for control, value in {"from": 5, "to": 20}.items():
        field = page.find_element(By.ID, control)
        field.send_keys(str(value), Keys.TAB)
        seen.append(picture(page))
    assert len(set(seen)) == len(seen)
    assert json.loads(seen[-1])[1][0] == ["log", pytest.approx(np.log10([5, 20]).tolist())]
    for control in ("log-x", "log-y", "log-gap", "whole"):
        page.find_element(By.ID, control).click()
    assert picture(page) == seen[0]


@needs_chromium
def test_a_choice_limits_the_others_and_two_experiments_can_be_told_apart(page):
    Select(page.find_element(By.ID, "objective")).select_by_value("double_well")
    offered = Select(page.find_element(By.ID, "optimizer"))
    assert [option.text for option in offered.options] == ["AdaGrad"]
    experiment = page.find_element(By.ID, "experiment")
    assert experiment.is_displayed()
    before = picture(page)
    Select(experiment).select_by_value("again")
    assert picture(page) != before
    assert "of 3001 steps are in this page" in page.find_element(By.ID, "summary").text


@needs_chromium
def test_the_mouse_zooms_and_reads_values(page):
    area = page.find_element(By.CSS_SELECTOR, ".nsewdrag")
    before = picture(page)
    ActionChains(page).move_to_element_with_offset(area, -100, -50).click_and_hold().move_by_offset(
        150, 80
    ).release().perform()
    WebDriverWait(page, 10).until(lambda _: picture(page) != before)
    ActionChains(page).move_to_element(area).perform()
    WebDriverWait(page, 10).until(lambda _: "converged" in page.find_element(By.CSS_SELECTOR, ".hoverlayer").text)


KEYS = {"number": "7", "checkbox": Keys.SPACE, "button": Keys.ENTER}
DONE = {"All steps", "Zoom"}
"""Buttons for what is as they would have it here."""
DOWNLOAD = "Download plot as a PNG"


def kind(control):
    return control.get_attribute("type") if control.tag_name == "input" else control.tag_name


@needs_chromium
@pytest.mark.parametrize("dark", [False, True])
def test_the_keyboard_reaches_every_control_shows_where_it_is_and_works_it(path, dark):
    with chromium(path, dark=dark) as page:
        controls = page.find_elements(By.CSS_SELECTOR, "select, input, button")
        enabled = [e for e in controls if e.is_displayed() and e.is_enabled()]
        ground = page.find_element(By.TAG_NAME, "body").value_of_css_property("background-color")
        page.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
        reached = []
        while (focused := page.switch_to.active_element).tag_name != "body":
            reached.append(focused)
            assert focused.accessible_name
            assert focused.value_of_css_property("outline-style") == "solid"
            assert focused.value_of_css_property("outline-width") == "3px"
            # WCAG 2.2 asks 3 : 1 of what shows the focus
            assert contrast(focused.value_of_css_property("outline-color"), ground) >= 3
            focused.send_keys(Keys.TAB)
        assert reached == enabled
        # the first of the form last, as they limit those that follow
        form = [e for e in reached if kind(e) != "button"]
        for control in [*(e for e in reached if e not in form and e.accessible_name != DOWNLOAD), *reversed(form)]:
            name, before = control.accessible_name, picture(page)
            if kind(control) == "select":
                control.send_keys(Keys.ARROW_UP if control.get_property("selectedIndex") else Keys.ARROW_DOWN)
            else:
                control.send_keys(KEYS[kind(control)])
            if kind(control) == "number":  # which waits for what else is typed
                control.send_keys(Keys.TAB)
            if name not in DONE:
                WebDriverWait(page, 10).until(lambda _, before=before: picture(page) != before, f"{name}: does nothing")
            if kind(control) == "checkbox":  # or there would be no curves for the others to change
                control.send_keys(Keys.SPACE)
        assert complaints(page) == []


@needs_chromium
def test_the_values_at_a_step_have_all_digits_and_the_step_is_marked(page):
    first = {t.configuration["scheme"]: t.values for t in LANES[:3]}
    field = page.find_element(By.ID, "at")
    field.send_keys("7", Keys.TAB)
    discrete, published, converged = (float(first[scheme]["theta"][7]) for scheme in explorer.SCHEMES)
    told = page.find_element(By.ID, "values").text
    assert told.startswith("Step 7: ")
    for number in (discrete, published, converged, abs(discrete - published), abs(discrete - converged)):
        assert f" {number!r}" in told
    assert json.loads(picture(page))[2] == [7]
    page.find_element(By.ID, "log-x").click()
    field.clear()
    field.send_keys("0", Keys.TAB)
    # there is no zero on a logarithmic axis, and no gap at the start
    assert json.loads(picture(page))[2] == []
    assert "gap to published 0;" in page.find_element(By.ID, "values").text
    field.clear()
    field.send_keys(Keys.TAB)
    assert page.find_element(By.ID, "values").text == ""


@needs_chromium
def test_ends_may_be_in_either_order_and_the_nearest_step_is_read_however_far_it_is(page):
    for control, value in {"from": "20", "to": "5", "at": "1e300"}.items():
        page.find_element(By.ID, control).send_keys(value, Keys.TAB)
    assert json.loads(picture(page))[1][0] == ["linear", [5, 20]]
    assert page.find_element(By.ID, "values").text.startswith(f"Step {STEPS}: ")
    assert json.loads(picture(page))[2] == [STEPS]


@needs_chromium
@needs_axe
def test_on_any_screen_by_day_and_night_nobody_is_kept_out(page):
    for width in in_all_looks(page):
        drawn = f"return document.getElementById('plot')._fullLayout.width <= {width}"
        WebDriverWait(page, 10).until(lambda d, drawn=drawn: d.execute_script(drawn))
        assert page.execute_script("return document.documentElement.scrollWidth") <= width
        assert barriers(page) == []


@needs_chromium
@pytest.mark.parametrize("width", [320, 360, 390])
def test_a_phone_needs_no_scrolling_sideways(path, width):
    with chromium(path, width=width, height=700, phone=True) as driver:
        assert driver.execute_script("return document.documentElement.scrollWidth") <= width
        for control in driver.find_elements(By.CSS_SELECTOR, "select, input, button[id], #plot"):
            box = control.rect
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
        assert complaints(driver) == []


LEGEND = """
const [plot, title, legend] = ["#plot", ".g-xtitle", ".legend"].map((name) =>
  document.querySelector(name).getBoundingClientRect());
return Math.abs(document.querySelector("#plot")._fullLayout.width - plot.width) < 1
  && title.bottom <= legend.top && legend.bottom <= plot.bottom + 1;
"""


@needs_chromium
def test_the_legend_stays_below_the_title_of_the_axis_when_the_window_changes(path):
    with chromium(path, width=360, phone=True) as driver:
        for width, height in ((1280, 900), (900, 360), (700, 900), (360, 900), (2560, 900)):
            show(driver, width, height, phone=width < 600)
            WebDriverWait(driver, 10).until(lambda d: d.execute_script(LEGEND), (width, height))


def rgb(colour):
    """The parts of "rgb(r, g, b)", from 0 to 1."""
    return np.array([int(part) for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]) / 255


def luminance(colour):
    """Relative luminance of "rgb(r, g, b)" (WCAG 2.2)."""
    parts = rgb(colour)
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one, other):
    """Of two colours (WCAG 2.2)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


LOOKS = """
const style = (element) => getComputedStyle(element);
const plot = document.getElementById("plot");
const probe = document.createElement("span"); document.body.append(probe);
const rgb = (colour) => { probe.style.color = colour; return style(probe).color; };
return {ground: style(document.body).backgroundColor, text: style(document.body).color,
  paper: rgb(plot._fullLayout.paper_bgcolor), faint: style(document.querySelector("header p")).color,
  curves: plot.data.slice(0, 3).map((curve) => rgb(curve.line.color))};
"""


@needs_chromium
def test_in_the_dark_the_page_is_dark_and_everything_on_it_can_be_read(path):
    for dark in (False, True):
        with chromium(path, dark=dark) as driver:
            looks = driver.execute_script(LOOKS)
        assert looks["paper"] == looks["ground"]
        assert luminance(looks["ground"]) < 0.05 if dark else luminance(looks["ground"]) > 0.9
        # WCAG 2.2 asks 4.5 : 1 of text and 3 : 1 of graphics
        for colours, least in (([looks["text"], looks["faint"]], 4.5), (looks["curves"], 3.0)):
            assert all(contrast(colour, looks["ground"]) >= least for colour in colours)
        for pair in itertools.combinations(looks["curves"], 2):
            colours = np.array([rgb(colour) for colour in pair])
            assert min(difference(colours, kind) for kind in KINDS) >= APART
