# Snakemake puts the path of its Python, as it is, into the shell command of a script, where a space ends it.  Here it is
# quoted, in the jobs of this workflow alone: a rule's `script:` calls what has this name among its Snakefile's globals,
# and nothing of Snakemake, of the process, or of a workflow that this one is a module of is changed.

from types import FunctionType

import snakemake.script as snakemake_script


class QuotedPython(snakemake_script.PythonScript):
    def _execute_cmd(self, command, **values):
        return super()._execute_cmd(command.replace("{py_exec}", "{py_exec:q}"), **values)


script = FunctionType(snakemake_script.script.__code__, {**vars(snakemake_script), "PythonScript": QuotedPython})
