import copy

import pytest

from conftest import ROOT
from optide.base.errors import ConfigError
from optide.problem.objectives import Objective
from optide.problem.registry import OBJECTIVES, OPTIMIZERS
from optide.settings import yamlfile
from optide.settings.config import experiment_slice, label, lanes
from optide.settings.examine import examine
from optide.settings.figures import figure_labels, figure_runs
from optide.settings.looks import LOOKS, looks
from optide.settings.vocabulary import MARK, complete

SCHEMA = yamlfile.read(ROOT / "workflow/schemas/config.schema.yaml")


@pytest.mark.parametrize("path", ["config.yaml", "tests/reduced/config.yaml"])
def test_the_configurations_are_valid(path):
    assert examine(yamlfile.read(ROOT / path), SCHEMA) == []


def test_the_schema_names_what_there_is():
    schema = complete(SCHEMA)
    experiment, figure = (schema["$defs"][name]["properties"] for name in ("experiment", "figure"))
    assert experiment["objective"]["enum"] == list(OBJECTIVES) == ["quadratic", "double_well", "regression"]
    assert experiment["optimizer"]["enum"] == list(OPTIMIZERS) == ["adagrad", "rmsprop", "adam"]
    lists = experiment["sets"]["items"]["properties"]["hyperparameters"]["properties"]
    assert list(lists) == ["beta", "beta1", "beta2", "eps"]
    assert lists["beta"]["items"] == {
        "description": "Of rmsprop: decay of the average of squared gradients.",
        "type": "number",
        "minimum": 0,
        "exclusiveMaximum": 1,
    }
    assert {"theta", "loss", "G", "m", "v", "theta[0]", "m[15]"} <= {*figure["quantity"]["enum"]}
    assert "loss[0]" not in figure["quantity"]["enum"]
    assert MARK not in str(schema)
    assert MARK in str(SCHEMA)


def test_the_paper_has_15_figures_and_76_configurations(config):
    assert list(config["figures"]) == [f"fig{i:02}" for i in range(1, 16)]
    found = [
        (name, rate, lane.set, lane.theta0, tuple(lane.hyperparameters.values()))
        for name, experiment in config["experiments"].items()
        for rate in experiment["learning_rates"]
        for lane in lanes(experiment_slice(config, name, rate))
    ]
    # a learning rate: quadratic 1 + 3 + 4, double well from 3 starts, regression 3 in 2 sets
    assert len(found) == len(set(found)) == 2 * (8 + 3 * 8 + 6)


MANY = {"from": 0.1, "to": 0.2, "values": 100_000, "spacing": "linear"}
RMSPROP = {
    "optimizer": "rmsprop",
    "varies": "beta",
    "memory": {"shortest": 1, "longest": 9, "values": 3},
    "steps": [9, 9],
}


