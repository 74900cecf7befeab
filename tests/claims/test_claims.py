"""Every measure on curves whose answer is known, every verdict on numbers whose answer is known."""

import copy
import csv
import html
import math

import numpy as np
import pytest

from conftest import ROOT
from optide.base.errors import ConfigError
from optide.claims import check, criteria, equation, judge, measures, selection
from optide.data import provenance, traces
from optide.numerics.metrics import Fit
from optide.settings import yamlfile
from optide.settings.config import experiment_slice
from optide.show import claims as render
from optide.studies import experiments
from tex import valid

SCHEMA = yamlfile.read(ROOT / "workflow/schemas/claims.schema.yaml")
REDUCED = ROOT / "tests/reduced"
K = np.arange(200)


def damped(rate, omega, start=-3.0):
    return 4 + start * np.exp(-rate * K) * np.cos(omega * K)


def test_settling_is_the_first_step_after_the_last_one_outside():
    values = np.asarray([0.0, 4.0, 3.0, 4.02, 3.98, 4.0])
    k = np.asarray([1, 2, 3, 4, 5, 6])
    assert measures.settling_step(k, values, target=4, tolerance=0.03) == 4
    assert measures.settling_step(k, values, target=4, tolerance=5) == 1
    assert measures.settling_step(k, values, target=4, tolerance=0.001) == 6
    assert measures.settling_step(k, values - 1, target=4, tolerance=0.03) == math.inf


def test_crossings_count_changes_of_side_beyond_the_tolerance():
    values = 4 + np.asarray([-1.0, -0.5, 0.5, 0.02, -0.02, 0.5, -0.5, 0.01, 0.5])
    assert measures.crossings(K[:9], values, target=4, tolerance=0.03) == 3
    assert measures.crossings(K[:9], values, target=4, tolerance=0.015) == 5
    assert measures.crossings(K, damped(0.01, np.pi / 10), target=4, tolerance=0.3) == 20


def test_reversals_count_turns_of_more_than_the_tolerance_on_either_side():
    zigzag = np.asarray([0.0, 1.0, 0.5, 0.6, 0.52, 2.0, 1.9, 3.0])
    assert measures.reversals(K[:8], zigzag, tolerance=0.3) == 2
    assert measures.reversals(K[:8], zigzag, tolerance=0.09) == 4
    assert measures.reversals(K[:8], zigzag, tolerance=0.05) == 6
    assert measures.reversals(K, np.linspace(3, 0, 200), tolerance=0.01) == 0
    assert measures.reversals(K, np.ones(200), tolerance=0.01) == 0


def test_an_oscillation_is_delayed_from_the_arrival_to_the_first_step_away():
    values = np.asarray([0.0, 2.0, 3.99, 4.01, 3.98, 4.1, 3.9])
    k = np.arange(10, 17)
    assert measures.oscillation_delay(k, values, target=4, tolerance=0.03) == 3
    jump = np.asarray([0.0, 2.0, 4.5, 3.5])
    assert measures.oscillation_delay(k[:4], jump, target=4, tolerance=0.03) == 0
    assert measures.oscillation_delay(k[:5], values[:5], target=4, tolerance=0.03) == math.inf
    assert np.isnan(measures.oscillation_delay(k[:2], values[:2], target=4, tolerance=0.03))


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_overshoot_and_deviation(side):
    values = damped(0.02, np.pi / 10, start=3 * side)
    # the first extremum beyond is at step 10, but for the decay
    assert measures.overshoot(K, values, target=4) == pytest.approx(3 * np.exp(-0.2), rel=0.01)
    assert measures.overshoot(K, damped(0.02, 0.0, start=side), target=4) == 0
    assert measures.deviation(K, values, target=4, since=100) == pytest.approx(3 * np.exp(-2.0))
    assert np.isnan(measures.deviation(K, values, target=4, since=1000))


def test_excess_variation_is_the_way_to_and_fro():
    assert measures.excess_variation(K, np.linspace(1, 4, 200)) == pytest.approx(0, abs=1e-14)
    assert measures.excess_variation(K[:4], np.asarray([0.0, 2.0, 1.0, 2.0])) == pytest.approx(1)
    assert np.isnan(measures.excess_variation(K[:3], np.asarray([0.0, 2.0, 0.0])))


