# How a script of this workflow is run.  A rule's `script:` calls what has this name among its Snakefile's globals, so that
# nothing of Snakemake, of the process, or of a workflow that this one is a module of is changed.

import itertools
import subprocess
from types import FunctionType

import snakemake.script as snakemake_script
from snakemake.benchmark import benchmarked

from optide.planning import forks

BEGUN = itertools.count()


class Script(snakemake_script.PythonScript):
    def _execute_cmd(self, command, **values):
        """As a fork; or by a shell, in an environment of its own, on a GPU, or where nothing follows the first."""
        elsewhere = self.conda_env or self.container_img or self.env_modules or self.resources.get("gpu")
        # a fork runs again what this process began with: the command line of Snakemake
        if elsewhere or MODULE or next(BEGUN) == 0 or not forks.ready(["snakemake.cli"]):
            # Snakemake puts the path of its Python, as it is, into the command, where a space ends it
            return super()._execute_cmd(command.replace("{py_exec}", "{py_exec:q}"), **values)
        script = values["fname"]
        code = forks.run(script, lambda process: benchmarked(process, self.bench_record))
        if code:
            raise subprocess.CalledProcessError(code, [values["py_exec"], script])


script = FunctionType(snakemake_script.script.__code__, {**vars(snakemake_script), "PythonScript": Script})
