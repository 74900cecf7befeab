"""A real browser for the pages of the project, driven by selenium, without a network."""

import json
import shutil
import tempfile
from contextlib import contextmanager

import pytest
from selenium import webdriver

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
needs_chromium = pytest.mark.skipif(
    not (BROWSER and DRIVER),
    reason="needs chromium (or google-chrome) and chromedriver; Debian's packages are chromium and chromium-driver",
)
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
            metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone}
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
            scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
            driver.get(page.as_uri())
            yield driver
        finally:
            driver.quit()


def complaints(driver):
    """The errors on the console since the last look."""
    return [entry["message"] for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]


def requests(driver):
    """Where the page asked for something, besides itself and what it holds, since the last look."""
    events = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    sent = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    return [url for url in sent if not url.startswith(("file:", "data:", "blob:", "chrome:"))]