def test_sag_of_a_parabola_is_a_quarter_of_its_way():
    values = 4 * (1 - (1 - K / 199) ** 2)
    assert measures.sag(K, values, target=4, tolerance=1e-9) == pytest.approx(1 / 4, abs=1e-4)
    assert measures.sag(K, np.linspace(1, 4, 200), target=4, tolerance=1e-9) == pytest.approx(0, abs=1e-15)
    assert np.isnan(measures.sag(K, np.full(200, 4.0), target=4, tolerance=0.1))
    assert np.isnan(measures.sag(K, np.full(200, 1.0), target=4, tolerance=0.1))


def test_bump_and_end():
    bump = np.asarray([2.0, 4.0, 1.0, 0.04])
    assert measures.bump_height(K[:4], bump) == pytest.approx(0.5)
    assert measures.bump_height(K[:4], bump[::-1]) == pytest.approx(0.5)
    assert measures.bump_height(K, np.linspace(0, 1, 200)) == 0
    assert measures.end_ratio(K[:4], bump) == pytest.approx(0.01)
    assert measures.end_ratio(K[:4], -bump) == pytest.approx(0.01)
    assert np.isnan(measures.bump_height(K, np.zeros(200)))
    assert np.isnan(measures.end_ratio(K, np.zeros(200)))


def test_a_steady_decay_has_no_drift_and_a_certain_rate():
    values = damped(0.05, 0.0)
    fit = measures.decay_rate(K, values, target=4)
    # the window is that between one half and a thousandth: ln 2 / 0.05 = 13.9, ln 1000 / 0.05 = 138.2
    assert (fit.first, fit.last) == (14, 138)
    assert fit.low == pytest.approx(fit.rate)
    assert fit.rate == pytest.approx(0.05)
    assert fit.high == pytest.approx(0.05)
    assert measures.rate_drift(K, values, target=4) == pytest.approx(1)


def test_drift_tells_faster_and_slower_than_exponential():
    gaussian = np.exp(-((K / 60) ** 2))
    power = 1 / (1 + K) ** 2
    assert measures.rate_drift(K, gaussian, target=0) > 1.5
    assert measures.rate_drift(K, power, target=0) < 0.5
    fit = measures.decay_rate(K, gaussian, target=0)
    assert fit.low < fit.rate < fit.high
    assert np.isnan(measures.rate_drift(K, np.ones(200), target=0))


def test_pairs_of_curves():
    other = np.linspace(0, 2, 200)
    assert measures.gap(K, other + 0.1, K, other) == pytest.approx(0.05)
    assert np.isnan(measures.gap(K, other, K, np.ones(200)))
    # the steps that both have
    assert measures.share_above(K[50:], other[50:] + 0.1, K, other, shift=0) == 1
    assert measures.share_above(K, other, K, other, shift=0) == 0
    assert measures.share_above(K, other, K, other, shift=-1) == 1
    assert measures.share_above(K, other, K, other, shift=1) == 0
    assert measures.mean_excess(K, other + 0.1, K, other) == pytest.approx(0.05)
    assert measures.mean_excess(K, other - 0.1, K, other) == pytest.approx(-0.05)
    assert np.isnan(measures.mean_excess(K, other, K, np.zeros(200)))


@pytest.fixture(scope="module")
def reduced():
    return yamlfile.read(REDUCED / "config.yaml")


@pytest.fixture(scope="module")
def document():
    return yamlfile.read(REDUCED / "claims.yaml")


@pytest.fixture(scope="module")
def lanes(reduced, document, tmp_path_factory):
    path = tmp_path_factory.mktemp("traces") / "x.parquet"
    found = []
    for scheme, name, rate in selection.runs(document["claims"]):
        traces.write(path, *experiments.run(experiment_slice(reduced, name, rate), scheme))
        found += traces.lanes(path)
    return found


def test_a_sweep_moves_another_curve_and_not_the_solution(lanes):
    (solution,) = (x for x in lanes if x.configuration["scheme"] == "converged" and x.configuration["set"] == "A")
    assert equation.sweep_movement(solution) < 1e-6
    assert equation.quadrature_gap(solution) < 1e-6
    moved = solution._replace(values={**solution.values, "theta": solution.values["theta"] + 0.01})
    # at the least back to the start, which it takes from the configuration
    assert equation.sweep_movement(moved) > 0.009
    wrong = solution._replace(values={**solution.values, "v": 1.5 * solution.values["v"]})
    assert equation.quadrature_gap(wrong) == pytest.approx(1 / 3, rel=0.01)


