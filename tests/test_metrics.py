import numpy as np
import pytest

from optide.metrics import decay_rate, gap, memory_length, nearest


def test_gap_compares_the_steps_that_both_curves_have():
    k, other_k = np.arange(0, 5), np.arange(2, 8)
    found = gap(k, np.zeros(5), other_k, np.asarray([1.0, -2.0, 2.0, 9.0, 9.0, 9.0]))
    assert found.largest == 2
    assert found.rms == pytest.approx(np.sqrt((1 + 4 + 4) / 3))


@pytest.mark.parametrize("rate", [0.01, 0.3])
@pytest.mark.parametrize("wave", [0.0, 0.9])
def test_decay_rate_of_a_known_decay(rate, wave):
    k = np.arange(0, 12 / rate)
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


def test_small_things():
    assert nearest(-0.2, (-1.0, 1.0)) == -1
    assert np.isnan(nearest(0.0, (-1.0, 1.0)))
    assert memory_length(0.9) == pytest.approx(10)
