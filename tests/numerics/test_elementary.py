"""Logarithm and exponential against Python's decimal numbers, which are right to the last of 50 digits."""

import math
from decimal import Context, Decimal

import jax
import numpy as np
import pytest

from optide.numerics import elementary

EXACT = Context(prec=50)
SMALLEST, LARGEST, NORMAL = 5e-324, np.finfo(float).max, np.finfo(float).tiny
RNG = np.random.default_rng(0)


def places(function, reference, x):
    """How far a function is from the truth, in units of the last place of that."""
    return np.array(
        [
            abs(float((Decimal(found) - true) / Decimal(math.ulp(float(true)))))
            for found, true in zip(function(x).tolist(), map(reference, map(Decimal, x.tolist())), strict=True)
        ]
    )


def spread(count):
    """Over all floating-point numbers, subnormal ones among them."""
    return np.ldexp(RNG.uniform(0.5, 1, count), RNG.integers(-1072, 1024, count))


LOGARITHMS = {
    "about 1": RNG.uniform(0.5, 2, 20_000),
    # where the leading digits of the two parts cancel
    "where the exponent changes": np.sqrt(0.5) * (1 + RNG.uniform(-1e-9, 1e-9, 2000)),
    "very near 1": 1 + RNG.choice([-1, 1], 5000) * 10.0 ** RNG.uniform(-16, -1, 5000),
    "all": spread(5000),
    "ends": np.asarray([SMALLEST, 2 * SMALLEST, NORMAL, np.nextafter(NORMAL, 0), LARGEST, 0.5, 2.0, 10.0, math.e]),
}
EXPONENTIALS = {
    "about 0": RNG.uniform(-0.4, 0.4, 10_000),
    "very near 0": RNG.choice([-1, 1], 2000) * 10.0 ** RNG.uniform(-320, -1, 2000),
    "half an octave": np.log(2) * (0.5 + np.arange(-1000, 1000)),
    "all": RNG.uniform(-708, 709.7, 10_000),
    "subnormal": RNG.uniform(-745.1, -708, 2000),
    "ends": np.asarray([709.782712893384, -745.1332191019411, -708.3964185322641, 1.0, -1.0]),
}


@pytest.mark.parametrize("of", LOGARITHMS)
def test_the_logarithm_is_the_nearest_number_or_its_neighbour(of):
    # half a place is the rounding of the result; what is not kept to twice the precision adds a tenth
    assert places(elementary.log, EXACT.ln, LOGARITHMS[of]).max() < 2 / 3


@pytest.mark.parametrize("of", EXPONENTIALS)
def test_the_exponential_is_the_nearest_number_or_its_neighbour(of):
    # half a place for each of two roundings: of the reduced argument, and of the sum with 1, which counts twice below 1
    assert places(elementary.exp, EXACT.exp, EXPONENTIALS[of]).max() < 1.5


def test_ends_of_the_numbers():
    np.testing.assert_array_equal(
        elementary.log(np.asarray([0.0, -0.0, np.inf, np.nan, -1.0, -SMALLEST, -np.inf, 1.0])),
        [-np.inf, -np.inf, np.inf, np.nan, np.nan, np.nan, np.nan, 0.0],
    )
    np.testing.assert_array_equal(
        elementary.exp(np.asarray([0.0, -0.0, np.inf, -np.inf, np.nan, 709.79, -745.2, -LARGEST, LARGEST, SMALLEST])),
        [1.0, 1.0, np.inf, 0.0, np.nan, np.inf, 0.0, 0.0, np.inf, 1.0],
    )


@pytest.mark.parametrize("function", [elementary.log, elementary.exp])
def test_an_element_is_what_it_is_alone_whatever_the_shape_and_type(function):
    x = RNG.uniform(0.1, 30, (3, 5))
    assert function(x).shape == (3, 5)
    assert function(x).dtype == function(np.arange(1, 4)).dtype == np.float64
    assert function(np.zeros((0, 2))).shape == (0, 2)
    assert function(x[::2, ::-1]).tolist() == [[float(function(float(one))) for one in row] for row in x[::2, ::-1]]
    assert isinstance(function(2.0), np.ndarray)
    assert function(2.0).shape == ()
    assert function(3) == function(3.0)


def test_the_exponential_is_that_of_xla():
    x = np.concatenate([RNG.uniform(-708, 709.7, 100_000), RNG.uniform(-1, 1, 100_000)])
    np.testing.assert_array_equal(elementary.exp(x), jax.numpy.exp(x))


@pytest.mark.parametrize("count", [1, 2, 3, 100])
def test_geometric_numbers(count):
    found = elementary.geometric(3, 700, count)
    assert len(found) == count
    assert found[0] == 3
    if count > 1:
        assert found[-1] == 700
        # a rounding of the logarithm, up to 6.6, is as many of the number
        np.testing.assert_allclose(found, np.geomspace(3, 700, count), rtol=7 * np.finfo(float).eps)
