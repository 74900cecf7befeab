"""The library in a process of its user's: nothing is changed there, and every mistake is one line."""

import copy
import json
import math
import os
import pickle
import subprocess
import sys
import threading
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from compilations import counted
from conftest import ROOT
from optide import AdaGrad, Adam, RMSProp, pin, run_discrete, solve_ide, solve_lanes
from optide.base.arithmetic import ENVIRONMENT, PINNED
from optide.base.errors import ConfigError, ObjectiveError, OptideError, ParameterError, TracedError
from optide.extend import Memory, Optimizer, State
from optide.ide.batch import solve_batch
from optide.problem import arguments
from optide.problem.discrete import _scan
from optide.problem.objectives import Objective, double_well
from optide.studies import linearisation

STEPS = 12
ADAM = Adam(0.1)
FOREIGN = {"JAX_DEBUG_NANS": "1", "XLA_FLAGS": "--xla_force_host_platform_device_count=2"}


def python(script, *arguments, **variables):
    """Run a script as a user would who knows nothing of this project's settings: what it printed, as JSON."""
    kept = {name: value for name, value in os.environ.items() if name not in ENVIRONMENT}
    run = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env={**kept, "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "src", ROOT))), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.splitlines()[-1])


IN_ITS_OWN_PROCESS = """
import json, os, sys, warnings
import jax  # first, as in every notebook
import jax.numpy as jnp
import numpy as np

environment, settings = dict(os.environ), dict(jax.config.values)
import optide
from optide import AdaGrad, Adam, pin, run_discrete, solve_ide, solve_lanes
from optide.data import results, traces
from optide.numerics import elementary, metrics
from optide.studies import experiments, linearisation
from optide.base.errors import OptideError
from optide.claims.equation import sweep_movement
from optide.ide import solve_batch
from optide.objectives import double_well

warnings.simplefilter("error")  # JAX warns where it makes float32 of float64
steps = int(sys.argv[1])
solution = solve_ide(Adam(0.1), double_well, 0.1, steps)
compiled = []
jax.monitoring.register_event_duration_secs_listener(
    lambda event, *_, **__: compiled.append(event) if event.endswith("backend_compile_duration") else None
)
solve_ide(Adam(0.1), double_well, 0.1, steps)
of_jax = jnp.asarray(0.1)
compiled.clear()  # what makes an array of JAX is a program, too
for rate in (np.float32(0.1), of_jax, np.asarray(0.1), np.float16(0.1)):
    found = solve_ide(Adam(rate), double_well, of_jax, steps)
    same = solve_ide(Adam(float(rate)), double_well, float(of_jax), steps)
    assert found.theta.tolist() == same.theta.tolist()
assert not compiled

run = run_discrete(Adam(0.1), double_well, 0.1, steps)
lanes = solve_lanes([Adam(0.1)], double_well, [0.1], steps)
batch = solve_batch(Adam(0.1), double_well, jnp.ones(2) / 10, steps)
picard = solve_ide(Adam(0.1), double_well, 0.1, steps, method="picard")
made_outside = jnp.arange(3) / 3
fitted = run_discrete(Adam(0.1), lambda theta: jnp.mean((theta - made_outside) ** 2), 0.1, steps)
with jax.default_device(jax.devices()[1]), jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
    elsewhere = solve_ide(Adam(0.1), double_well, 0.1, steps)
for arrays in jax.tree.leaves((solution, run, lanes, batch, picard, fitted, elsewhere)):
    assert not isinstance(arrays, jax.Array)
    assert np.result_type(arrays) in (np.float64, np.int64, np.bool_), np.result_type(arrays)

one_line = ""
for traced in (jax.grad, jax.jit, jax.vmap):
    for call in (
        lambda x: run_discrete(Adam(0.1), double_well, x, steps).theta[-1],
        lambda x: run_discrete(Adam(x), double_well, 0.1, steps).theta[-1],
        lambda x: solve_ide(Adam(0.1), double_well, x, steps).theta[-1],
    ):
        try:
            traced(call)(jnp.ones(2) if traced is jax.vmap else 0.1)
            raise SystemExit("a solve in float32")
        except OptideError as error:
            one_line = str(error)
try:
    jax.jit(lambda x: x * run_discrete(Adam(0.1), double_well, 0.1, steps).theta[-1])(1.0)
    raise SystemExit("float64 in the midst of float32")
except OptideError as error:
    assert str(error) == one_line.replace("solve_ide", "run_discrete")

part = {"experiment": "x", "objective": "double_well", "optimizer": "adagrad", "theta0": [0.1], "t_start": "origin",
        "learning_rate": 0.1, "sets": [{"name": "", "hyperparameters": {}, "steps": steps}]}
table, metadata = experiments.run(part, "discrete")
configuration = {"objective": "double_well", "theta0": 0.1, "optimizer": "adam", "learning_rate": 0.1}
configuration["hyperparameters"] = {"beta1": 0.9, "beta2": 0.999}
moved = sweep_movement(traces.Trace(configuration, {"t": solution.t, "theta": solution.theta}))
refused = []
for attempt in (
    lambda: traces.write("x.parquet", table, metadata),
    lambda: results.write("x.parquet", table, {}),
    optide.pin,
):
    try:
        attempt()
        raise SystemExit("not refused")
    except OptideError as error:
        refused.append(str(error))
assert not os.path.exists("x.parquet")
assert dict(os.environ) == environment
assert dict(jax.config.values) == settings
assert jnp.zeros(()).dtype == jnp.float32

# last, as it does change the process: the line that the error tells
exec(one_line.split(": ")[-1])
slope = jax.grad(lambda x: run_discrete(Adam(0.1), double_well, x, steps).theta[-1])(0.1)
print(json.dumps({
    "theta": solution.theta.tolist(), "elsewhere": elsewhere.theta.tolist(), "lanes": lanes[0].theta.tolist(),
    "batch": batch.theta[1].tolist(), "picard": picard.theta.tolist(), "run": run.theta.tolist(),
    "loss": table["loss"].to_pylist(), "logarithm": float(elementary.log(3.0)),
    "rate": metrics.decay_rate(np.arange(300), 0.95 ** np.arange(300)),
    "small steps": float(linearisation.rmsprop_small_steps(0.01, 3.0, 50.0)),
    "moved": moved, "slope": float(slope), "dtype": str(slope.dtype), "refused": refused, "one line": one_line,
    "arithmetic": [solution.arithmetic, run.arithmetic, lanes[0].arithmetic, batch.arithmetic],
}))
"""


def test_after_jax_and_under_settings_of_the_users_nothing_changes_and_all_is_float64(tmp_path):
    found = python(f"import os; os.chdir({str(tmp_path)!r})\n{IN_ITS_OWN_PROCESS}", str(STEPS), **FOREIGN)
    # other instructions round in other places: a few roundings of numbers of order 1, in 12 steps
    near = {"rtol": 0, "atol": 1e-13}
    here = solve_ide(ADAM, double_well, 0.1, STEPS).theta
    for name in ("theta", "elsewhere", "lanes"):
        np.testing.assert_allclose(found[name], here, **near)
    # 0.1 rounded to float32 is another start: with d theta / d theta0 of order 1, 1e-8 away
    np.testing.assert_allclose(found["batch"], here, rtol=0, atol=1e-7)
    np.testing.assert_allclose(found["picard"], solve_ide(ADAM, double_well, 0.1, STEPS, method="picard").theta, **near)
    np.testing.assert_allclose(found["run"], run_discrete(ADAM, double_well, 0.1, STEPS).theta, **near)
    trace = run_discrete(AdaGrad(0.1), double_well, 0.1, STEPS).theta
    np.testing.assert_allclose(found["loss"], (trace**2 - 1) ** 2 / 4, **near)
    # the quadratures of the two methods differ by less, and float32 by more
    assert 0 < found["moved"] < 1e-9
    assert found["logarithm"] == pytest.approx(np.log(3), rel=1e-15)
    assert found["rate"] == pytest.approx(-np.log(0.95), rel=1e-12)
    assert found["small steps"] == pytest.approx(linearisation.rmsprop_small_steps(0.01, 3.0, 50.0), rel=1e-12)
    assert found["dtype"] == "float64"
    assert found["slope"] == pytest.approx(slope_of(lambda x: run_discrete(ADAM, double_well, x, STEPS), 0.1), rel=1e-7)
    assert found["one line"] == (
        "solve_ide: jax.jit, jax.vmap, jax.grad and the like need float64, which this process has off: "
        'jax.config.update("jax_enable_x64", True)'
    )
    for arithmetic in found["arithmetic"]:
        assert arithmetic.startswith("not pinned: XLA_FLAGS, JAX_PLATFORMS, JAX_ENABLE_X64")
        assert arithmetic.endswith("JAX_DEBUG_NANS")
    for line in found["refused"][:2]:
        assert line.startswith("x.parquet: the arithmetic is not pinned (XLA_FLAGS, ")
    assert "too late to pin, as JAX was imported before" in found["refused"][2]


PINNED_BY = """
import json, os, sys
environment = dict(os.environ)
import optide
assert dict(os.environ) == environment
assert "jax" not in sys.modules
{}
from optide import Adam, solve_ide
from optide.objectives import double_well
solution = solve_ide(Adam(0.1), double_well, 0.1, {})
print(json.dumps([solution.arithmetic, solution.theta.tolist(), sorted(set(environment) - set(os.environ))]))
"""


def test_a_processor_that_there_is_not_changes_nothing():
    before = dict(os.environ)
    assert "processor must be cpu or gpu" in refused(ParameterError, lambda: pin("tpu"))
    for threads in (0, -1, True, 2.0, "2", None):
        assert "threads must be an integer >= 1" in refused(ParameterError, lambda threads=threads: pin("cpu", threads))
    assert dict(os.environ) == before


@pytest.mark.parametrize("way", ["optide.pin()", "import benchmarks.measure"])
def test_whoever_pins_has_the_bits_of_the_workflow(way):
    arithmetic, theta, dropped = python(PINNED_BY.format(way, STEPS), **FOREIGN)
    assert arithmetic == PINNED == solve_ide(ADAM, double_well, 0.1, STEPS).arithmetic
    assert theta == solve_ide(ADAM, double_well, 0.1, STEPS).theta.tolist()
    assert dropped == ["JAX_DEBUG_NANS"]


JOB = """
import json, pathlib, sys
from types import SimpleNamespace
snakemake = SimpleNamespace(**json.loads(sys.argv[2]))
for name in ("params", "wildcards"):
    setattr(snakemake, name, SimpleNamespace(**getattr(snakemake, name)))
snakemake.config = {}
try:
    exec(pathlib.Path(sys.argv[1]).read_text())
    code = 0
except SystemExit as stop:
    code = stop.code
except RuntimeError as error:
    assert "too late to pin, as JAX was imported before" in str(error)
    code = 1
print(json.dumps(code))
"""


@pytest.mark.parametrize(
    ("environment", "before", "code"),
    [({}, "", 0), (ENVIRONMENT, "", 0), ({}, "import jax", 1)],
    ids=["unpinned", "pinned", "JAX first"],
)
def test_a_job_of_the_workflow_pins_its_arithmetic_or_writes_nothing(tmp_path, environment, before, code):
    output, log = tmp_path / "x.parquet", tmp_path / "x.log"
    part = {"experiment": "x", "objective": "double_well", "optimizer": "adagrad", "theta0": [0.1], "t_start": "origin"}
    part |= {"learning_rate": 0.1, "sets": [{"name": "", "hyperparameters": {}, "steps": STEPS}]}
    job = {"rule": "trace", "input": [], "output": [str(output)], "log": [str(log)], "params": {"experiment": part}}
    job["wildcards"] = {"scheme": "discrete"}
    script = f"{before}\n{JOB}"
    assert python(script, str(ROOT / "workflow/scripts/trace.py"), json.dumps(job), **environment) == code
    assert output.exists() == (code == 0)


def test_settings_that_change_bits_and_are_made_later_are_told():
    with jax.default_matmul_precision("highest"):
        run = run_discrete(ADAM, double_well, 0.1, 3)
    assert run.arithmetic == "not pinned: jax_default_matmul_precision"
    with jax.disable_jit():
        assert run_discrete(ADAM, double_well, 0.1, 3).arithmetic == "not pinned: jax_disable_jit"
    assert run_discrete(ADAM, double_well, 0.1, 3).arithmetic == PINNED


# -- arguments


class Unhashable:
    __hash__ = None

    def __call__(self, theta):
        return theta**2


@jax.custom_jvp
def branching_in_its_gradient(theta):
    return jnp.abs(theta)


@branching_in_its_gradient.defjvp
def _rule(primals, tangents):
    (theta,), (change,) = primals, tangents
    return jnp.abs(theta), change if theta > 0 else -change


A_NUMBER = "a finite number, or an array of them that is not empty"
A_FUNCTION = "a function of theta that returns a loss"
WRONG = {
    "nan": ({"theta0": float("nan")}, f"theta0 = nan is not allowed: theta0 must be {A_NUMBER}"),
    "infinite": ({"theta0": [1.0, -np.inf]}, f"theta0 = [1.0, -inf] is not allowed: theta0 must be {A_NUMBER}"),
    "empty": ({"theta0": np.zeros(0)}, A_NUMBER),
    "large": (
        {"theta0": np.full((9, 99), np.nan)},
        f"theta0 = float64[9,99] is not allowed: theta0 must be {A_NUMBER}",
    ),
    "text": ({"theta0": "0.1"}, f"theta0 = '0.1' is not allowed: theta0 must be {A_NUMBER}"),
    "no theta0": ({"theta0": None}, A_NUMBER),
    "truth": ({"theta0": True}, A_NUMBER),
    "complex": ({"theta0": 1j}, A_NUMBER),
    "ragged": ({"theta0": [1, [2]]}, A_NUMBER),
    "name": (
        {"optimizer": "adam"},
        "optimizer = 'adam' is not allowed: optimizer must be an optimizer, such as Adam(0.1)",
    ),
    "no optimizer": ({"optimizer": None}, "such as Adam(0.1)"),
    "class": ({"optimizer": RMSProp}, "must be an optimizer, such as RMSProp(0.1)"),
    "swapped": ({"optimizer": double_well, "objective": ADAM}, "optimizer must be an optimizer"),
    "shape (1,)": (
        {"optimizer": Adam(np.asarray([0.1]))},
        "learning_rate = array([0.1]) is not allowed: learning_rate "
        "must be one number here; optide.ide.solve_batch takes arrays (N,)",
    ),
    "shape (2,)": ({"optimizer": RMSProp(0.1, jnp.asarray([0.1, 0.2]))}, "beta must be one number here"),
    "eps (1,)": ({"optimizer": AdaGrad(0.1, eps=np.asarray([1e-8]))}, "eps must be one number here"),
    "no objective": ({"objective": None}, f"objective = None is not allowed: objective must be {A_FUNCTION}"),
    "its name": ({"objective": "quadratic"}, f"objective = 'quadratic' is not allowed: objective must be {A_FUNCTION}"),
    "its class": ({"objective": Objective}, A_FUNCTION),
    "unhashable": ({"objective": Unhashable()}, "objective must be hashable"),
    "NumPy's sine": ({"objective": np.sin}, "objective = <ufunc 'sin'> is not allowed: objective must be hashable"),
    "no integer": ({"steps": 20.0}, "steps = 20.0 is not allowed: steps must be an integer >= "),
    "as text": ({"steps": "20"}, "steps = '20' is not allowed"),
    "as truth": ({"steps": True}, "steps = True is not allowed"),
    "NumPy's truth": ({"steps": np.True_}, "is not allowed: steps must be an integer"),
    "negative": ({"steps": -1}, "steps = -1 is not allowed"),
    "none": ({"steps": 0}, "steps = 0 is not allowed"),
    "huge": ({"steps": 10**30}, "steps must be an integer <= 2147483647"),
    # for which XLA would end the process
    "no room": (
        {"steps": 10**9, "theta0": np.ones(10**4), "objective": lambda theta: jnp.sum(theta**2)},
        "steps must be so few that what is kept, 223,5",
    ),
    "masked": ({"theta0": np.ma.masked_less([0.1, 0.2], 0.15)}, "theta0 = masked float64[2] is not allowed"),
    "masked leaf": ({"theta0": {"b": np.ma.masked}}, "theta0['b'] = masked is not allowed"),
}
GIVEN = {"optimizer": ADAM, "objective": double_well, "theta0": 0.1, "steps": STEPS}


def refused(error, call):
    """The one line of an error that is raised before anything is compiled."""
    arguments.tracing()  # makes a number, by a program that JAX compiles once
    with counted() as compiled, pytest.raises(error) as caught:
        call()
    assert not compiled
    assert isinstance(caught.value, OptideError)
    (line,) = str(caught.value).splitlines()
    return line


@pytest.mark.parametrize("run", [run_discrete, solve_ide])
@pytest.mark.parametrize(("changed", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_argument_is_one_line_at_once(run, changed, message):
    assert message in refused(ParameterError, lambda: run(**{**GIVEN, **changed}))


@pytest.mark.parametrize(
    "value",
    [
        np.ma.masked,
        np.ma.masked_less([0.1, 0.2], 0.15),
        "0.1",
        b"0.1",
        None,
        0.1 + 0j,
        [0.1],
        [[0.1], [0.2]],
        (0.1,),
        {},
        Adam,
        np.asarray(["0.1"]),
        np.zeros(0),
    ],
    ids=repr,
)
def test_only_numbers_are_hyperparameters(value):
    for make, name, allowed in ((Adam, "learning_rate", "a finite number > 0"), (RMSProp, "beta", "in [0, 1)")):
        line = refused(ParameterError, lambda make=make, name=name: make(**{"learning_rate": 0.1, name: value}))
        assert line.startswith(f"{name} = ")
        assert line.endswith(f"{name} must be {allowed}, or an array of such numbers")
    assert "beta = 1.5 is not allowed" in refused(ParameterError, lambda: RMSProp(0.1, np.asarray([0.1] * 99 + [1.5])))


SOLVERS = {
    "solve_ide": lambda **options: solve_ide(ADAM, double_well, 0.1, **{"steps": STEPS, **options}),
    "solve_lanes": lambda **options: solve_lanes([ADAM], double_well, [0.1], **{"steps": STEPS, **options}),
    "solve_batch": lambda **options: solve_batch(ADAM, double_well, [0.1], **{"steps": STEPS, **options}),
}


@pytest.mark.parametrize("solve", SOLVERS.values(), ids=SOLVERS)
def test_options_out_of_range_are_one_line_of_every_solver(solve):
    for name, values in {
        "method": ["euler", None, ["march"]],
        "lookahead": [2, True, 1.0],
        "substeps": [0, 1.5, 10**30, 2**30],
        "order": [3, True],
        "save_every": [0, -1, 2.0, 10**30],
        "t_start": ["noon", 0.2, -1.0, np.nan, True, [0.1], np.zeros(1)],
        "steps": [1, 3.0, 10**30],
    }.items():
        for value in values:
            line = refused(ParameterError, lambda name=name, value=value: solve(**{name: value}))
            assert line.startswith(f"{name} = ")
    assert "1 by picard" in refused(ParameterError, lambda: solve(method="picard", order=2))
    nearest = {"method": ("mrach", "march"), "t_start": ("one step", "one_step"), "coupling": ("product", "products")}
    for name, (wrong, near) in nearest.items():
        assert refused(ParameterError, lambda given={name: wrong}: solve(**given)).endswith(f"; did you mean '{near}'?")
    for unknown in ("foo", "window", "persistent"):
        with pytest.raises(TypeError, match=f"unexpected keyword argument '{unknown}'"):
            solve(**{unknown: 1})


def lanes(rates=(0.1, 0.2), theta0s=(0.1, 0.1), **options):
    return solve_lanes([Adam(rate) for rate in rates], double_well, theta0s, STEPS, **options)


def batch(rates=(0.1, 0.2), theta0s=(0.1, 0.1), **options):
    optimizers = Adam(np.asarray(rates), **options.pop("betas", {}))
    return solve_batch(optimizers, double_well, np.asarray(theta0s), STEPS, **options)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: lanes((), ()), "optimizers = [] is not allowed: optimizers must be a sequence, with one"),
        (lambda: lanes((0.1, 0.2, 0.3)), "theta0s = [0.1, 0.1] is not allowed: theta0s must be as many as there are"),
        (lambda: lanes(theta0s=[0.1, [0.1, 0.2]]), "theta0s must be of one shape"),
        (lambda: lanes(theta0s=[0.1, np.nan]), f"theta0s = nan is not allowed: theta0s must be {A_NUMBER}"),
        (lambda: solve_lanes([ADAM] * 2, double_well, [0.1] * 2, [5, [7]]), "steps = [7] is not allowed: steps must"),
        (lambda: solve_lanes([ADAM] * 2, double_well, [0.1] * 2, "57"), "steps = '57' is not allowed: steps must"),
        (lambda: lanes(theta0s=0.1), "theta0s = 0.1 is not allowed: theta0s must be a sequence, with one for each"),
        (lambda: solve_lanes(ADAM, double_well, [0.1], STEPS), "optimizers must be a sequence"),
        (lambda: solve_lanes([ADAM, AdaGrad(0.1)], double_well, [0.1] * 2, STEPS), "optimizers must be of one class"),
        (lambda: solve_lanes([Adam(np.ones(1))], double_well, [0.1], STEPS), "learning_rate must be one number here"),
        (lambda: batch(theta0s=np.zeros(0)), f"theta0s must be {A_NUMBER}"),
        (lambda: batch((0.1, 0.2, 0.3)), "lanes = {'learning_rate': 3, 'theta0s': 2} is not allowed"),
        (lambda: batch(theta0s=0.1, betas={"beta1": np.zeros(3)}), "lanes = {'learning_rate': 2, 'beta1': 3}"),
        (lambda: batch((0.1, 0.2, 0.3), [0.1, 0.2]), "lanes must be one number N, or 1, for all that has a"),
        (lambda: batch([[0.1], [0.2]]), "learning_rate must be a number, or an array (N,) with one for each lane"),
        (lambda: solve_batch(Adam, double_well, 0.1, STEPS), "must be an optimizer, such as Adam(0.1)"),
        *((lambda shard=shard: batch(shard=shard), "shard must be an integer >= 1") for shard in (0, -2, 1.0, True)),
        *(
            (lambda beside=beside: batch(beside=beside), f"beside = {beside!r} is not allowed: beside must be True")
            for beside in ("no", 2, np.ones(2))
        ),
        # the first lane would allow it
        (lambda: lanes((0.2, 0.1), t_start=0.15), "t_start = 0.15 is not allowed: t_start must be one of"),
        (lambda: batch((0.2, 0.1), t_start=0.15), "or a number in [0, learning_rate] = 0.1"),
        # one learning rate in one lane, less in another: grids of two lengths
        (lambda: lanes((0.2, 0.1), t_start=0.1), "below the learning rates of all lanes, or 'one_step'"),
    ],
)  # fmt: skip
def test_lanes_that_do_not_fit_are_one_line(call, message):
    assert message in refused(ParameterError, call)


