"""Ask a server (`warm.server`) to run Python as if it were started here: arguments, folder, environment and files.

`client.py ADDRESS PYTHON ARGUMENT...` takes the place of `PYTHON ARGUMENT...`; it imports next to nothing, so that it
costs next to nothing.
"""

import marshal
import os
import socket
import sys

LENGTH = 8
"""Bytes before a request that say how many it has."""

FREE = ["PYTEST_", "OPTIDE_", "PWD", "OLDPWD", "SHLVL", "_", "TMP", "TEMP", "COLUMNS", "LINES"]
# Snakemake says with these how many threads there are, which `pin` says to all by OMP_NUM_THREADS
FREE += ["GOTO_", "MKL_", "NUMEXPR_", "OPENBLAS_NUM_", "VECLIB_"]
FREE = {"main": (*FREE, "JAX_", "XLA_", "PYTHONPATH"), "job": (*FREE,)}
"""What variables begin with that nothing reads which a server of a kind imports."""


def fixed(environment, kind):
    """The variables that may matter to what a server has imported: its requests must have the same."""
    return {name: value for name, value in environment.items() if not name.startswith(FREE[kind])}


def ask(address, files, **request):
    """Let a server run Python, with `files` for standard input, output and error.

    Returns:
        The exit code, negative for the signal that ended it, as `subprocess` has it; None if the server is one for
        another environment.
    """
    content = marshal.dumps(request)
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(address)
            socket.send_fds(connection, [len(content).to_bytes(LENGTH, "big")], files)
            connection.sendall(content)
            found = connection.recv(64)
        except OSError as error:
            raise ConnectionError(f"no warm Python answers: {error}") from None
    if not found:
        raise ConnectionError(f"the warm Python has ended, and with it {request['arguments']}")
    return marshal.loads(found)


if __name__ == "__main__":
    address, python, *arguments = sys.argv[1:]
    code = ask(address, [0, 1, 2], arguments=arguments, cwd=os.getcwd(), environment=dict(os.environ))
    if code is None:
        os.execv(python, [python, *arguments])
    if code < 0:
        os.kill(os.getpid(), -code)
    sys.exit(code)
