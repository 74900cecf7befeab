"""Strict in tests: no silent change of dtype or rank, and every annotation of the library is checked."""

import contextlib
import resource
from pathlib import Path

import pytest
import yaml

import optide

optide.pin()  # before JAX is imported

import jax  # noqa: E402
import jaxtyping  # noqa: E402

# after `pin`, as it imports JAX; what is imported before has no arrays
ROOMS = ("numerics", "problem", "ide", "data", "record", "planning")
jaxtyping.install_import_hook([f"optide.{room}" for room in ROOMS], "checked.checked")

ROOT = Path(__file__).parent.parent

QUICKLY = ("numerics", "problem", "ide", "studies")
"""Whose tests spend their time on compiling, and compare within tolerances, or bits of one process."""
_QUICK = jax.make_user_context(False)

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")


def pytest_collection_modifyitems(items):
    """What takes longest first, so that no worker is left alone with it."""
    items.sort(key=lambda item: item.path.parent.name not in {"cluster", "workflow"})


@contextlib.contextmanager
def _compiled(quickly):
    """Let JAX compile with little optimisation, or not, whatever thread asks for it."""
    before = _QUICK.get_global()
    # programs in the memory of JAX are found by the context, not by how they were compiled
    _QUICK.set_global(quickly)
    jax.config.update("jax_disable_most_optimizations", quickly)
    yield
    _QUICK.set_global(before)
    jax.config.update("jax_disable_most_optimizations", before)


@pytest.fixture(autouse=True, scope="module")
def _quickly(request):
    """What the tests of a room, and their fixtures, compile is not worth the time of optimising it."""
    with _compiled(quickly=request.path.parent.name in QUICKLY):
        yield


@pytest.fixture(autouse=True)
def _optimised(request):
    """Unless a test says that it is, as it runs for long or is about bits."""
    marked = request.node.get_closest_marker("optimised") is not None
    with _compiled(quickly=False) if marked else contextlib.nullcontext():
        yield


@pytest.fixture(scope="session")
def config():
    """The configuration of the paper."""
    return yaml.safe_load((ROOT / "config.yaml").read_text())


def taken_by_children():
    """Processor time, in seconds, of the processes that were started here and have been waited for."""
    took = resource.getrusage(resource.RUSAGE_CHILDREN)
    return took.ru_utime + took.ru_stime


@pytest.fixture
def without_jax(tmp_path):
    """Variables of a process in which whoever imports JAX fails."""
    (tmp_path / "jax.py").write_text('raise ImportError("no JAX here")\n')
    return {"PYTHONPATH": f"{tmp_path}:{ROOT / 'src'}"}
