"""What results depend on."""

import pytest

from conftest import ROOT
from optide.problem import plugins
from optide.settings import atlas, yamlfile
from optide.settings.config import rates_slice

CONFIG = yamlfile.read(ROOT / "config.yaml")


@pytest.mark.parametrize("name", CONFIG["atlas"]["regions"])
def test_the_rows_of_a_region_do_not_depend_on_the_order_of_its_hyperparameters(name):
    region = CONFIG["atlas"]["regions"][name]
    turned = region | {"hyperparameters": dict(reversed(region["hyperparameters"].items()))}
    assert [*atlas.axes(turned)] == [*atlas.axes(region)]


def test_rates_depend_on_the_plugins_that_they_use(monkeypatch):
    assert rates_slice(CONFIG["rates"]) == CONFIG["rates"]
    monkeypatch.setattr(plugins, "used", lambda *names: {"own.py": f"the code of {', '.join(names)}"})
    assert rates_slice(CONFIG["rates"])["plugins"] == {"own.py": "the code of rmsprop, adam, adam"}
