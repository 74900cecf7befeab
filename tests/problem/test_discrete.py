"""The discrete algorithms against implementations that nobody here wrote."""

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from conftest import ROOT
from optaxed import ADAGRAD_EPS, steps_of_optax
from optide import AdaGrad, Adam, RMSProp, run_discrete
from optide.base.errors import NonFiniteError, ParameterError
from optide.problem.discrete import _scan, run_batch
from optide.problem.objectives import quadratic
from optide.problem.registry import OBJECTIVES

REFERENCE = ROOT.parent / "shared" / "reference" / "discrete_quadratic.parquet"

OPTIMIZERS = [
    AdaGrad(0.1),
    AdaGrad(0.01),
    *(RMSProp(rate, beta) for rate in (0.1, 0.01) for beta in (0.0, 0.9, 0.99)),
    *(Adam(rate, b1, b2) for rate in (0.1, 0.01) for b1 in (0.0, 0.9) for b2 in (0.99, 0.999)),
]
STEPS = 300
STARTS = {"quadratic": 1.0, "double_well": 0.1, "regression": 0.0}


def tolerance(optimizer):
    """What two programs that round in different places may differ by after 300 steps.

    beta = 0 normalises by the present gradient alone: where that passes zero, g / (|g| + eps) has
    slope 1 / eps, and a rounding of 1e-16 becomes one of 1e-16 alpha / eps.
    """
    if isinstance(optimizer, RMSProp) and optimizer.beta == 0:
        return 1e-16 * optimizer.learning_rate / optimizer.eps
    return 1e-12


def steps_of_torch(optimizer, gradient, theta0, steps):
    torch = pytest.importorskip("torch")
    theta = torch.tensor(theta0, dtype=torch.float64, requires_grad=True)
    rate, eps = optimizer.learning_rate, optimizer.eps
    match optimizer:
        case AdaGrad():
            step = torch.optim.Adagrad([theta], lr=rate, eps=eps)
        case RMSProp():
            step = torch.optim.RMSprop([theta], lr=rate, alpha=optimizer.beta, eps=eps)
        case Adam():
            step = torch.optim.Adam([theta], lr=rate, betas=(optimizer.beta1, optimizer.beta2), eps=eps)
    gradient = jax.jit(gradient)
    path = []
    for _ in range(steps):
        path.append(float(theta.detach()))
        theta.grad = torch.tensor(float(gradient(path[-1])), dtype=torch.float64)
        step.step()
    return np.asarray(path)


@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
@pytest.mark.parametrize("witness", [steps_of_optax, steps_of_torch])
def test_the_algorithms_are_those_of_the_libraries(witness, optimizer, objective):
    if witness is steps_of_optax and isinstance(optimizer, AdaGrad):
        optimizer = AdaGrad(optimizer.learning_rate, eps=ADAGRAD_EPS)
    theta0 = STARTS[objective.name]
    ours = run_discrete(optimizer, objective, theta0, STEPS).theta
    theirs = witness(optimizer, jax.grad(objective), theta0, STEPS)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance(optimizer))


@pytest.mark.skipif(not REFERENCE.exists(), reason="the published traces are not at hand")
@pytest.mark.parametrize("optimizer", [o for o in OPTIMIZERS if not isinstance(o, AdaGrad)], ids=str)
def test_published_traces(optimizer):
    published = pd.read_parquet(REFERENCE)
    for name, value in optimizer.hyperparameters.items():
        if name in published:
            published = published[published[name] == value]
    published = published[published["optimizer"] == optimizer.name]
    steps = published["k"].max() + 1
    run = run_discrete(optimizer, quadratic, 1.0, steps)
    assert set(published["quantity"]) == {"theta", *run.state}
    for quantity, rows in published.groupby("quantity"):
        ours = run.theta if quantity == "theta" else run.state[quantity]
        np.testing.assert_allclose(ours, rows.sort_values("k")["value"], rtol=0, atol=1e-12)


def test_a_trace_starts_at_theta0_with_empty_states():
    run = run_discrete(Adam(0.1), quadratic, 1.0, 3)
    assert run.theta[0] == 1
    assert all(state[0] == 0 for state in run.state.values())
    assert run.t.tolist() == [0.0, 0.1, 0.2]


def test_theta_of_any_shape_is_a_batch_of_scalars():
    starts = jnp.asarray([[0.1, -0.4, 3.0]])
    together = run_discrete(Adam(0.1), OBJECTIVES["double_well"], starts, 50).theta
    for i in range(3):
        alone = run_discrete(Adam(0.1), OBJECTIVES["double_well"], float(starts[0, i]), 50).theta
        # vectors and scalars may be compiled with other fused multiply-adds
        np.testing.assert_allclose(together[:, 0, i], alone, rtol=0, atol=1e-14)


@pytest.mark.parametrize("shard", [None, 2, 8])
def test_a_batch_is_its_runs_whatever_its_shards(shard):
    rates, betas, starts = np.asarray([0.1, 0.02, 0.5]), np.asarray([0.9, 0.0, 0.99]), np.asarray([0.1, -2.0, 1.5])
    together = run_batch(Adam(rates, betas), OBJECTIVES["double_well"], starts, 50, shard=shard)
    for i in range(3):
        alone = run_discrete(Adam(rates[i], betas[i]), OBJECTIVES["double_well"], starts[i], 50)
        assert together.t[i].tolist() == alone.t.tolist()
        # in turn, by the same operations
        np.testing.assert_allclose(together.theta[i], alone.theta, rtol=1e-14)
        np.testing.assert_allclose(together.state["v"][i], alone.state["v"], rtol=1e-14)


def test_a_lane_that_is_lost_is_no_number_from_there_on_and_holds_up_no_other():
    batch = run_batch(RMSProp(np.asarray([0.1, 0.1]), 0.9), quadratic, np.asarray([1e200, 1.0]), 10)
    assert not np.isfinite(batch.theta[0, 1:]).any()
    assert batch.theta[1].tolist() == run_discrete(RMSProp(0.1, 0.9), quadratic, 1.0, 10).theta.tolist()
    # the square of its gradient underflows, and so small an eps does not matter beside the root
    tiny = run_batch(RMSProp(0.1, 0.9, eps=1e-300), lambda x: x**2 / 2, np.asarray([1e-162, 1.0]), 5)
    assert np.isnan(tiny.theta[0, 1:]).all()
    assert np.isfinite(tiny.theta[1]).all()
    assert np.isfinite(tiny.theta[0, 0])


def test_lanes_of_several_numbers_are_refused():
    with pytest.raises(ParameterError, match=r"lanes = .*: lanes must be one number N, or 1"):
        run_batch(RMSProp(np.asarray([0.1, 0.2]), 0.9), quadratic, np.zeros(3), 10)
    with pytest.raises(ParameterError, match=r"shard = 0 .*an integer >= 1"):
        run_batch(RMSProp(0.1, 0.9), quadratic, np.zeros(3), 10, shard=0)


def test_changing_a_hyperparameter_compiles_nothing_anew():
    run_discrete(Adam(0.1, 0.9), quadratic, 1.0, 17)
    compiled = _scan._cache_size()
    run_discrete(Adam(0.2, 0.5), quadratic, 2.0, 17)
    assert _scan._cache_size() == compiled


def test_non_finite_values_are_named():
    with pytest.raises(NonFiniteError, match=r"RMSProp\(.*on quadratic from theta0 = 1e\+200: not finite from t = 0.1"):
        run_discrete(RMSProp(0.1), quadratic, 1e200, 10)
