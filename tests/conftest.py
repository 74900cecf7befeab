"""Strict arithmetic in tests: no silent change of dtype or rank."""

from pathlib import Path

import pytest
import yaml

import optide

optide.pin()  # before JAX is imported

import jax  # noqa: E402

ROOT = Path(__file__).parent.parent

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")


@pytest.fixture(scope="session")
def config():
    """The configuration of the paper."""
    return yaml.safe_load((ROOT / "config.yaml").read_text())