OPAQUE = {
    "branch": (lambda theta: theta**2 if theta > 0 else -theta, 0.1),
    "NumPy": (lambda theta: 2 * np.sin(theta), 0.1),
    "math": (lambda theta: 2 * math.sin(theta), 0.1),
    "mask": (lambda theta: jnp.sum(theta[theta > 0]), np.ones(3)),
    "index": (lambda theta: [theta, -theta][theta.astype(int)], 0.1),
    "in the gradient": (branching_in_its_gradient, 0.1),
}


@pytest.mark.parametrize("run", [run_discrete, solve_ide])
@pytest.mark.parametrize(("objective", "theta0"), OPAQUE.values(), ids=OPAQUE)
def test_an_objective_that_asks_for_values_is_named_with_the_place_and_the_remedy(run, objective, theta0):
    line = refused(ObjectiveError, lambda: run(ADAM, objective, theta0, STEPS))
    assert f"on {objective.__name__} from theta0 = " in line
    assert f"asks for a value in {__file__}, line " in line
    assert line.endswith(
        "where JAX traces it: use jnp.where for `if`, and jnp.sin and the like for those of NumPy and math"
    )


class Own(Optimizer):
    """Of a user: gradient descent with one memory."""

    states: ClassVar = {"m": State("m")}

    def step(self, k, theta, g, state):
        return theta - self.learning_rate * g, {"m": g}

    def memories(self):
        return {"m": Memory(1, 1 / self.learning_rate, 1 / self.learning_rate)}

    def velocity(self, u, theta, g, state):
        return -state["m"]


STEP, VELOCITY = "(float64[2], {m: float64[2]})", "float64[2]"


def test_an_optimizer_without_memories_has_no_equation():
    memoryless = type("Memoryless", (Own,), {"memories": lambda self: {}})(0.1)
    for run in (solve_ide, lambda *given: solve_ide(*given, method="picard"), solve_batch):
        line = refused(ConfigError, lambda run=run: run(memoryless, double_well, [0.1, 0.2], STEPS))
        assert line.endswith(": Memoryless has no memories; without one there is no equation")


@pytest.mark.parametrize(
    ("run", "method", "returned", "found", "wanted"),
    [
        (run_discrete, "step", lambda theta, g: theta, "float64[2]", STEP),
        (run_discrete, "step", lambda theta, g: None, "None", STEP),
        (run_discrete, "step", lambda theta, g: (theta, {"m": "g"}), "(float64[2], {m: str})", STEP),
        (run_discrete, "step", lambda theta, g: (theta, {}), "(float64[2], {})", STEP),
        (run_discrete, "step", lambda theta, g: (theta, {"n": g}), "(float64[2], {n: float64[2]})", STEP),
        (run_discrete, "step", lambda theta, g: (theta[0], {"m": g}), "(float64[], {m: float64[2]})", STEP),
        (run_discrete, "step", lambda theta, g: (jnp.float32(theta), {"m": g}), "(float32[2], {m: float64[2]})", STEP),
        (solve_ide, "velocity", lambda theta, g: g[0], "float64[]", VELOCITY),
        (solve_ide, "velocity", lambda theta, g: jnp.float32(g), "float32[2]", VELOCITY),
        (solve_ide, "velocity", lambda theta, g: np.asarray(["g", "g"]), "ndarray", VELOCITY),
        (solve_ide, "velocity", lambda theta, g: (g, g), "(float64[2], float64[2])", VELOCITY),
    ],
)
def test_a_method_of_an_optimizer_that_returns_something_else_is_one_line(run, method, returned, found, wanted):
    def call(self, time, theta, g, state):
        return returned(theta, g)

    wrong = type("Wrong", (Own,), {method: call})(0.1)
    line = refused(ConfigError, lambda: run(wrong, double_well, [0.1, 0.2], STEPS))
    assert line.startswith("Wrong(learning_rate=0.1) on double_well from theta0 = [0.1, 0.2]")
    assert line.endswith(f": Wrong.{method} returns {found}; it must return {wanted}")
    for many in (
        lambda: solve_lanes([wrong, wrong], double_well, [[0.1, 0.2]] * 2, STEPS),
        lambda: solve_batch(wrong, double_well, [[0.1, 0.2]] * 2, STEPS),
    ):
        if method == "velocity":
            assert f"Wrong.velocity returns {found};" in refused(ConfigError, many)


