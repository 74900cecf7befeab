import numpy as np
import pytest

from optide.numerics.metrics import decay_fit, decay_rate, decay_window, gap, memory_length, nearest


def test_gap_compares_the_steps_that_both_curves_have():
    k, other_k = np.arange(0, 5), np.arange(2, 8)
    found = gap(k, np.asarray([9.0, 9.0, 1.0, 2.0, 3.0]), other_k, np.asarray([2.0, 0.0, 5.0, 9.0, 9.0, 9.0]))
    assert found.largest == 2
    assert found.rms == pytest.approx(np.sqrt((1 + 4 + 4) / 3))


@pytest.mark.parametrize("rate", [0.01, 0.3])
@pytest.mark.parametrize("wave", [0.0, 0.9])
def test_decay_rate_of_a_known_decay(rate, wave):
    k = np.arange(round(12 / rate))
    distance = -3 * np.exp(-rate * k) * (1 + wave * np.cos(1.9 * k))
    # exact without oscillation; with it, the envelope is a staircase about the true decay
    assert decay_rate(k, distance) == pytest.approx(rate, rel=0.1 if wave else 1e-12)


def test_decay_rate_stops_before_a_limit_cycle():
    k = np.arange(400)
    distance = np.exp(-0.05 * k) + 0.02 * (-1.0) ** k
    # at the end of the window the cycle is half of the envelope
    assert decay_rate(k, distance) == pytest.approx(0.05, rel=0.3)


def test_no_decay_no_rate():
    k = np.arange(50)
    assert np.isnan(decay_rate(k, np.zeros(50)))
    assert np.isnan(decay_rate(k, np.ones(50)))


@pytest.mark.parametrize("scale", [1e-3, 1.0, 700.0])
def test_only_the_steps_between_a_half_and_a_thousandth_of_the_start_count(scale):
    walk = np.linspace(1, 0.5, 20, endpoint=False)
    decay = 0.5 * np.exp(-0.2 * np.arange(30))  # ends at 1.5e-3
    floor = 0.9e-3 * np.exp(-0.01 * np.arange(300))
    distance = scale * np.concatenate([walk, decay, floor])
    # exact but for the roundings of the fit; another limit lets the walk or the floor in
    assert decay_rate(np.arange(350), distance) == pytest.approx(0.2, rel=1e-12)


def test_a_limit_cycle_counts_from_twice_its_size():
    decay = np.exp(-0.3 * np.arange(10))  # ends at 0.067
    distance = np.concatenate([decay, np.full(100, 0.034)])
    assert decay_rate(np.arange(110), distance) == pytest.approx(0.3, rel=1e-12)
    assert decay_rate(np.arange(110), distance / 2) == pytest.approx(0.3, rel=1e-12)


def test_a_rate_needs_five_steps():
    # from 0.5 to 2 * 0.01; after them the end
    enough = np.asarray([1.0, 0.5, 0.25, 0.125, 0.0625, 0.03125, 0.01])
    assert decay_rate(np.arange(7), enough) == pytest.approx(np.log(2), rel=1e-12)
    assert np.isnan(decay_rate(np.arange(6), np.delete(enough, 1)))


def test_a_plateau_has_rate_zero():
    distance = np.asarray([1.0, *6 * [0.4], 0.1])
    assert decay_rate(np.arange(8), distance) == pytest.approx(0, abs=1e-15)


def test_the_confidence_interval_is_that_of_the_jackknife_by_fifths():
    k = np.arange(40)
    steps, logarithms = decay_window(k, np.exp(-((k / 12) ** 2)))
    fifths = np.array_split(np.arange(len(steps)), 5)
    slopes = [np.polyfit(np.delete(steps, part), np.delete(logarithms, part), 1)[0] for part in fifths]
    fit = decay_fit(k, np.exp(-((k / 12) ** 2)))
    assert fit.rate == pytest.approx(-np.polyfit(steps, logarithms, 1)[0], rel=1e-12)
    # Student's quantile for 4 degrees of freedom
    assert (fit.high - fit.low) / 2 == pytest.approx(2.776 * np.sqrt(4 * np.var(slopes)), rel=1e-12)
    assert (fit.high + fit.low) / 2 == pytest.approx(fit.rate, rel=1e-12)
    assert (fit.first, fit.last) == (steps[0], steps[-1])


def test_small_things():
    assert nearest(2.1, (4.0, -1.0)) == 4
    assert nearest(-0.9, (0.2, -1.0, 5.0)) == -1
    assert nearest(9, (1000.0, 10.0)) == 10
    assert memory_length(7.5, 0.1) == pytest.approx(4 / 3)
    assert memory_length(0.25, 1.0) == pytest.approx(4)
    assert nearest(-0.2, (-1.0, 1.0)) == -1
    assert np.isnan(nearest(0.0, (-1.0, 1.0)))
    assert memory_length(4.0, 0.1) == pytest.approx(2.5)
