import jax.numpy as jnp
import numpy as np
import pytest
from scipy.interpolate import CubicHermiteSpline, PPoly

from optide.ide.interpolation import cells, evaluate
from optide.ide.quadrature import gauss_legendre


def published_interpolant(theta, h=1.0):
    """SciPy's C1 cubic with the published slopes, its end pieces extrapolated."""
    secants = np.diff(theta) / h
    slopes = np.concatenate([secants[:1], (secants[1:] + secants[:-1]) / 2, secants[-1:]])
    spline = CubicHermiteSpline(h * np.arange(len(theta)), theta, slopes)
    return PPoly(spline.c, spline.x, extrapolate=True)


def values(theta, reach, x):
    pieces = cells(jnp.asarray(theta), reach)
    place = x + reach
    j = np.clip(place.astype(int), 0, len(pieces[0]) - 1)
    return evaluate(tuple(c[j] for c in pieces), jnp.asarray(place - j))


@pytest.mark.parametrize("n", [2, 3, 4, 20])
def test_cells_are_those_of_the_published_interpolant(n):
    theta = np.random.default_rng(n).normal(size=n)
    x = np.linspace(-1, n, 200)
    # rounding, amplified by extrapolation over one cell
    np.testing.assert_allclose(values(theta, 1, x), published_interpolant(theta)(x), rtol=0, atol=1e-13)


@pytest.mark.parametrize("reach", [2, 5])
def test_a_refined_grid_extrapolates_the_pieces_of_the_published_grid(reach):
    theta = np.random.default_rng(reach).normal(size=6 * reach + 1)
    coarse = published_interpolant(theta[::reach], h=reach)
    n = len(theta)
    for x in (np.linspace(-reach, -1e-9, 50), np.linspace(n - 1, n - 1 + reach, 50)):
        np.testing.assert_allclose(values(theta, reach, x), coarse(x), rtol=0, atol=1e-12)
    inside = np.linspace(0, n - 1, 50)
    np.testing.assert_allclose(values(theta, reach, inside), published_interpolant(theta)(inside), rtol=0, atol=1e-13)


def test_elements_are_interpolated_independently():
    theta = jnp.asarray(np.random.default_rng(0).normal(size=(7, 2, 3)))
    together = cells(theta, 1)
    for p in range(4):
        np.testing.assert_array_equal(together[p][:, 1, 2], cells(theta[:, 1, 2], 1)[p])


@pytest.mark.parametrize("order", [1, 4, 8, 1000])
def test_gauss_legendre_integrates_polynomials_of_degree_2n_minus_1(order):
    x, w = gauss_legendre(order)
    assert x.dtype == w.dtype == np.float64
    assert np.all((x > 0) & (x < 1))
    for degree in (0, 1, 2 * order - 1):
        # rounding of the sum of n terms
        assert w @ x**degree == pytest.approx(1 / (degree + 1), rel=1e-13)
