"""The same bits whatever the libraries find in the processor.

What a processor lacks, environment variables can hide from the libraries that ask for it: fused
multiply-add from the C library, AVX-512 from NumPy, everything since SSE3 from OpenBLAS.  Each changes
last bits: of logarithms and powers, of logarithms, of least squares (docs/reproducibility.md).
"""

import os
import subprocess
import sys

POORER = {
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4,-AVX512F",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL",
    "OPENBLAS_CORETYPE": "Prescott",
}

SCRIPT = """
import hashlib
import numpy as np
from optide import Adam, run_discrete, solve_ide
from optide.ide.quadrature import gauss_legendre
from optide.metrics import decay_rate
from optide.objectives import double_well, regression

rng = np.random.default_rng(0)
adam = Adam(0.01, beta1=np.asarray([[0.9], [0.99]]), beta2=np.asarray([[0.99], [0.9999]]))
decay = np.multiply.accumulate(rng.uniform(0.9, 1, (50, 300)), axis=1)
solution = solve_ide(Adam(0.1, beta1=0.9, beta2=0.99), double_well, theta0=0.1, steps=100)
results = {
    "discrete": run_discrete(Adam(0.01), double_well, theta0=0.1, steps=2000).theta,
    "converged": [solution.theta, *solution.state.values()],
    "velocity": adam.velocity(rng.uniform(0, 10, 10_000), None, {"m": np.ones(1), "v": np.ones(1)}),
    "rates": [decay_rate(np.arange(300), distance) for distance in decay],
    "quadrature": gauss_legendre(1000),
    "regression": [regression(theta) for theta in rng.uniform(0, 4, 100)],
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