def edit(config, *keys, value):
    edited = copy.deepcopy(config)
    *path, last = keys
    place = edited
    for key in path:
        place = place[key]
    place[last] = value
    return edited


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (
            ("figures", "fig01", "rows", 0, "experiments"),
            ["quadratic-adam-x"],
            r"figures\.fig01\.rows\[0\]\.experiments\[0\] = 'quadratic-adam-x'.*did you mean 'quadratic-adam'",
        ),
        (
            ("figures", "fig01", "quantity"),
            "v",
            r"figures\.fig01\.quantity = 'v': quadratic-adagrad has theta, loss, G",
        ),
        (
            ("figures", "fig01", "quantity"),
            "theta[0]",
            r"quadratic-adagrad has theta, loss, G; did you mean 'theta'\?$",
        ),
        (
            ("figures", "fig08", "rows", 0, "theta0"),
            0.7,
            r"figures\.fig08\.rows\[0\]\.theta0 = 0\.7.*\[0\.1, 0\.0, -0\.1\]",
        ),
        (("figures", "fig15", "rows", 0, "set"), "C", r"figures\.fig15\.rows\[0\]\.set = 'C'.*'A', 'B'"),
        (
            ("experiments", "regression-adam", "learning_rates"),
            [0.1, 0.02],
            r"figures\.fig15: .* differ in learning_rates",
        ),
        (
            ("experiments", "quadratic-adam", "sets", 0, "steps"),
            [100],
            r"experiments\.quadratic-adam\.sets\[0\]\.steps",
        ),
        (
            ("experiments", "quadratic-adam", "sets", 0, "hyperparameters"),
            {"beta": [0.9]},
            r"adam takes beta1 and beta2 and, if wanted, eps, not beta; did you mean 'beta[12]'\?$",
        ),
        (("experiments", "regression-adam", "sets", 1, "name"), "A", r"two sets have the name 'A'"),
        (
            ("rates", "curves", "rmsprop", "varies"),
            "beta1",
            r"rates\.curves\.rmsprop\.varies = 'beta1': rmsprop has beta; did you mean 'beta'\?$",
        ),
        (
            ("rates", "curves", "adam-first-moment", "fixed"),
            {"beta1": 0.9},
            r"rates\.curves\.adam-first-moment\.fixed: adam with beta1 varying needs beta2, not beta1",
        ),
        (
            ("rates", "curves", "rmsprop", "memory", "shortest"),
            1000,
            r"rates\.curves\.rmsprop\.memory: shortest must be below longest = 1000",
        ),
        (
            ("rates", "curves", "rmsprop", "steps"),
            [5],
            r"rates\.curves\.rmsprop\.steps = \[5\]: needs one number for each of learning_rates = \[0\.1, 0\.01\]",
        ),
        (("rates", "curves", "adagrad"), RMSPROP, r"rates\.curves\.adagrad: this name is taken by rates\.adagrad"),
        (("rates", "adagrad", "steps"), [5], r"rates\.adagrad\.steps = \[5\]: needs one number for each"),
        (
            ("atlas", "regions", "quadratic-rmsprop", "hyperparameters", "beta", "to"),
            1.0,
            r"atlas\.regions\.quadratic-rmsprop\.hyperparameters\.beta\.to = 1\.0: must be in \[0, 1\)",
        ),
        (
            ("atlas", "regions", "quadratic-rmsprop", "hyperparameters"),
            {"beta1": [0.9]},
            r"atlas\.regions\.quadratic-rmsprop\.hyperparameters: rmsprop takes beta and, if wanted, eps, not be",
        ),
        (
            ("atlas", "regions", "quadratic-rmsprop", "learning_rates"),
            {"from": -1.0, "to": 1.0, "values": 3, "spacing": "linear"},
            r"quadratic-rmsprop\.learning_rates\.from = -1\.0: must be a finite number > 0$",
        ),
        (
            ("atlas", "regions", "quadratic-rmsprop", "theta0"),
            {"from": -1.0, "to": 1.0, "values": 3, "spacing": "logarithmic"},
            r"quadratic-rmsprop\.theta0\.from = -1\.0: must be a finite number > 0 where spacing is logarithmic",
        ),
        (("atlas", "refine"), 1000, r"atlas\.refine = 1000: [\d,]+ configurations; must be at most 10,000,000,000"),
        (
            ("atlas", "regions", "quadratic-rmsprop"),
            {
                **{"objective": "quadratic", "optimizer": "rmsprop", "t_start": "origin", "steps": [8]},
                **{"hyperparameters": {"beta": MANY}, "learning_rates": MANY, "theta0": [1.0]},
            },
            r"atlas\.regions: [\d,]+ configurations; must be at most 10,000,000,000",
        ),
        (
            ("atlas", "regions", "quadratic-rmsprop", "theta0"),
            {"from": 1.0, "to": 1.0, "values": 3, "spacing": "linear"},
            r"quadratic-rmsprop\.theta0\.to = 1\.0: must be above from = 1\.0",
        ),
        (
            ("atlas", "regions", "quadratic-rmsprop", "theta0"),
            {"from": 1.0, "to": 2.0, "values": 3},
            r"quadratic-rmsprop\.theta0\.spacing: missing; needed: from, to, values, spacing$",
        ),
        (
            ("atlas", "regions", "quadratic-rmsprop", "theta0"),
            {"from": 1.0, "too": 2.0, "values": 3, "spacing": "linear"},
            r"theta0\.too: unknown key; allowed: from, to, values, spacing; did you mean 'to'\?$",
        ),
        (
            ("atlas", "regions", "quadratic-rmsprop", "theta0"),
            1.0,
            r"quadratic-rmsprop\.theta0 = 1\.0: must be a list of numbers, all different, or a range \{from",
        ),
        (
            ("atlas", "regions", "quadratic-rmsprop", "hyperparameters", "beta", "to"),
            0.9999999999999,  # of twelve digits 1
            r"quadratic-rmsprop\.hyperparameters\.beta\.to = 0\.9999999999999: must be a number of at most 12 digits$",
        ),
        (
            ("atlas", "regions", "quadratic-rmsprop", "theta0"),
            {"from": 1000.0, "to": 1000.00000001, "values": 3, "spacing": "linear"},
            r"quadratic-rmsprop\.theta0\.values = 3: must be fewer, so that 12 digits tell them apart$",
        ),
        (
            ("atlas", "regions", "quadratic-rmsprop", "learning_rates"),
            {"from": 1.0, "to": 1.0000001, "values": 100_000, "spacing": "logarithmic"},
            r"quadratic-rmsprop\.learning_rates\.values = 100000: must be fewer, so that 12 digits tell them apart$",
        ),
        (
            ("atlas", "regions", "quadratic-rmsprop", "hyperparameters", "beta"),
            {"from": 0.0, "to": 0.99999999999, "values": 91, "spacing": "memory"},
            r"hyperparameters\.beta\.values = 91: must be fewer, so that 12 digits tell them apart$",
        ),
        (
            ("atlas", "regions"),
            {"01": {}},
            r"atlas\.regions: name '01' must be a name of at most 100 letters, digits, .* that starts with a letter$",
        ),
        (
            ("atlas", "regions", "quadratic-rmsprop", "theta0"),
            [10**51],
            r"quadratic-rmsprop\.theta0 = \[1000\d+\]: must be a list of numbers",
        ),
        (("atlas", "shard"), 10**400, r"atlas\.shard = 10+\.\.\.: must be an integer >= 1 and <= 1000000$"),
        (
            ("atlas", "shard"),
            1,
            r"atlas\.shard = 1: must be at least 2 for 109,404 configurations, so that jobs are 100,000",
        ),
        (("beyond", "optimizers", "adam"), {"beta1": 0.9}, r"beyond\.optimizers\.adam: adam takes beta1 and beta2"),
        (("beyond", "optimizers"), {"adagrad": {}}, r"beyond\.problems\.breast_cancer\.runs\.rmsprop: beyond\.optimi"),
        (
            ("beyond", "problems", "digits", "runs", "adam", "span"),
            0.004,
            r"beyond\.problems\.digits\.runs\.adam\.span = 0\.004: 1 steps at learning rate 0\.004; must be 3 to",
        ),
        (
            ("beyond", "problems"),
            {"mnist": {}},
            r"beyond\.problems\.mnist: unknown key; allowed: breast_cancer, digits",
        ),
        (("audit", "experiments"), ["adam"], r"audit\.experiments\[0\] = 'adam': no such experiment; there are quadr"),
        (
            ("audit", "substeps", "limit"),
            [1, 2, 3],
            r"audit\.substeps\.limit = \[1, 2, 3\]: each must be twice the",
        ),
        (
            ("audit", "substeps", "limit"),
            [1, 2],
            r"audit\.substeps\.limit = \[1, 2\]: must be a list of at least 3, all",
        ),
        (("audit", "example", "experiment"), "x", r"audit\.example\.experiment = 'x': no such experiment; there are"),
        (
            ("audit", "example", "learning_rate"),
            0.2,
            r"audit\.example\.learning_rate = 0\.2: quadratic-rmsprop has \[0\.1, 0\.01\]",
        ),
        (("audit", "example", "theta0"), 2.0, r"audit\.example\.theta0 = 2\.0: quadratic-rmsprop has 1\.0$"),
        (
            ("audit", "example", "hyperparameters"),
            {"beta": 0.95},
            r"audit\.example\.hyperparameters = \{'beta': 0\.95\}: quadratic-rmsprop has \{'beta': 0\.0\}, ",
        ),
        (
            ("audit", "example", "first"),
            499,
            r"audit\.example\.first = 499: must be at most 498, two steps before its end",
        ),
        (("rates", "theta0"), 4, r"rates\.theta0 = 4: must be a number other than 4, the minimum"),
        (
            ("figures", "fig03", "rows", 0, "insets", 0, "k"),
            [5, 5],
            r"figures\.fig03\.rows\[0\]\.insets\[0\]\.k = \[5, 5\]",
        ),
        (
            ("figures", "fig03", "rows", 0, "insets", 0, "learning_rate"),
            1,
            r"insets\[0\]\.learning_rate = 1: .* \[0\.1, 0\.01\]",
        ),
        (("figures", "fig03", "rows", 0, "insets", 0, "place"), [0, 0, 0, 1], r"insets\[0\]\.place.*width and height"),
    ],
)
def test_contradictions_are_named(config, keys, value, message):
    with pytest.raises(ConfigError, match=message):
        examine(edit(config, *keys, value=value), SCHEMA)