@pytest.mark.parametrize(("run", "method"), [(run_discrete, "step"), (solve_ide, "velocity")])
def test_a_method_of_an_optimizer_that_asks_for_values_is_named_with_the_place(run, method):
    def branch(self, time, theta, g, state):
        return theta if g > 0 else -theta

    wrong = type("Wrong", (Own,), {method: branch})(0.1)
    line = refused(ConfigError, lambda: run(wrong, double_well, 0.1, STEPS))
    assert f": Wrong.{method} asks for a value in {__file__}, line " in line


def test_an_exception_of_an_optimizer_is_let_through():
    wrong = type("Wrong", (Own,), {"velocity": lambda self, u, theta, g, state: state["n"]})(0.1)
    with pytest.raises(KeyError, match="n"):
        solve_ide(wrong, double_well, 0.1, STEPS)


def test_an_optimizer_of_the_users_own_is_used_like_the_built_in_ones():
    trace, solution = (run(Own(0.1), double_well, [0.1, 0.2], STEPS) for run in (run_discrete, solve_ide))
    assert solution.converged
    assert trace.theta.shape == solution.theta.shape == (STEPS, 2)


def test_a_function_that_is_not_in_python_has_no_place():
    line = refused(ObjectiveError, lambda: run_discrete(ADAM, math.sin, 0.1, STEPS))
    assert (
        "on sin from theta0 = 0.1: the objective, or its gradient, asks for a value, where JAX traces it: use" in line
    )


