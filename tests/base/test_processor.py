"""The same bits whatever the libraries find in the processor.

What a processor lacks, environment variables can hide from the libraries that ask for it: fused
multiply-add from the C library, AVX-512 from NumPy, everything since SSE3 from OpenBLAS.  Each changes
last bits: of logarithms and powers, of logarithms, of least squares (docs/reproducibility.md).
"""

import ast
import os
import subprocess
import sys

import pytest

from conftest import ROOT
from elsewhere import POORER

SCRIPT = """
import hashlib
import numpy as np
from optide import Adam, run_discrete, solve_ide
from optide.ide.quadrature import gauss_legendre
from optide.numerics import elementary
from optide.numerics.metrics import decay_rate
from optide.studies import linearisation
from optide.objectives import double_well, regression

rng = np.random.default_rng(0)
adam = Adam(0.01, beta1=np.asarray([[0.9], [0.99]]), beta2=np.asarray([[0.99], [0.9999]]))
decay = np.multiply.accumulate(rng.uniform(0.9, 1, (50, 300)), axis=1)
solution = solve_ide(Adam(0.1, beta1=0.9, beta2=0.99), double_well, theta0=0.1, steps=100)
results = {
    "discrete": run_discrete(Adam(0.01), double_well, theta0=0.1, steps=2000).theta,
    "converged": [solution.theta, *solution.state.values()],
    "velocity": adam.velocity(rng.uniform(0, 10, 10_000), None, None, {"m": np.ones(1), "v": np.ones(1)}),
    "rates": [decay_rate(np.arange(300), distance) for distance in decay],
    "quadrature": gauss_legendre(1000),
    "regression": [regression(theta) for theta in rng.uniform(0, 4, 100)],
    "predictions": [
        *(linearisation.adagrad_rate(float(alpha), 3.0) for alpha in rng.uniform(0, 1, 10_000)),
        *linearisation.rmsprop_small_steps(0.1, 3.0, np.asarray([3.0, 30.0])),
        *(linearisation.adam_rate(0.1, 3.0, beta1, 0.999) for beta1 in (0.0, 0.5, 0.7)),
    ],
    "elementary": [elementary.cos(np.arange(10_000)), elementary.geometric(1, 150_000, 10_000)],
    # near 1 libraries sum more terms, and a last bit is another for one number in ten thousand
    "logarithms": elementary.log(rng.uniform(0.5, 2, 200_000)),
}
for name, values in results.items():
    print(name, hashlib.sha256(np.asarray(values).tobytes()).hexdigest())
"""


def computed(variables):
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT], env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return dict(line.split() for line in run.stdout.splitlines())


def test_what_the_processor_lacks_changes_no_bit():
    assert computed(POORER) == computed({})


ELEMENTARY = {
    *(
        "log",
        "log2",
        "log10",
        "log1p",
        "logaddexp",
        "logaddexp2",
        "exp",
        "exp2",
        "expm1",
        "power",
        "pow",
        "float_power",
    ),
    *("sin", "cos", "tan", "arcsin", "arccos", "arctan", "arctan2", "asin", "acos", "atan", "atan2", "sinc", "cbrt"),
    *("sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "asinh", "acosh", "atanh", "hypot"),
    *("erf", "erfc", "gamma", "lgamma", "logspace", "geomspace", "polyfit", "linalg", "polynomial", "fft"),
}
"""Functions, and modules of them, that libraries compute in more than one way."""
OF_XLA = {"exp", "expm1"} | {"linalg"}
"""Those that XLA computes itself (docs/reproducibility.md); of `linalg` the norm is used, a root of a sum."""
ALLOWED = {
    ("problem/kernels.py", "jax.numpy.log"): "of few numbers, the betas: the same for all of the configuration",
    ("ide/problem.py", "jax.numpy.log1p"): "of the first step without look-ahead",
    ("studies/beyond_problems.py", "jax.numpy.log1p"): "of the value of a loss: a solve sees its derivatives alone",
    ("studies/beyond_problems.py", "jax.numpy.log"): "likewise",
    ("numerics/elementary.py", "numpy.cos"): "in extended precision there is one version",
    ("ide/quadrature.py", "numpy.polynomial"): "polished in extended precision",
}
MULTIPLIED = {
    *(
        "problem/objectives.py",
        "problem/optimizers.py",
        "problem/optimizer.py",
        "ide/picard.py",
        "ide/problem.py",
        "ide/interpolation.py",
        "ide/march.py",
        "ide/predict.py",
    ),
    *("ide/cells.py", "ide/quadrature.py", "ide/sweep.py"),
}
"""Where `**` has whole exponents and arrays of JAX, or squares of arrays of NumPy: both multiply."""


def depends_on_the_processor(source, multiplied=False):
    """What in a module's source may give other bits on another processor."""
    tree = ast.parse(source)
    modules = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {alias.asname or alias.name.partition(".")[0]: alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module == "optide.base.lazy":
            modules |= {"jnp": "jax.numpy"}
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name in modules:
                module = modules[name]
            case ast.ImportFrom(module="numpy" | "math" | "jax.numpy" | "scipy" | "scipy.special" as module):
                found |= {f"{module}.{alias.name}" for alias in node.names if alias.name in ELEMENTARY}
                continue
            case (
                ast.BinOp(op=ast.Pow(), left=left, right=right) | ast.AugAssign(op=ast.Pow(), target=left, value=right)
            ):
                whole = isinstance(left, ast.Constant) and isinstance(left.value, int)
                fraction = isinstance(right, ast.Constant) and not isinstance(right.value, int)
                found |= set() if whole or (multiplied and not fraction) else {"**"}
                continue
            case ast.Call(func=ast.Name(id="pow")):
                found.add("pow")
                continue
            case _:
                continue
        risky = ELEMENTARY - (OF_XLA if module in ("jax.numpy", "jax.lax") else set())
        if module in ("numpy", "math", "cmath", "scipy", "jax.numpy", "jax.lax") and attribute in risky:
            found.add(f"{module}.{attribute}")
    return found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import numpy as np\nnp.geomspace(1, 2, 3)", {"numpy.geomspace"}),
        ("import numpy\nnumpy.linalg.lstsq(a, b)", {"numpy.linalg"}),
        ("import math\nx = [math.log(2)]", {"math.log"}),
        ("from math import exp, floor", {"math.exp"}),
        ("import jax.numpy as jnp\njnp.exp(x) + jnp.log(x)", {"jax.numpy.log"}),
        ("from optide.base.lazy import Array, jnp\njnp.cos(x)", {"jax.numpy.cos"}),
        ("y = (a / b) ** 2", {"**"}),
        ("y **= 0.5", {"**"}),
        ("y = pow(a, 3)", {"pow"}),
        ("import numpy as np\ny = np.sqrt(x) + np.square(x) + 2**n", set()),
    ],
)
def test_a_function_whose_bits_depend_on_the_processor_is_found(source, found):
    assert depends_on_the_processor(source) == found
    assert depends_on_the_processor("y = x**2", multiplied=True) == set()
    assert depends_on_the_processor("y = x**2.0", multiplied=True) == {"**"}


def test_the_library_has_no_function_whose_bits_depend_on_the_processor():
    folder = ROOT / "src" / "optide"
    names = {str(path.relative_to(folder)): path for path in folder.rglob("*.py")}
    found = {
        (name, what)
        for name, path in names.items()
        for what in depends_on_the_processor(path.read_text(encoding="utf-8"), name in MULTIPLIED)
    }
    assert found == set(ALLOWED)
    assert names.keys() >= MULTIPLIED
