"""What the report says of each result, as Snakemake renders it, also of what has no sentence of its own."""

import re
from html import unescape
from types import SimpleNamespace

import docutils.core
import pytest
from jinja2 import Environment, StrictUndefined

from conftest import ROOT
from optide.problem import plugins
from optide.problem.registry import written
from optide.settings import yamlfile
from optide.settings.vocabulary import words

IDEAS = ROOT / "examples" / "ideas"
CAPTIONS = ROOT / "workflow" / "report"
REDUCED = yamlfile.read(ROOT / "tests/reduced/config.yaml")

NEW = {
    "experiments": {
        "deep_": {
            "objective": "rosenbrock_valley", "optimizer": "heavy_ball", "learning_rates": [0.1], "theta0": [0.0, 1.0],
        },
        "steep": {
            "objective": "log_barrier", "optimizer": "adamw", "learning_rates": [0.1], "theta0": [0.0],
        },
    },
    "figures": {
        "new_": {
            "quantity": "slow_average",
            "rows": [
                {"experiments": ["deep_", "steep"]},
                {"experiments": ["deep_"], "theta0": 0.0, "set": "A_"},
                {"experiments": ["steep"], "set": "B", "scale": "log"},
            ],
        }
    },
}  # fmt: skip
"""Objectives, optimizers, a quantity, sets and a figure of names that no caption knows, some of them ending as
references do in reStructuredText."""


def rendered(template, config, **more):
    """A caption in words, without a name that is undefined or markup that is not valid."""
    environment = Environment(trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    given = SimpleNamespace(config={"made_with": ["Python"], "words": words(), **config}, **more)
    text = environment.from_string((CAPTIONS / template).read_text(encoding="utf-8")).render(snakemake=given)
    html = docutils.core.publish_parts(text, writer="html", settings_overrides={"halt_level": 2, "raw_enabled": True})[
        "html_body"
    ]
    return " ".join(unescape(re.sub(r"<[^>]*>", "", html)).split())


def figure(config, name, scheme):
    wildcards = SimpleNamespace(figure=name, continuous=scheme)
    return rendered("figure.rst", config, wildcards=wildcards, params=SimpleNamespace(figure=config["figures"][name]))


@pytest.mark.parametrize("scheme", ["published", "converged"])
def test_a_figure_of_what_has_no_sentence_is_named(scheme):
    text = figure(NEW, "new_", scheme)
    heading = (
        "the state slow_average, of heavy_ball, adamw on the objective rosenbrock_valley, the objective log_barrier."
    )
    assert f"new_, {scheme}: {heading}" in text
    assert "up, the state slow_average. The equation's state is drawn at u = t + alpha" in text
    assert "(0.1); rows, from the top: deep_, steep; theta0 = 0.0, set A_; set B, logarithmic." in text


@pytest.fixture
def ideas():
    plugins.load([IDEAS / "ideas.py"])
    yield yamlfile.read(IDEAS / "config.yaml")
    plugins.unload(IDEAS / "ideas.py")


def test_a_state_is_described_by_the_optimizer_whose_it_is(ideas):
    text = figure(ideas, "momentum", "converged")
    assert text.startswith("momentum, converged: m, the momentum, of heavy ball on the quadratic (theta - 4)^2. ")
    together = {**ideas["figures"]["momentum"], "rows": [{"experiments": ["quadratic-heavy_ball", "quadratic-adamw"]}]}
    text = figure({**ideas, "figures": {"both": together}}, "both", "converged")
    assert "m, the momentum or m, the average of gradients (first moment), of heavy ball, AdamW on" in text


def test_an_element_of_theta_is_no_state(ideas):
    text = figure(ideas, "valley", "converged")
    assert "valley, converged: element 1 of the parameter theta, of AdamW on Rosenbrock's valley" in text
    assert "state" not in text


@pytest.mark.parametrize("scheme", ["published", "converged"])
def test_every_figure_of_the_paper_is_described(config, scheme):
    for name, entry in config["figures"].items():
        text = figure(config, name, scheme)
        experiments = [config["experiments"][e] for row in entry["rows"] for e in row["experiments"]]
        assert all(written(experiment["optimizer"]) in text for experiment in experiments)
        assert all(experiment["objective"].split("_")[-1] in text for experiment in experiments)
        assert re.match(rf"{name}, {scheme}: \w[^.]*, of \w.* on \w.*\. Look at: \w", text)
        assert not re.search(r"the objective |the state |None|\(\)", text)
        assert all(" ".join(config["captions"][name].get(part, "").split()) in text for part in ("look", scheme))
        assert text.count("logarithmic in") == sum("log" in i for row in entry["rows"] for i in row.get("insets", ()))


@pytest.mark.parametrize("template", sorted({path.name for path in CAPTIONS.glob("*.rst")} - {"figure.rst"}))
@pytest.mark.parametrize("which", ["paper", "reduced"])
def test_every_other_caption_is_valid(config, template, which):
    text = rendered(template, {"paper": config, "reduced": REDUCED}[which])
    assert len(text) > 100
    assert not re.search("{[{%]", text)


def test_the_front_page_names_the_objectives_that_there_are():
    assert "what is minimised: the rosenbrock valley, the log barrier. The switch" in rendered("workflow.rst", NEW)
    assert "the quadratic, the double well, the regression. The switch" in rendered("workflow.rst", REDUCED)


def test_the_order_that_is_to_be_observed_is_that_of_the_configuration(config):
    assert "the order observed, which is to be 2; then" in rendered("table2.rst", config)
    assert "the order observed, which is to be 1; then" in rendered("table2.rst", REDUCED)
