"""What others check files like ours with, in an environment of its own: `make .venv-conventions/installed`."""

import subprocess

import pytest

from conftest import ROOT

BIN = ROOT / ".venv-conventions" / "bin"
CONTEXT = ROOT / ".ci" / "node_modules" / "ro-crate" / "lib" / "context.json"
needs_validators = pytest.mark.skipif(not BIN.exists(), reason="needs `make .venv-conventions/installed`")
needs_context = pytest.mark.skipif(not CONTEXT.exists(), reason="needs the context of RO-Crate: `npm ci --prefix .ci`")


def run(name, *arguments):
    """Exit code, and what was printed, of a program of that environment."""
    command = [BIN / name, *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout
