"""Strict in tests: no silent change of dtype or rank, and every annotation of the library is checked."""

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

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")


def pytest_collection_modifyitems(items):
    """What takes longest first, so that no worker is left alone with it."""
    items.sort(key=lambda item: item.path.parent.name not in {"cluster", "workflow"})


@pytest.fixture(scope="session")
def config():
    """The configuration of the paper."""
    return yaml.safe_load((ROOT / "config.yaml").read_text())


@pytest.fixture
def without_jax(tmp_path):
    """Variables of a process in which whoever imports JAX fails."""
    (tmp_path / "jax.py").write_text('raise ImportError("no JAX here")\n')
    return {"PYTHONPATH": f"{tmp_path}:{ROOT / 'src'}"}