def test_relaxation_with_weight_1_changes_nothing_and_a_stable_one_contracts(lanes):
    (solution,) = (x for x in lanes if x.configuration["scheme"] == "converged" and x.configuration["set"] == "B")
    still = equation.relaxation_growth(solution, weight=1.0, iterations=3, size=1e-6)
    assert still == pytest.approx(1, abs=1e-6)  # 1e-6 of an error of 1e-6: ten roundings of theta
    assert equation.relaxation_growth(solution, weight=0.5, iterations=10, size=1e-6) < 0.9


@pytest.mark.parametrize(
    ("criterion", "number", "margin"),
    [
        ({"below": 2}, 1.5, 0.5),
        ({"below": 2}, math.inf, -math.inf),
        ({"above": 2}, 1.5, -0.5),
        ({"above": 2}, 2, 0),
        ({"between": [1, 2]}, 1.25, 0.25),
        ({"between": [1, 2]}, 0.5, -0.5),
        ({"between": [1, 2]}, 3.0, -1),
        ({"outside": [1, 2]}, 1.25, -0.25),
        ({"outside": [1, 2]}, 0.5, 0.5),
        ({"outside": [1, 2]}, 4.0, 2),
    ],
)
def test_margins(criterion, number, margin):
    assert criteria.margin_of(number, criterion) == margin
    assert np.isnan(criteria.margin_of(math.nan, criterion))


def test_the_vocabulary_of_comparisons_is_that_of_the_schema():
    assert list(SCHEMA["$defs"]["criterion"]["properties"]) == list(criteria.MARGINS)
    measurement = check.complete_schema(SCHEMA)["$defs"]["claim"]["properties"]["measurement"]["properties"]
    assert measurement["function"]["enum"] == list(check.FUNCTIONS)
    assert {"sag", "gap", "sweep_movement"} < {*check.FUNCTIONS}


def test_claims_are_judged_on_each_model_and_configuration(document, lanes):
    findings = judge.judge(document["claims"], lanes)
    assert [(f.claim, f.model) for f in findings] == [
        *(("slow", model) for model in selection.MODELS),
        *(("alike", model) for model in ("published", "published", "converged", "converged")),
        *(("memory", model) for model in selection.MODELS),
        ("sweeps", "converged"),
    ]
    found = {key: verdict.verdict for key, verdict in judge.verdicts(findings).items()}
    assert found[("slow", "discrete")] == found[("alike", "published")] == found[("sweeps", "converged")] == "holds"
    memory = next(f for f in findings if f.claim == "memory")
    assert memory.number == pytest.approx(memory.measured / memory.reference)
    assert found[("memory", "discrete")] == ("holds" if memory.number > 2 or memory.number < 0.5 else "fails")
    assert render.summary(findings).startswith("discrete: 1 holds, 1 fails, 0 undecided; published: ")


def test_a_state_before_the_first_update_is_left_out(lanes):
    discrete = next(x for x in lanes if x.configuration["scheme"] == "discrete")
    k, values = judge.curve(discrete, "G")
    assert (k[0], values[0]) == (1, discrete.values["G"][1])
    assert judge.curve(discrete, "theta")[0][0] == 0


def finding(number, verdict, margin, converged=None):
    return judge.Finding("x", "published", {}, converged, number, None, number, margin, verdict)


def test_one_failure_decides_and_nothing_measured_is_undecided():
    good, better = finding(1.0, "holds", 1.0), finding(2.0, "holds", 2.0)
    bad, unknown = finding(-1.0, "fails", -1.0), finding(math.nan, "undecided", math.nan)
    assert judge.verdicts([better, good])[("x", "published")] == judge.Verdict("holds", good, 2, 2)
    assert judge.verdicts([good, unknown])[("x", "published")].verdict == "undecided"
    assert judge.verdicts([unknown, bad, good])[("x", "published")] == judge.Verdict("fails", bad, 1, 3)


