"""A real browser for the pages of the project, driven by selenium, without a network."""

import json
import shutil
import tempfile
from contextlib import contextmanager

import pytest
from selenium import webdriver

from conftest import ROOT

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
needs_chromium = pytest.mark.skipif(
    not (BROWSER and DRIVER),
    reason="needs chromium (or google-chrome) and chromedriver; Debian's packages are chromium and chromium-driver",
)
AXE = ROOT / ".ci" / "node_modules" / "axe-core" / "axe.min.js"
needs_axe = pytest.mark.skipif(not AXE.exists(), reason="needs axe-core: `npm ci --prefix .ci`")
LOOKS = [(width, dark) for width in (360, 1280, 2560) for dark in (False, True)]
"""A phone, a laptop and a large screen, by day and by night."""
FLAGS = (
    # as root, in a container, without a screen
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
    # nothing of its own over the network
    *("--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update"),
    "--disable-sync",
)


@contextmanager
def chromium(page, *, width=1200, height=1000, phone=False, dark=False):
    """The page, opened in a window of `width` times `height` CSS pixels of a new browser."""
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for flag in (*FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}"):
            options.add_argument(flag)
        driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
        try:
            driver.get_log("performance")  # of the empty page that it starts with
            show(driver, width, height, phone=phone, dark=dark)
            driver.get(page.as_uri())
            yield driver
        finally:
            driver.quit()


def show(driver, width, height, *, phone=False, dark=False):
    """The page in another window, which it has to follow."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})


def in_all_looks(driver):
    """Show the page in each of `LOOKS`, one after the other: the width."""
    for width, dark in LOOKS:
        show(driver, width, 900, phone=width < 600, dark=dark)
        yield width


AUDIT = """
const [part, done] = arguments;
Promise.allSettled(document.getAnimations().map((one) => one.finished))
  .then(() => axe.run(part, {resultTypes: ["violations"]})).then((found) => done(found.violations
  .filter((one) => ["serious", "critical"].includes(one.impact))
  .flatMap((one) => one.nodes.map((node) => [one.id, node.html]))), (error) => done([[String(error), ""]]));
"""


def barriers(driver, part="html"):
    """What axe-core finds serious or critical in a part of the page, once nothing moves: rule and element of each."""
    if not driver.execute_script("return window.axe !== undefined"):
        driver.execute_script(AXE.read_text(encoding="utf-8"))
    return [tuple(found) for found in driver.execute_async_script(AUDIT, part)]


def complaints(driver):
    """The errors on the console since the last look."""
    return [entry["message"] for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]


def requests(driver):
    """Where the page asked for something, besides itself and what it holds, since the last look."""
    events = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    sent = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    return [url for url in sent if not url.startswith(("file:", "data:", "blob:", "chrome:"))]
