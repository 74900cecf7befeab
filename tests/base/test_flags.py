"""What a jaxlib other than the locked one does not know is not asked of it."""

import re
from importlib.metadata import version

import pytest

from conftest import ROOT
from optide.base import flags
from optide.base.arithmetic import FLAGS
from optide.ide.march import IN_LITTLE_MEMORY, QUICKLY_COMPILED

USED = FLAGS | QUICKLY_COMPILED | IN_LITTLE_MEMORY


@pytest.fixture
def another(monkeypatch):
    """As if the installed jaxlib were not the locked one."""
    monkeypatch.setattr(flags, "TRIED", "0")


def test_the_version_that_is_not_searched_is_the_locked_one():
    (locked,) = re.findall(r"^jaxlib==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert locked == flags.TRIED


@pytest.mark.skipif(version("jaxlib") != flags.TRIED, reason="a newer jaxlib knows fewer of them")
def test_what_the_installed_one_knows_is_found_in_it(another):
    assert flags.known(USED) == USED


@pytest.mark.parametrize("name", ["xla_cpu_no_such_flag", "xla_cpu_max", "cpu_max_isa"])
def test_what_it_does_not_know_is_left_out(another, name):
    assert flags.known({name: 1, "xla_cpu_max_isa": "AVX"}) == {"xla_cpu_max_isa": "AVX"}