def test_ratios_and_differences_of_infinities_and_zeros():
    def number(*pair, by):
        return judge._number(*pair, {"by": by})

    assert number(3.0, 2.0, by="ratio") == 1.5
    assert number(3.0, 0.0, by="ratio") == math.inf
    assert np.isnan(number(0.0, 0.0, by="ratio"))
    assert number(math.inf, 2.0, by="difference") == math.inf
    assert np.isnan(number(math.inf, math.inf, by="difference"))
    assert number(Fit(0.2, 0, 1, 1, 2), Fit(0.1, 0, 1, 1, 2), by="ratio") == pytest.approx(2)


def test_formats(document, lanes, tmp_path):
    claims, record = document["claims"], {"configuration": {"claims.slow": "0"}, "traces": {"x.parquet": "1"}}
    findings = judge.judge(claims, lanes)
    for suffix in ("csv", "csv-metadata.json", "md", "html", "tex"):
        render.write(claims, findings, {"gone": "claims.gone: no such configuration"}, tmp_path / f"c.{suffix}", record)
        assert suffix == "csv" or provenance.read(tmp_path / f"c.{suffix}") == record
    with (tmp_path / "c.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [float(row["number"]) for row in rows] == [finding.number for finding in findings]
    assert {row["criterion"] for row in rows if row["claim"] == "memory"} == {
        "end_ratio of v, relative to beta2 0.9 outside 0.5 and 2"
    }
    markdown = (tmp_path / "c.md").read_text(encoding="utf-8")
    assert len([line for line in markdown.splitlines() if line.startswith("| ")]) == 1 + len(claims)
    assert "since the configuration changed: claims.gone: no such configuration" in markdown
    verdicts = judge.verdicts(findings).values()
    failing = sum(verdict.verdict != "holds" for verdict in verdicts)
    assert 0 < failing < len(verdicts)
    assert markdown.count("| **") == failing
    page = (tmp_path / "c.html").read_text(encoding="utf-8")
    assert page.count("<tr>") == 1 + len(claims)
    assert 'whatever "a_b" and 100 % mean' in html.unescape(page)
    assert "settling_step of theta &gt; 20</td>" in page
    assert "end_ratio of v, relative to beta2 0.9 outside 0.5 and 2</td>" in page
    assert "since the configuration changed: claims.gone: no such configuration</p>" in page
    latex = (tmp_path / "c.tex").read_text(encoding="utf-8")
    valid(latex)
    assert "settling\\_step of theta $>$ 20 & " in latex
    assert latex.count(r"\textbf{") == failing
    assert r'"a\_b" and 100 \% mean' in latex
    assert latex.split(r"\endlastfoot")[1].split(r"\end{longtable}")[0].count(r"\\") == len(claims)


def test_the_iteration_that_did_not_converge_is_marked():
    starred = judge.Verdict("fails", finding(0.5, "fails", -1.0, converged=False), 1, 3)
    assert render.cell(starred) == "fails (0.5*; in 1 of 3)"
    assert render.cell(judge.Verdict("holds", finding(2.0, "holds", 1.0, converged=True), 2, 2)) == "holds (2)"
    assert render.cell(None) == "–"


@pytest.mark.parametrize(
    ("value", "text"), [(1018.0, "1018"), (0.0, "0"), (math.inf, "inf"), (2.62e-12, "2.62e-12"), (math.nan, "nan")]
)
def test_numbers_in_words(value, text):
    assert render.number(value) == text


@pytest.mark.parametrize("folder", [ROOT, REDUCED])
def test_the_claims_are_valid_and_about_what_is_run(folder):
    document = yamlfile.read(folder / "claims.yaml")
    assert check.examine(document, SCHEMA, yamlfile.read(folder / "config.yaml")) == {}
    assert all(
        text.isascii() for claim in document["claims"].values() for text in (claim["statement"], claim["because"])
    )


def edit(document, *keys, value):
    edited = copy.deepcopy(document)
    place = edited["claims"]
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    return edited


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (("slow", "sorce"), "x", r"claims\.slow\.sorce: unknown key; allowed: .*; did you mean 'source'\?"),
        (("slow", "source"), "figure 9", r"claims\.slow\.source = 'figure 9': must be one of abstract, figure 1,"),
        (
            ("slow", "traces", 0, "experiment"),
            "quadratic-adagard",
            r"claims\.slow\.traces\[0\]\.experiment = 'quadratic-adagard': no such experiment; there are "
            r"quadratic-adagrad, .*; did you mean 'quadratic-adagrad'\?",
        ),
        (
            ("slow", "measurement", "function"),
            "setling_step",
            r"claims\.slow\.measurement\.function = 'setling_step': must be one of .*; did you mean 'settling_step'\?",
        ),
        (
            ("slow", "measurement", "parameters"),
            {"target": 4, "tolerence": 1},
            r"claims\.slow\.measurement\.parameters\.tolerence: settling_step takes target and tolerance; "
            r"did you mean 'tolerance'\?",
        ),
        (
            ("slow", "measurement", "parameters"),
            {"target": 4},
            r"claims\.slow\.measurement\.parameters\.tolerance: missing; settling_step takes target and tolerance",
        ),
        (("slow", "measurement", "quantity"), "v", r"claims\.slow\.measurement\.quantity = 'v': quadratic-adagrad has"),
        (
            ("slow", "criterion"),
            {"above": 2, "below": 9},
            r"claims\.slow\.criterion = .*: must be one of below, above,",
        ),
        (("slow", "criterion"), {"above": "20 * 3"}, r"claims\.slow\.criterion\.above = '20 \* 3': must be a number"),
        (("alike", "criterion"), {"between": [2, 1]}, r"criterion\.between = \[2, 1\]: the first must be below"),
        (
            ("alike", "models"),
            ["discrete"],
            r"claims\.alike\.models = \['discrete'\]: gap needs published or converged",
        ),
        (
            ("memory", "against"),
            {"model": "discrete", "by": "ratio"},
            r"claims\.memory\.models = .*: a comparison with the discrete model needs published or converged",
        ),
    ],
)
def test_mistakes_are_named(document, reduced, keys, value, message):
    with pytest.raises(ConfigError, match=message):
        check.examine(edit(document, *keys, value=value), SCHEMA, reduced)


