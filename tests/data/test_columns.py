import numpy as np
import pyarrow as pa
import pytest

from optide.data import columns

VALUES = {
    "float64": [1.5, None, -0.0, 2.5, None, 7.0],
    "int64": [3, None, -4, 2**60, 5, None],
    "bool": [True, None, False, True, None, True],
}


def in_pieces(values, kind):
    """As it comes from a file or a part of a table: in several chunks, and from the middle of a buffer."""
    whole = pa.array([values[-1], *values], kind)
    return pa.chunked_array([whole.slice(1, 2), whole.slice(3)])


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("complete", [False, True])
def test_numbers_are_those_of_the_column_and_0_for_null(kind, complete):
    values = [one for one in VALUES[kind] if one is not None] * 2 if complete else VALUES[kind]
    column = in_pieces(values, kind)
    found = columns.numbers(column)
    assert found.tolist() == [one or 0 for one in values]
    assert found.dtype == {"bool": "uint8"}.get(kind, kind)
    assert columns.present(column).tolist() == [one is not None for one in values]


@pytest.mark.parametrize("kind", VALUES)
def test_a_column_without_rows(kind):
    column = pa.chunked_array([], kind)
    assert len(columns.numbers(column)) == len(columns.present(column)) == 0


def test_the_sign_of_zero_stays():
    assert np.signbit(columns.numbers(pa.chunked_array([[-0.0, 0.0]]))).tolist() == [True, False]