def test_an_exception_of_the_objective_is_let_through():
    own = KeyError("of the objective's own")

    def failing(theta):
        raise own

    for run in (run_discrete, solve_ide):
        with pytest.raises(KeyError) as caught:
            run(ADAM, failing, 0.1, STEPS)
        assert caught.value is own


# -- what is allowed


def test_integers_of_any_kind_and_numbers_of_any_type_are_one_program():
    expected = solve_ide(ADAM, double_well, 0.1, STEPS, save_every=5)
    trace = run_discrete(ADAM, double_well, 0.5, STEPS)
    compiled = _scan._cache_size()
    for kind in (np.int64, np.uint8, np.asarray, jnp.asarray):
        options = {"lookahead": kind(1), "substeps": kind(1), "order": kind(1), "save_every": kind(5)}
        with counted() as programs:
            found = solve_ide(ADAM, double_well, 0.1, kind(STEPS), **options)
        assert not programs
        np.testing.assert_array_equal(found.theta, expected.theta)
        assert len(run_discrete(ADAM, double_well, 0.5, kind(STEPS)).t) == STEPS
    for kind in (np.float64, np.float32, np.float16, np.asarray, jnp.asarray, jnp.bfloat16):
        # 0.1 in few bits is another number, and 0.5 is not
        found = run_discrete(Adam(kind(0.1), beta1=kind(0.9)), double_well, kind(0.5), STEPS)
        same = run_discrete(Adam(float(kind(0.1)), beta1=float(kind(0.9))), double_well, 0.5, STEPS)
        np.testing.assert_array_equal(found.theta, same.theta)
    np.testing.assert_array_equal(run_discrete(Adam(1), double_well, [1], 3).theta.ravel(), [1, 1, 1])
    assert _scan._cache_size() == compiled + 1  # that of one element
    assert trace.theta.dtype == np.float64