@pytest.mark.parametrize(
    ("minima", "theta0", "lacks"),
    [((), 1.0, "nowhere, of no known minimum"), (((1.0, 1.0),), [1.0, 2.0], "a theta that is a list")],
)
def test_the_example_of_the_audit_is_on_its_way_to_a_minimum(config, monkeypatch, minima, theta0, lacks):
    monkeypatch.setitem(OBJECTIVES, "nowhere", Objective("nowhere", abs, minima))
    changed = edit(config, "experiments", "quadratic-rmsprop", "objective", value="nowhere")
    changed = edit(changed, "experiments", "quadratic-rmsprop", "theta0", value=[theta0])
    changed = edit(changed, "audit", "example", "theta0", value=theta0)
    changed["figures"] = {"f": {"quantity": "loss", "rows": [{"experiments": ["quadratic-rmsprop"]}]}}
    with pytest.raises(ConfigError) as error:
        examine(changed, SCHEMA)
    assert str(error.value) == (
        "audit.example.experiment = 'quadratic-rmsprop': must be of one number and a known minimum, not " + lacks
    )


@pytest.mark.parametrize("end", ["theta0", "learning_rates"])
def test_an_integer_that_no_machine_word_holds_is_a_number_like_others(config, end):
    changed = edit(config, "atlas", "regions", "quadratic-adagrad", end, "to", value=10**30)
    assert examine(changed, SCHEMA) == []


