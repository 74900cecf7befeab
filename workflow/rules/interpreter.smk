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
        """As a fork; by a shell in an environment of its own, on a GPU, and the first, which may be the only one."""
        elsewhere = self.conda_env or self.container_img or self.env_modules or self.resources.get("gpu")
        code = None if elsewhere or MODULE or next(BEGUN) == 0 else self._fork(values["fname"])
        if code is None:
            # Snakemake puts the path of its Python, as it is, into the command, where a space ends it
            return super()._execute_cmd(command.replace("{py_exec}", "{py_exec:q}"), **values)
        if code:
            raise subprocess.CalledProcessError(code, [values["py_exec"], values["fname"]])

    def _fork(self, script):
        imported = ["snakemake.iocontainers", "snakemake.logging"]
        temporary = self.resources.get("tmpdir")
        environment = dict.fromkeys(["TMPDIR", "TMP", "TEMPDIR", "TEMP"], temporary) if temporary else {}
        return forks.run(script, imported, environment, lambda process: benchmarked(process, self.bench_record))


script = FunctionType(snakemake_script.script.__code__, {**vars(snakemake_script), "PythonScript": Script})
