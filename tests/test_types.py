"""Types: as a user's type checker sees the library, and as the tests check them at run time."""

import dataclasses
import re
import subprocess
import sys
import typing

import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import TypeCheckError, jaxtyped

from conftest import ROOT
from optide import Adam, run_discrete, solve_ide
from optide.ide.interpolation import pad, polynomial
from optide.ide.picard import sweep
from optide.ide.problem import ORIGIN, Problem
from optide.numerics import metrics
from optide.objectives import double_well

USER = """
import jax
import numpy as np

import optide
from optide import AdaGrad, Adam, DiscreteRun, RMSProp, Solution, pin, run_discrete, solve_ide, solve_lanes
from optide.ide import solve_batch
from optide.objectives import double_well, regression


def bowl(theta: jax.Array) -> jax.Array:
    return (theta - 1) ** 2


pin()
solution: Solution = solve_ide(Adam(0.1, beta1=0.9, beta2=0.999), double_well, theta0=0.1, steps=100)
solve_ide(AdaGrad(np.float64(0.1)), bowl, np.zeros(3), 100, method="picard", t_start=0.0, lookahead=0, save_every=2)
solve_ide(RMSProp(learning_rate=1), bowl, jax.numpy.zeros(3), 100, t_start="one_step", substeps=2, order=2)
curve: np.ndarray = solution.state["m"] + solution.theta
times: list[float] = solution.t.tolist() + solution.u.tolist()
counts: int = solution.iterations + len(solution.residuals)
sure: bool = solution.converged and not solution.ambiguous
text: str = optide.__version__ + f"{solution.residual:.1e}" + solution.message + solution.arithmetic
run: DiscreteRun = run_discrete(Adam(0.1), regression, 0.0, steps=100)
gap: float = float(np.abs(run.theta - solution.theta).max())
tree: Solution = solve_ide(Adam(0.1), lambda theta: bowl(theta["b"]), {"b": 0.1}, 20, observe=lambda theta: theta["b"])
seen: np.ndarray = tree.observed
several: list[Solution] = solve_lanes([AdaGrad(0.1), AdaGrad(0.2)], bowl, [0.1, 0.2], [100, 200])
many: Solution = solve_batch(Adam(np.full(3, 0.1)), bowl, np.zeros(3), 100, shard=2)
slope: jax.Array = jax.grad(lambda rate: solve_ide(Adam(rate), bowl, 0.1, 20).theta[-1])(0.1)

from optide import AdaGrda  # wrong: attr-defined
solution.tehta  # wrong: attr-defined
solution.theta = curve  # wrong: misc
solve_ide(Adam, bowl, 0.1, 100)  # wrong: arg-type
solve_ide(Adam(0.1), "double_well", 0.1, 100)  # wrong: arg-type
solve_ide(Adam(0.1), bowl, "0.1", 100)  # wrong: arg-type
solve_ide(Adam(0.1), bowl, 0.1, 100.5)  # wrong: arg-type
solve_ide(Adam(0.1), bowl, 0.1, 100, window=3)  # wrong: call-arg
solve_ide(Adam(0.1), bowl, 0.1)  # wrong: call-arg
run_discrete(Adam(0.1), lambda theta: "loss", 0.1, 100)  # wrong: arg-type, return-value
Adam(0.1, beta=0.9)  # wrong: call-arg
"""


def test_a_users_program_has_types_and_each_mistake_in_it_is_found(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(USER)
    assert (ROOT / "src/optide/py.typed").exists()
    # of the errors only those in the program: those of the library are found by `make lint`
    options = ["--strict", "--follow-imports=silent", "--no-incremental", "--config-file="]
    run = subprocess.run(
        [sys.executable, "-m", "mypy", *options, program.name],
        cwd=tmp_path,
        env={"MYPYPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not run.stderr
    found = re.findall(r"program\.py:(\d+): error: .*\[(.+)\]", run.stdout)
    marked = (line.partition("# wrong: ")[2].split(", ") for line in USER.splitlines())
    expected = {(i, code) for i, codes in enumerate(marked, 1) for code in codes if code}
    assert {(int(line), code) for line, code in found} == expected, run.stdout


@pytest.mark.parametrize("theta0", [0.1, np.full((2, 3), 0.1)], ids=["one number", "an array"])
def test_a_result_has_the_shapes_that_its_class_states(theta0):
    for result in (solve_ide(Adam(0.1), double_well, theta0, 12), run_discrete(Adam(0.1), double_well, theta0, 12)):
        hints = typing.get_type_hints(type(result))
        for broken in (None, "t", "theta"):
            values = {field.name: getattr(result, field.name) for field in dataclasses.fields(result)}
            if broken:
                values[broken] = values[broken][1:]
            with jaxtyped("context"):
                agree = [
                    isinstance(array, hint)
                    for name, hint in hints.items()
                    if hint is not typing.Any
                    for array, hint in (
                        [(a, typing.get_args(hint)[1]) for a in values[name].values()]
                        if isinstance(values[name], dict)
                        else [(values[name], hint)]
                    )
                ]
            assert all(agree) == (broken is None)


PROBLEM = Problem(Adam(0.1), double_well, jnp.asarray(0.1), jnp.asarray(ORIGIN), 12, lookahead=1, substeps=1)


@pytest.mark.parametrize(
    "call",
    [
        lambda: metrics.gap(np.arange(3), np.zeros(4), np.arange(3), np.zeros(3)),
        lambda: metrics.decay_rate(np.arange(3.0), np.zeros(3)),
        lambda: pad(jnp.zeros(3, jnp.float32)),
        lambda: polynomial(*(jnp.zeros(3) for _ in range(3)), jnp.zeros(4)),
        lambda: sweep(PROBLEM, jnp.zeros((11, 2), int)),
    ],
    ids=["lengths", "floats for integers", "float32", "shapes", "integers for floats"],
)
def test_shapes_and_dtypes_are_checked_in_the_tests(call):
    with pytest.raises(TypeCheckError):
        call()


def test_they_are_not_checked_for_users():
    script = "import sys, optide, optide.ide, optide.studies.experiments; print({'beartype'} & {*sys.modules})"
    run = subprocess.run(
        [sys.executable, "-c", script],
        env={"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == "set()\n"
