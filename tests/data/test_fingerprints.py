"""Sums over blocks find what they must, pass what they must, and are the same on every processor."""

import itertools

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optide.data import fingerprints
from optide.data.fingerprints import EXACT, LENGTH, NAN, NULL, Tolerance, column, compare, of, places

TOLERANCE = Tolerance(1e-9, 1e-15)
FLOOR = TOLERANCE.absolute / TOLERANCE.relative
SIZES = st.floats(1e-20, 1e20)
NUMBERS = st.builds(lambda sign, size: sign * size, st.sampled_from([-1.0, 0.0, 1.0]), SIZES)


def counted(values, tolerance=TOLERANCE, **how):
    return column("", "x", pa.array(values, pa.float64()), tolerance, length=LENGTH, **how)


def differs(before, after, **how):
    """How far a column is from what it was."""
    was = counted(before, **how)
    return compare(counted(after, **how), of(was.places, was.length), len(before))


@settings(deadline=None)
@given(NUMBERS, st.floats(1e-15, 1e-2))
def test_a_place_is_a_relative_difference_whatever_the_size(x, by):
    moved = x + by * (abs(x) + FLOOR)
    first, second = (int(p) for p in places(pa.array([x, moved]), TOLERANCE))
    # of |x| + a/r, which one rounding of it makes less certain
    assert (second - first) / fingerprints.PLACES == pytest.approx(by * 0.75, rel=0.35, abs=4e-16)


@settings(deadline=None)
@given(NUMBERS, NUMBERS)
def test_places_are_in_the_order_of_the_numbers(x, y):
    first, second = places(pa.array([x, y]), TOLERANCE)
    assert (first <= second) == (x <= y) or abs(x - y) <= 4e-16 * (abs(x) + FLOOR)


@settings(deadline=None)
@given(NUMBERS)
def test_a_place_gives_back_its_number(x):
    (place,) = places(pa.array([x]), TOLERANCE)
    assert fingerprints.value_at(place, TOLERANCE) == pytest.approx(x, rel=4e-16, abs=4e-16 * FLOOR)


def test_what_is_no_number_has_a_place_of_its_own_far_from_all_others():
    values = pa.array([None, np.nan, np.inf, -np.inf, 0.0, 1e300, -1e300], pa.float64())
    found = [int(p) for p in places(values, TOLERANCE)]
    assert found[:2] == [NULL, NAN]
    for one, other in itertools.combinations(found, 2):
        assert abs(one - other) > 2**50
    for kind, value in {pa.int64(): 3, pa.bool_(): True, pa.string(): "a"}.items():
        here, null = places(pa.array([value, None], kind))
        assert null == NULL != here
    # a gap that has moved, by any number of rows, and whatever took its place
    for k, gap in itertools.product(range(1, 2 * LENGTH), (NULL, NAN)):
        moved = (k * int(gap) + 2**63) % 2**64 - 2**63
        assert abs(moved) > 2**53