def test_a_name_does_not_end_in_a_new_line(config):
    changed = edit(config, "atlas", "regions", value={"mine\n": config["atlas"]["regions"]["quadratic-adagrad"]})
    with pytest.raises(ConfigError, match=r"^atlas\.regions: name 'mine\\n' must be a name of"):
        examine(changed, SCHEMA)


def test_an_unused_experiment_is_a_warning(config):
    spare = edit(config, "experiments", "spare", value=config["experiments"]["quadratic-adam"])
    assert examine(spare, SCHEMA) == ["experiments.spare: no figure uses it"]


def test_a_caption_of_no_figure_is_a_warning(config):
    spare = edit(config, "captions", "fig_15", value={"look": "nowhere"})
    assert examine(spare, SCHEMA) == ["captions.fig_15: there is no such figure; did you mean 'fig15'?"]


@pytest.mark.parametrize("side", ["k", "range"])
def test_a_logarithmic_inset_starts_above_zero(config, side):
    inset = config["figures"]["fig02"]["rows"][0]["insets"][0]
    below = edit(config, "figures", "fig02", "rows", 0, "insets", 0, value={**inset, side: [0, 10]})
    with pytest.raises(ConfigError, match=rf"insets\[0\]\.{side} = \[0, 10\]: must be > 0 where log = \['x', 'y'\]"):
        examine(below, SCHEMA)


def test_a_figure_is_labelled_with_what_it_shows(config):
    labels = {"figure": "fig12", "quantity": "theta", "objective": "double well", "optimizer": "Adam"}
    assert figure_labels(config, "fig12") == labels
    assert figure_labels(config, "fig15")["optimizer"] == "AdaGrad and RMSProp and Adam"


def test_every_figure_has_a_caption(config):
    assert list(config["captions"]) == list(config["figures"])


def test_a_slice_holds_nothing_of_other_experiments_or_learning_rates(config):
    before = experiment_slice(config, "quadratic-adam", 0.1)
    other_rate = edit(config, "experiments", "quadratic-adam", "sets", 0, "steps", value=[100, 7])
    other_experiment = edit(config, "experiments", "quadratic-rmsprop", "theta0", value=[2.0])
    assert experiment_slice(other_rate, "quadratic-adam", 0.1) == before
    assert experiment_slice(other_experiment, "quadratic-adam", 0.1) == before
    assert figure_runs(config, "fig05") == [("quadratic-adam", 0.1), ("quadratic-adam", 0.01)]