@pytest.mark.parametrize(
    ("keys", "value", "reason"),
    [
        (("slow", "traces", 0, "learning_rate"), 0.3, r"claims.slow.traces[0] = {'experiment': 'quadratic-adagrad', "),
        (("memory", "against", "hyperparameters", "beta2"), 0.95, r"claims.memory.against = {'hyperparameters': "),
    ],
)
def test_what_the_configuration_no_longer_contains_is_not_judged(document, reduced, keys, value, reason):
    (left_out,) = check.examine(edit(document, *keys, value=value), SCHEMA, reduced).items()
    assert left_out[0] == keys[0]
    assert left_out[1].startswith(reason)
    assert left_out[1].endswith("has no such configuration")


def test_a_criterion_in_words_has_its_own_numbers():
    claim = {
        "measurement": {"function": "settling_step", "quantity": "theta"},
        "against": {"by": "ratio", "hyperparameters": {"beta2": 0.99999999}},
        "criterion": {"between": [80000, 1234567]},
    }
    expected = "settling_step of theta, relative to beta2 0.99999999 between 80000 and 1234567"
    assert render.criterion_in_words(claim) == expected


def test_a_claim_against_another_start_that_is_a_list_is_written_down():
    against = {"by": "difference", "theta0": [-1.0, 0.5]}
    measurement = {"function": "overshoot", "quantity": "theta[0]", "parameters": {"target": 1}}
    claim = {"source": "x", "statement": "x", "measurement": measurement, "against": against, "criterion": {"below": 1}}
    configuration = {"experiment": "valley", "set": "", "learning_rate": 0.1, "theta0": [1.0, 2.0]}
    found = {**configuration, "hyperparameters": {}}
    finding = judge.Finding("c", "discrete", found, None, 0.75, 0.5, 0.25, 0.75, criteria.HOLDS)
    (row,) = render.table({"c": claim}, [finding]).to_dict("records")
    assert (row["theta0[0]"], row["theta0[1]"]) == (1.0, 2.0)
    assert row["against"] == "by=difference theta0[0]=-1.0 theta0[1]=0.5"
    assert row["criterion"] == "overshoot of theta[0], minus that of theta0 (-1, 0.5) < 1"