def test_sums_are_those_of_whole_numbers_without_bounds():
    """Python's integers do not overflow: the sums are theirs, modulo 2^64."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=450) * 10.0 ** rng.integers(-300, 300, 450)
    counted_places = [int(p) for p in places(pa.array(values), TOLERANCE)]
    weights = [[int(w) for w in row] for row in fingerprints._weights(LENGTH)]
    expected = [
        [sum(w[i] * p for w, p in zip(weights, counted_places[start : start + LENGTH], strict=False)) for i in range(3)]
        for start in range(0, 450, LENGTH)
    ]
    found = of(np.array(counted_places), LENGTH)
    assert found.shape == (3, 3)
    assert [[int(s) % 2**64 for s in row] for row in found] == [[s % 2**64 for s in row] for row in expected]
    assert {w[0] for w in weights} == {1}
    assert {abs(w[2]) for w in weights} == {1}
    assert [abs(w[1]) for w in weights] == [*range(LENGTH, 2 * LENGTH)]


@settings(deadline=None)
@given(st.lists(NUMBERS, min_size=1, max_size=3 * LENGTH), st.integers(0, 2**32))
def test_all_values_may_be_off_by_the_tolerance(values, seed):
    before = np.array(values)
    off = np.random.default_rng(seed).choice([-1.0, 0.0, 1.0], len(before)) * 0.999
    after = before + off * (TOLERANCE.relative * np.abs(before) + TOLERANCE.absolute)
    assert differs(before, after).excess <= 1


@settings(deadline=None)
@given(
    st.lists(NUMBERS, min_size=1, max_size=3 * LENGTH),
    st.integers(0, 10**6),
    st.sampled_from([-1, 1]),
    st.floats(0, 12),
    st.integers(0, 2**32),
)
def test_one_wrong_value_is_found_whatever_the_others_do(values, place, sign, decades, seed):
    """A thousand times the tolerance, or up to 10^12 times more, while the others are off by what is tolerated."""
    before, row = np.array(values), place % len(values)
    off = np.random.default_rng(seed).choice([-1.0, 0.0, 1.0], len(before)) * 0.999
    after = before + off * (TOLERANCE.relative * np.abs(before) + TOLERANCE.absolute)
    after[row] = before[row] + sign * 1000 * 10**decades * (TOLERANCE.relative * abs(before[row]) + TOLERANCE.absolute)
    assert differs(before, after).excess > 1


@settings(deadline=None)
@given(st.integers(0, 449), st.sampled_from([99.0, -1.0, 0.0, None, np.nan, np.inf, 1e-9, 0.5000001]))
def test_one_wrong_value_is_named_with_its_row_and_what_was_there(row, wrong):
    before = np.sin(np.arange(450.0)) + 2
    after = before.tolist()
    after[row] = wrong
    found = differs(before, after, first=100)
    assert found.excess > 1
    shown = "null" if wrong is None else repr(wrong)
    assert found.text.startswith(f"x in row {100 + row}: {shown}, was {before[row]:.10g}"[:-1])


def test_many_wrong_values_are_named_with_their_block():
    before = np.linspace(1, 2, 450)
    after = before.copy()
    after[200:400] *= 1 + 1e-6
    found = differs(before, after)
    assert found.text == "x in rows 200 to 399"
    assert found.size == pytest.approx(1e-6, rel=0.5)


@pytest.mark.parametrize(
    ("values", "wrong", "text"),
    [
        ([3, 1, 4, 1, 5], 2, "x in row 2: 2, was 4"),
        ([True, False, True, True], False, "x in row 2: False, was True"),
        (["a", "b", "c", "a"], "d", "x in row 2: 'd' is not what was there"),
        (["a", "b", "c", "a"], None, "x in row 2: null is not what was there"),
        ([1, 2, None, 3], 0, "x in row 2: 0, was null"),
        ([1.0, 2.0, 3.0], 3.0000000000000004, "x in row 2: 3.0000000000000004, was 3"),
        ([0.1, 0.2, None, 0.4], np.nan, "x in row 2: nan, was null"),
    ],
)
def test_what_must_agree_is_exact(values, wrong, text):
    before = column("", "x", pa.array(values))
    kind = before.values.type
    after = column("", "x", pa.array([wrong if i == 2 else v for i, v in enumerate(values)], kind))
    found = compare(after, of(before.places, before.length), len(values))
    assert found.excess == np.inf
    assert found.text == text
    assert compare(before, of(before.places, before.length), len(values)) == fingerprints.SAME
    fewer = column("", "x", pa.array(values[:-1], kind))
    assert compare(fewer, of(before.places, before.length), len(values)).text == (
        f"x: {len(values) - 1} values, was {len(values)}"
    )


def test_most_pairs_of_values_that_are_exchanged_are_found():
    """Those whose signs agree in both signed sums, and that are close to each other, are not."""
    before = np.linspace(1, 2, LENGTH)
    pairs = [*itertools.combinations(range(0, LENGTH, 3), 2)]
    missed = 0
    for one, other in pairs:
        after = before.copy()
        after[[one, other]] = after[[other, one]]
        missed += differs(before, after).excess <= 1
    assert missed / len(pairs) < 0.25


def test_an_empty_column_is_as_it_was():
    empty = counted([])
    assert compare(empty, of(empty.places, empty.length), 0) == fingerprints.SAME
    assert EXACT == (0, 0)
