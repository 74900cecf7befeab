"""The published scheme, against its published run log."""

import pytest

from optide import Adam, RMSProp, solve_ide
from optide.problem.objectives import double_well, quadratic

LOG = [
    ((0.0, 0.99), 24, 4.824243798918514e-05),
    ((0.0, 0.999), 22, 9.879745533980205e-05),
    ((0.9, 0.99), 27, 5.083944532620255e-05),
    ((0.9, 0.999), 26, 7.282787513666867e-05),
]


@pytest.mark.parametrize(("betas", "iterations", "error"), LOG)
def test_published_log(betas, iterations, error):
    solution = solve_ide(Adam(0.01, *betas), double_well, 0.1, 200, method="picard", t_start=0.0)
    assert solution.converged
    assert solution.iterations == iterations
    # 8 significant digits; beyond them the last bits of some 20 sweeps show
    assert float(solution.residual) == pytest.approx(error, rel=5e-9)
    assert solution.residuals.shape == (iterations,)
    assert solution.residuals[-1] == solution.residual


def test_where_the_published_iteration_fails_the_result_says_so():
    solution = solve_ide(RMSProp(0.01, beta=0.0), quadratic, 1.0, 500, method="picard")
    assert not solution.converged
    assert solution.iterations == 3000
    # Its path is chaotic: 0.02 to 0.04 were seen at the end, depending on the last bits.
    assert 1e-3 < solution.residual < 1
