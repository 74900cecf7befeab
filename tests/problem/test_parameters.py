"""Starts that are trees of arrays, and what is observed of theta in place of all of it."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from optide import Adam, RMSProp, run_discrete, solve_ide, solve_lanes
from optide.base.errors import ObjectiveError, ParameterError, UnderflowError
from optide.ide.batch import solve_batch
from optide.problem.discrete import run_batch
from optide.problem.parameters import is_tree

ADAM, STEPS = Adam(0.05, 0.9, 0.99), 12
TREE = {"w": np.asarray([[0.3], [-0.2]]), "b": 0.5}


def loss(theta):
    """Coupled, and of each leaf."""
    return jnp.sum((theta["w"] - 1) ** 2) + theta["b"] ** 2 * jnp.sum(theta["w"]) ** 2


def of_vector(theta):
    return loss({"b": theta[0], "w": theta[1:, None]})


VECTOR = np.asarray([0.5, 0.3, -0.2])  # leaves go by their names


def vectors(tree):
    """The vectors of a tree whose leaves have axes before their own."""
    return np.concatenate([tree["b"][..., None], tree["w"][..., 0]], axis=-1)


def solve(objective, theta0, **options):
    return solve_ide(ADAM, objective, theta0, STEPS, **options)


def lanes(objective, theta0, **options):
    return solve_lanes([ADAM, ADAM], objective, [theta0, theta0], STEPS, **options)[1]


def run(objective, theta0, **options):
    return run_discrete(ADAM, objective, theta0, STEPS, **options)


@functools.cache
def jitted(objective, **options):
    """Of every fifth point, one program for all tests."""
    return jax.jit(lambda theta0: solve_ide(ADAM, objective, theta0, STEPS, save_every=5, **options))


def traced(objective, theta0, **options):
    return jitted(objective, **options)(theta0)


@pytest.mark.parametrize("way", [solve, lanes, run, traced])
def test_a_tree_is_its_vector(way):
    found, wanted = way(loss, TREE), way(of_vector, VECTOR)
    # the same equations, whose sums are compiled in other orders
    np.testing.assert_allclose(vectors(found.theta), wanted.theta, rtol=0, atol=1e-12)
    for name, state in wanted.state.items():
        np.testing.assert_allclose(vectors(found.state[name]), state, rtol=0, atol=1e-12)
    assert found.theta["w"].shape == (len(found.t), 2, 1)


def test_the_published_scheme_and_batches_know_trees_as_well():
    rates = np.asarray([0.05, 0.02, 0.01])
    trees = jax.tree.map(lambda leaf: np.stack([leaf, 2 * np.asarray(leaf), leaf]), TREE)
    found = solve_batch(Adam(rates), loss, trees, STEPS, shard=2)
    wanted = solve_batch(Adam(rates), of_vector, vectors(trees), STEPS, shard=2)
    np.testing.assert_allclose(vectors(found.theta), wanted.theta, rtol=0, atol=1e-12)
    assert found.theta["w"].shape == (3, STEPS, 2, 1)

    found, wanted = (solve_ide(Adam(0.01), *given, 3, method="picard") for given in ((loss, TREE), (of_vector, VECTOR)))
    np.testing.assert_allclose(vectors(found.theta), wanted.theta, rtol=0, atol=1e-12)


def test_a_tree_against_optax():
    rule = optax.adam(0.05, 0.9, 0.99, eps=ADAM.eps)
    theta = jax.tree.map(jnp.asarray, TREE)
    state, path = rule.init(theta), []
    for _ in range(STEPS):
        path.append(theta)
        with jax.numpy_dtype_promotion("standard"):  # optax mixes integers and floats
            updates, state = rule.update(jax.grad(loss)(theta), state)
        theta = optax.apply_updates(theta, updates)
    found = run(loss, TREE).theta
    for k, theta in enumerate(path):
        # rounding: a dozen operations of numbers of order 1
        jax.tree.map(lambda a, b, k=k: np.testing.assert_allclose(a[k], b, rtol=0, atol=1e-14), found, theta)


def test_derivatives_have_the_structure_of_the_tree():
    def end(theta0):
        return loss(jax.tree.map(lambda leaf: leaf[-1], solve(loss, theta0).theta))

    slope = jax.grad(end)(jax.tree.map(jnp.asarray, TREE))
    step = 1e-5
    up, down = (end({**TREE, "b": TREE["b"] + sign * step}) for sign in (1, -1))
    # of second order in the step, times a third derivative of order 1; and rounding over the step
    np.testing.assert_allclose(slope["b"], (up - down) / (2 * step), rtol=0, atol=1e-8)
    assert slope["w"].shape == (2, 1)


def test_leaves_of_any_real_type_are_float64():
    leaves = {"w": np.float32([[0.5], [-0.25]]), "b": 1}
    found = run(loss, leaves).theta
    assert found["w"].dtype == found["b"].dtype == float
    np.testing.assert_array_equal(found["w"][0], leaves["w"])


def test_an_empty_leaf_among_others_stays_empty():
    found = solve(lambda theta: jnp.sum(theta[1] ** 2), (np.zeros((0, 3)), np.ones(2)))
    assert found.converged
    assert found.theta[0].shape == (STEPS, 0, 3)


@pytest.mark.parametrize(
    ("theta0", "tree"),
    [(0.1, False), (np.ones(3), False), ([0.1, 0.2], False), ([[0.1], (0.2,)], False), (None, False), ({}, False),
     ([np.ones(2), 0.1], True), ((np.ones(2),), True), ({"a": 0.1}, True), (TREE, True)],
)  # fmt: skip
def test_numbers_in_lists_are_an_array_and_arrays_in_them_a_tree(theta0, tree):
    assert is_tree(theta0) == tree


@pytest.mark.parametrize(
    ("theta0", "message"),
    [
        ({"w": np.asarray([1.0, np.nan]), "b": 0.1}, "theta0['w'] = array([ 1., nan]) is not allowed"),
        ({"w": TREE["w"], "b": "0.1"}, "theta0['b'] = '0.1' is not allowed"),
        ({"w": TREE["w"], "b": 1j}, "theta0['b'] = 1j is not allowed"),
        ({"w": TREE["w"], "b": True}, "theta0['b'] = True is not allowed"),
        ((np.ones(1), [np.inf]), "theta0[1][0] = inf is not allowed"),
        ({"w": np.zeros(0)}, "that is not empty"),
        ({}, "that is not empty"),
    ],
)
@pytest.mark.parametrize("way", [solve, run])
def test_a_wrong_leaf_is_named(way, theta0, message):
    with pytest.raises(ParameterError) as caught:
        way(loss, theta0)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_lanes_of_a_tree_are_of_one_length_and_one_structure():
    with pytest.raises(ParameterError, match="of one length"):
        solve_batch(ADAM, loss, {"w": np.ones((3, 2, 1)), "b": np.ones(2)}, STEPS)
    with pytest.raises(ParameterError, match="of one length"):
        solve_batch(ADAM, loss, TREE, STEPS)
    with pytest.raises(ParameterError, match="of one shape"):
        solve_lanes([ADAM, ADAM], loss, [TREE, {"w": np.ones((1, 2)), "b": 0.1}], STEPS)


def observe(theta):
    return {"loss": loss(theta), "norms": jnp.stack([jnp.abs(theta["b"]), jnp.max(jnp.abs(theta["w"]))])}


@pytest.mark.parametrize(
    ("way", "options"),
    [
        *((solve, options) for options in ({}, {"save_every": 5}, {"save_every": 100}, {"method": "picard"})),
        (lanes, {}),
        (traced, {}),
    ],
)
def test_what_is_observed_is_that_of_the_path(way, options):
    found, wanted = way(loss, TREE, observe=observe, **options), way(loss, TREE, **options)
    np.testing.assert_array_equal(found.t, wanted.t)
    for k in range(len(wanted.t)):
        row = observe(jax.tree.map(lambda leaf, k=k: leaf[k], wanted.theta))
        # rounding of sums that are compiled apart
        jax.tree.map(lambda a, b, k=k: np.testing.assert_allclose(a[k], b, rtol=1e-14), found.observed, row)
    # and of the path the end alone
    jax.tree.map(lambda a, b: np.testing.assert_array_equal(a, b[-1:]), found.theta, wanted.theta)
    jax.tree.map(lambda a, b: np.testing.assert_array_equal(a, b[-1:]), found.state, wanted.state)
    assert wanted.observed is None


@pytest.mark.parametrize("steps", [1, 30])
def test_a_discrete_run_is_observed_as_well(steps):
    found, wanted = (run_discrete(ADAM, loss, TREE, steps, **more) for more in ({"observe": observe}, {}))
    assert found.observed["loss"].shape == (steps,)
    losses = [loss(jax.tree.map(lambda leaf, k=k: leaf[k], wanted.theta)) for k in range(steps)]
    np.testing.assert_allclose(found.observed["loss"], losses, rtol=1e-14)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b[-1:], rtol=0, atol=1e-15), found.theta, wanted.theta)


def test_of_a_run_that_is_only_observed_underflow_is_found_as_well():
    tiny = RMSProp(0.1, 0.99, eps=1e-200)
    messages = []
    for more in ({}, {"observe": jnp.sum}):
        with pytest.raises(UnderflowError) as caught:
            run_discrete(tiny, lambda theta: 1e-160 * theta, 0.1, 5, **more)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


def test_numbers_of_python_are_observed_as_arrays():
    for found in (solve(loss, TREE, observe=lambda _: [1.5, 2]), run(loss, TREE, observe=lambda _: [1.5, 2])):
        np.testing.assert_array_equal(found.observed[0], np.full(STEPS, 1.5))
        np.testing.assert_array_equal(found.observed[1], np.full(STEPS, 2))


@pytest.mark.parametrize("found", ["a", ["a", 1.0], np.asarray(["a"]), print, 1j, []], ids=repr)
def test_what_is_observed_is_made_of_real_arrays(found):
    for way in (solve, run):
        with pytest.raises(ParameterError, match="observe must be a function of theta that returns a tree of arrays"):
            way(loss, TREE, observe=lambda _: found)


def test_derivatives_go_through_what_only_observe_closes_over():
    def seen(scale, run):
        return jnp.sum(run(loss, TREE, observe=lambda theta: scale * theta["b"]).observed)

    for way in (solve, run):
        # linear in the scale
        np.testing.assert_allclose(jax.grad(seen)(0.5, way), seen(1.0, way), rtol=1e-12)


def test_traced_leaves_are_real_as_well():
    for leaf in (np.zeros((2, 1), complex), np.zeros((2, 1), bool)):
        with pytest.raises(ParameterError, match="is not allowed"):
            traced(loss, {**TREE, "w": leaf})


def test_names_without_an_order_are_one_line():
    mixed = [{1: np.ones(2), "b": np.ones(2)}]
    for call in (
        lambda: solve(loss, mixed),
        lambda: solve_lanes([ADAM], loss, [mixed], STEPS),
        lambda: solve_batch(ADAM, loss, mixed, STEPS),
        lambda: run_batch(ADAM, loss, mixed, STEPS),
    ):
        with pytest.raises(ParameterError, match="a tree of arrays that JAX can flatten"):
            call()


def test_lanes_are_a_sequence():
    with pytest.raises(ParameterError, match="a sequence, with one for each lane"):
        solve_lanes([ADAM, ADAM], loss, {"w": np.ones((2, 2, 1)), "b": np.ones(2)}, STEPS)


@pytest.mark.parametrize("observed", [lambda theta: "a", lambda theta: None, lambda theta: (object(), theta)])
@pytest.mark.parametrize("way", [solve, run, traced])
def test_what_is_observed_is_a_tree_of_arrays(way, observed):
    with pytest.raises(ParameterError, match="observe must be"):
        way(loss, TREE, observe=observed)


@pytest.mark.parametrize("observed", [lambda theta: np.sin(theta["b"]), lambda theta: 1 if theta["b"] > 0 else 2])
@pytest.mark.parametrize("way", [solve, run])
def test_what_observes_can_be_traced(way, observed):
    with pytest.raises(ObjectiveError, match=r"observe: the function asks for a value in .*test_parameters\.py"):
        way(loss, TREE, observe=observed)


@pytest.mark.parametrize("observed", ["loss", 3, np.sin, dict])
@pytest.mark.parametrize("way", [solve, run])
def test_what_observes_is_a_function(way, observed):
    with pytest.raises(ParameterError, match="observe must be"):
        way(loss, TREE, observe=observed)
