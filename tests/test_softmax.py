import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from agreement import agree, draw, forward_and_gradients
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tantra import (
    log_softmax,
    softmax,
)

any_scores = hnp.arrays(
    np.float64,
    hnp.array_shapes(min_dims=1, max_dims=3, max_side=6),
    elements=st.floats(allow_nan=False, allow_infinity=False, width=64),
)


mild_scores = hnp.arrays(
    np.float64, hnp.array_shapes(max_dims=3, max_side=6), elements=st.floats(-50, 50)
)


@pytest.mark.parametrize("axis", [-1, 0, 1])
@pytest.mark.parametrize(("ours", "theirs"), [(softmax, F.softmax), (log_softmax, F.log_softmax)])
def test_softmax_is_torchs(ours, theirs, axis, dtype, generator):
    x = draw(generator, 3, 5, 4, dtype=dtype) * 10
    agree(
        forward_and_gradients(lambda x: ours(x, axis=axis), x),
        forward_and_gradients(lambda x: theirs(x, axis), x),
    )


@given(any_scores)
def test_rows_sum_to_one_at_any_finite_scores(x):
    with np.errstate(over="ignore"):  # two scores may be farther apart than float64 can say
        for weights in (softmax(x), softmax(torch.from_numpy(x)).numpy()):
            assert (weights >= 0).all()
            np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-12)


@given(mild_scores, st.floats(-1e3, 1e3))
def test_adding_to_all_scores_changes_nothing(x, c):
    np.testing.assert_allclose(softmax(x + c), softmax(x), rtol=1e-9)
    np.testing.assert_allclose(log_softmax(x + c), log_softmax(x), rtol=1e-9, atol=1e-9)


@given(mild_scores)
def test_log_softmax_is_the_logarithm_of_softmax(x):
    np.testing.assert_allclose(np.exp(log_softmax(x)), softmax(x), rtol=1e-12)


def test_large_scores_do_not_overflow(as_array):
    x = as_array(np.array([1000.0, 1001.0]))
    agree(softmax(x), np.array([1, math.e]) / (1 + math.e))
    agree(log_softmax(as_array(np.array([0.0, -1000.0]))), np.array([0.0, -1000.0]))


def test_a_score_of_minus_infinity_gets_nothing(as_array):
    x = as_array(np.array([1.0, -np.inf, 1.0]))
    np.testing.assert_array_equal(softmax(x), [0.5, 0.0, 0.5])
    np.testing.assert_allclose(log_softmax(x), [-math.log(2), -np.inf, -math.log(2)])


@pytest.mark.parametrize("row", [[-np.inf, -np.inf], [np.inf, 0.0], [np.nan, 0.0]])
def test_where_nothing_can_be_shared_out_the_weights_are_nan(as_array, row):
    with np.errstate(invalid="ignore"):
        assert np.isnan(np.asarray(softmax(as_array(np.array(row))))).all()


def test_a_plain_list_will_do():
    np.testing.assert_array_equal(softmax([0.0, 0.0]), [0.5, 0.5])
