"""A plug-in whose two objectives are a nuisance to a cluster, in the process of a trace or a shard and in no other."""

import sys
import time
from pathlib import Path

import numpy as np

from optide.extend import jnp, objective

TAKEN = 2_200_000_000
"""Bytes; a trace asks for 2000 MB, and so does a shard of the atlas."""
SEEN = 4
"""Seconds; Slurm looks at the memory of jobs every second."""
done = set()


def once(name):
    """Whether this is a job's first call of an objective; it waits as long as there is a file `wait`."""
    first = sys.argv[0].endswith((".trace.py", ".atlas_shard.py")) and name not in done
    if first:
        done.add(name)
        Path(f"{name}.working").touch()
        while Path("wait").exists():
            time.sleep(0.1)
    return first


@objective(minima=[0.0], description="a quadratic that takes its time")
def patient(theta):
    once("patient")
    return jnp.square(theta)


@objective(minima=[0.0], description="a quadratic that takes more memory than a trace asks for")
def hungry(theta):
    if once("hungry"):
        taken = np.ones(TAKEN // 8)
        time.sleep(SEEN)
        del taken
    return jnp.square(theta)