def slope_of(run, x):
    """d theta_end / dx by central differences: an error of h^2, and of 1e-15 / h of rounding."""
    h = 1e-5 * abs(x)
    return float(run(x + h).theta[-1] - run(x - h).theta[-1]) / (2 * h)


def discrete_end(learning_rate, beta1, beta2, theta0):
    return run_discrete(Adam(learning_rate, beta1, beta2), double_well, theta0, STEPS)


def test_the_algorithm_is_differentiated_in_theta0_and_all_hyperparameters():
    point = (0.1, 0.9, 0.999, 0.1)
    slopes = jax.grad(lambda *x: discrete_end(*x).theta[-1], argnums=range(4))(*point)
    for i, slope in enumerate(slopes):
        along = slope_of(lambda x, i=i: discrete_end(*point[:i], x, *point[i + 1 :]), point[i])
        assert float(slope) == pytest.approx(along, rel=1e-7)
    bend = jax.hessian(lambda x: discrete_end(*point[:3], x).theta[-1])(0.1)
    gradient = jax.grad(lambda x: discrete_end(*point[:3], x).theta[-1])
    assert float(bend) == pytest.approx(float(gradient(0.1 + 1e-6) - gradient(0.1 - 1e-6)) / 2e-6, rel=1e-7)


def test_the_algorithm_is_compiled_and_batched_whole():
    jitted = jax.jit(lambda x: discrete_end(0.1, 0.9, 0.999, x))(0.1)
    alone = discrete_end(0.1, 0.9, 0.999, 0.1)
    np.testing.assert_allclose(jitted.theta, alone.theta, rtol=0, atol=1e-15)
    np.testing.assert_allclose(jitted.t, alone.t, rtol=1e-15)
    assert jitted.arithmetic == PINNED
    together = jax.vmap(lambda rate: discrete_end(rate, 0.9, 0.999, 0.1).theta)(jnp.asarray([0.1, 0.2]))
    np.testing.assert_allclose(together[0], alone.theta, rtol=0, atol=1e-15)
    # from numbers that are known, in the midst of what is traced
    doubled = jax.jit(lambda x: x * discrete_end(0.1, 0.9, 0.999, 0.1).theta[-1])(2.0)
    assert float(doubled) == pytest.approx(2 * alone.theta[-1], rel=1e-15)


