"""The pause of Python's collector."""

import gc

import pytest

from optide.base.collector import paused


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_is_as_before_after_an_error_too(enabled):
    try:
        (gc.enable if enabled else gc.disable)()
        with pytest.raises(ZeroDivisionError), paused():
            _ = 1 / gc.isenabled()  # while it is paused, 0
        assert gc.isenabled() is enabled
    finally:
        gc.enable()
