import numpy as np
from matplotlib.scale import LogScale

from optide.show.logscale import PortableLogScale


def test_places_are_those_of_matplotlib_to_rounding():
    ours, theirs = (scale.get_transform() for scale in (PortableLogScale(), LogScale()))
    values = np.geomspace(1e-12, 1e12, 200)
    # one rounding of the logarithm, and one of the division by log 10
    np.testing.assert_allclose(ours.transform(values), theirs.transform(values), rtol=0, atol=5e-15)
    # exp amplifies the rounding of its argument, up to 28, and that is 28 roundings of the value
    np.testing.assert_allclose(ours.inverted().transform(ours.transform(values)), values, rtol=1e-14)
    assert ours.inverted().inverted().transform(100.0) == ours.transform(100.0)
    nowhere = np.asarray([0.0, -1.0, np.nan])
    np.testing.assert_array_equal(ours.transform(nowhere), theirs.transform(nowhere))