@pytest.mark.parametrize("run", [run_discrete, solve_ide])
def test_derivatives_in_what_the_objective_closes_over(run):
    def end(minimum):
        return run(Adam(0.1), lambda theta: (theta - minimum) ** 2, 0.3, 6)

    # under `jit`, too, where it was 0
    slope = jax.jit(jax.grad(lambda minimum: end(minimum).theta[-1]))(1.0)
    assert float(slope) == pytest.approx(slope_of(end, 1.0), rel=1e-7)


def test_lanes_are_for_known_numbers():
    def lane(x, rate=0.1):
        return solve_lanes([Adam(rate)], double_well, [x], STEPS)[0].theta[-1]

    def shifted(x):
        return solve_batch(ADAM, lambda theta: (theta - x) ** 2, np.ones(2), STEPS).theta[0, -1]

    for call in (jax.jit(lane), jax.grad(shifted), jax.grad(lambda x: solve_batch(ADAM, double_well, x, STEPS).theta)):
        assert "use solve_ide" in refused(TracedError, lambda call=call: call(1.0))


@pytest.mark.parametrize("transform", [jax.grad, jax.jacfwd, jax.hessian, lambda end: jax.jit(jax.grad(end))])
def test_what_has_no_derivative_says_so(transform):
    def end(x):
        return solve_ide(ADAM, lambda theta: (theta - x) ** 2, 0.1, STEPS, method="picard").theta[-1]

    with pytest.raises(TracedError, match=r'^solve_ide: method "picard" cannot be differentiated; "march" can'):
        transform(end)(1.0)
    assert float(jax.jit(end)(1.0)) == pytest.approx(float(end(1.0)), rel=1e-12)