def test_a_choice_keeps_its_place_whatever_figure_shows_it(config):
    assert looks(config, "fig03") == {"rmsprop beta=0": 1, "rmsprop beta=0.9": 2, "rmsprop beta=0.99": 3}
    assert looks(config, "fig15")["rmsprop beta=0.99"] == 3
    changed = edit(config, "experiments", "quadratic-adam", "sets", 0, "hyperparameters", "beta1", value=[0.0, 0.8])
    assert looks(changed, "fig03") == looks(config, "fig03")


def many(*counts, figures):
    """A configuration of RMSProp with so many values of beta in each experiment, and the experiments of each figure."""
    experiment = {"objective": "quadratic", "optimizer": "rmsprop", "theta0": [1.0], "t_start": "origin"}
    betas = iter(i / (sum(counts) + 1) for i in range(sum(counts)))
    experiments = {
        f"e{i}": {**experiment, "learning_rates": [0.1], "sets": [
            {"hyperparameters": {"beta": [next(betas) for _ in range(count)]}, "steps": [9]}
        ]}
        for i, count in enumerate(counts)
    }  # fmt: skip
    rows = {f"f{i}": [{"experiments": [f"e{e}" for e in shown]}] for i, shown in enumerate(figures)}
    return {
        "experiments": experiments, "figures": {name: {"quantity": "theta", "rows": row} for name, row in rows.items()}
    }  # fmt: skip


def test_a_figure_has_as_many_choices_as_there_are_looks_and_one_with_more_is_refused():
    most = many(LOOKS, figures=[[0]])
    assert examine(most, SCHEMA) == []
    assert [*looks(most, "f0").values()] == [*range(LOOKS)]
    with pytest.raises(
        ConfigError,
        match=rf"^figures\.f0: rmsprop beta=0\.\d+ is drawn together with {LOOKS} other choices of hyper-parameters, "
        rf"and {LOOKS} looks can be told apart; divide them among experiments, or sets that rows select with `set`",
    ):
        examine(many(30, LOOKS - 29, figures=[[0, 1]]), SCHEMA)
    # the split that the message proposes
    assert examine(many(30, LOOKS - 29, figures=[[0], [1]]), SCHEMA) == []


def test_looks_given_out_again_are_never_twice_in_one_figure_and_a_choice_keeps_its_look():
    config = many(30, 30, 30, 9, figures=[[0], [1], [2], [0, 3], [1, 3], [2, 3]])
    shown = [looks(config, name) for name in config["figures"]]
    assert all(len(set(places.values())) == len(places) for places in shown)
    for choice in set().union(*shown):
        assert len({places[choice] for places in shown if choice in places}) == 1
    assert max(max(places.values()) for places in shown) < LOOKS


def test_only_the_set_that_a_row_shows_counts():
    config = many(30, figures=[[0]])
    sets = config["experiments"]["e0"]["sets"]
    sets[0]["name"] = "A"
    sets.append({"name": "B", "hyperparameters": {"beta": [0.99 + i / 10_000 for i in range(30)]}, "steps": [9]})
    with pytest.raises(ConfigError, match="looks can be told apart"):
        examine(config, SCHEMA)
    config["figures"]["f0"]["rows"][0]["set"] = "B"
    assert examine(config, SCHEMA) == []
    assert len(looks(config, "f0")) == 30


def test_no_two_runs_in_a_panel_look_alike(config):
    for name, row, what in (
        ("fig08", {"experiments": ["double_well-adagrad"]}, "3 runs of adagrad"),
        ("fig15", {"experiments": ["regression-adagrad"]}, "2 runs of adagrad"),
    ):
        with pytest.raises(
            ConfigError, match=rf"^figures\.{name}\.rows\[0\]: {what} would look alike in one panel; give each a row"
        ):
            examine(edit(config, "figures", name, "rows", 0, value=row), SCHEMA)


def test_a_number_in_a_name_is_no_other_number():
    assert label("adam", {"beta1": 0.9, "beta2": 0.99999999}) == "adam beta1=0.9 beta2=0.99999999"
    assert label("rmsprop", {"beta": 1 / 3}) == "rmsprop beta=0.3333333333333333"