def test_an_equation_has_a_second_derivative():
    # its value is that of the first derivative, of which tests/ide/test_windows.py has several
    bend = jax.eval_shape(jax.hessian(lambda x: solve_ide(ADAM, double_well, x, 5).theta[-1]), 0.1)
    assert (bend.shape, bend.dtype) == ((), np.float64)


def test_each_lane_has_its_own_start_and_may_have_a_common_one():
    slow, fast = lanes((0.1, 0.2), t_start="one_step")
    assert (slow.t[0], fast.t[0]) == (0.1, 0.2)
    assert len(slow.t) == len(fast.t) == STEPS - 1
    slow, fast = lanes((0.1, 0.2), t_start=np.float64(0.05))
    assert slow.t[0] == fast.t[0] == 0.05
    np.testing.assert_array_equal(fast.theta, batch((0.1, 0.2), t_start=0.05).theta[1])


def test_the_first_axis_of_a_batch_is_that_of_the_lanes():
    pair = [0.1, 0.2]
    for starts in ([pair] * 3, [pair]):
        found = batch((0.1, 0.15, 0.2), starts, shard=np.int64(2), save_every=5)
        assert found.theta.shape == (3, 3, 2)
        np.testing.assert_array_equal(found.theta[:, 0], [pair] * 3)
    assert found.message == "3 of 3 lanes converged"
    assert found.arithmetic == PINNED
    one = solve_batch(ADAM, double_well, 0.1, STEPS)
    np.testing.assert_array_equal(one.theta, [solve_ide(ADAM, double_well, 0.1, STEPS).theta])


@pytest.mark.parametrize("method", ["march", "picard"])
def test_a_run_that_is_saved_less_often_than_it_is_long_is_its_start(method):
    solution = solve_ide(ADAM, double_well, 0.1, STEPS, method=method, save_every=STEPS + 1)
    assert solution.theta.tolist() == [0.1]
    assert solution.converged


def test_a_result_is_shown_in_a_line_or_two_however_long_it_is():
    for length in (STEPS, 100 * STEPS):
        assert repr(run_discrete(ADAM, double_well, 0.1, length)) == (
            f"DiscreteRun(t=float64[{length}], theta=float64[{length}], state={{m=float64[{length}], "
            f"v=float64[{length}]}}, arithmetic='pinned')"
        )
    solution = solve_ide(ADAM, double_well, 0.1, STEPS)
    assert repr(solution).startswith(f"Solution(t=float64[{STEPS}], u=float64[{STEPS}], theta=float64[{STEPS}], ")
    assert f"converged=True, iterations={solution.iterations}, residual={solution.residual!r}" in repr(solution)
    for shown in (solution, batch(), jax.eval_shape(lambda: solution), jax.tree.map(lambda _: None, solution)):
        assert len(repr(shown)) < 400
        assert "\n" not in repr(shown)


def test_optimizers_and_results_are_copied_compared_and_kept():
    assert ADAM == Adam(0.1) != Adam(0.2)
    assert hash(ADAM) == hash(Adam(0.1))
    assert {ADAM: 1}[Adam(0.1)] == 1
    solution, run = solve_ide(ADAM, double_well, 0.1, STEPS), run_discrete(ADAM, double_well, 0.1, STEPS)
    for original in (ADAM, solution, run):
        for again in (pickle.loads(pickle.dumps(original)), copy.deepcopy(original)):
            assert type(again) is type(original)
            assert jax.tree.structure(again) == jax.tree.structure(original)
            assert jax.tree.all(jax.tree.map(np.array_equal, again, original))
    assert solution == solution  # noqa: PLR0124  (arrays have no one answer)
    assert len({solution, run}) == 2
    halved = jax.tree.map(lambda leaf: leaf / 2, run)
    np.testing.assert_array_equal(halved.theta, run.theta / 2)


def test_threads_do_not_disturb_each_other():
    rates = [0.05, 0.1, 0.15, 0.2]
    expected = [solve_ide(Adam(rate), double_well, 0.1, STEPS).theta for rate in rates]
    found = {}

    def work(rate):
        found[rate] = solve_ide(Adam(rate), double_well, 0.1, STEPS).theta

    threads = [threading.Thread(target=work, args=(rate,)) for rate in rates]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal([found[rate] for rate in rates], expected)
