import numpy as np
import pytest
import torch

from tantra.generation.prompts import pad_left, read_prompts


@pytest.mark.parametrize(
    ("tokens", "rows", "alone"),
    [
        ([3, 1], [[3, 1]], True),
        ((3, np.int64(1)), [[3, 1]], True),
        (np.array([3, 1]), [[3, 1]], True),
        (np.array([[3, 1], [0, 4]]), [[3, 1], [0, 4]], False),
        (torch.tensor([3, 1]), [[3, 1]], True),
        (torch.tensor([[3, 1], [0, 4]], dtype=torch.int32), [[3, 1], [0, 4]], False),
        ([[3, 1], (2,), torch.tensor([0, 4]), np.array([4])], [[3, 1], [2], [0, 4], [4]], False),
        ([[3]], [[3]], False),
    ],
)
def test_one_prompt_or_several(tokens, rows, alone):
    found, found_alone, back = read_prompts(tokens, 5)
    assert found == rows
    assert found_alone == alone
    again = back(found)
    if isinstance(tokens, torch.Tensor):
        assert torch.equal(again, tokens)
        assert again.dtype == tokens.dtype
    elif isinstance(tokens, np.ndarray):
        np.testing.assert_array_equal(again, tokens)
    else:
        assert again == (rows[0] if alone else rows)


def test_what_is_given_stays_as_it_is():
    tokens = [[3, 1], [2]]
    rows, _, _ = read_prompts(tokens, 5)
    rows[0].append(4)
    assert tokens == [[3, 1], [2]]
    flat = [3, 1]
    read_prompts(flat, 5)[0][0].append(4)
    assert flat == [3, 1]


def test_a_row_that_stopped_repeats_its_last_token():
    _, _, back = read_prompts(torch.tensor([[3, 1], [0, 4]]), 5)
    assert back([[3, 1, 2], [0, 4, 1, 1, 0]]).tolist() == [[3, 1, 2, 2, 2], [0, 4, 1, 1, 0]]


def test_padding_goes_to_the_left():
    tokens, padding = pad_left([[5, 6], [7], [1, 2, 3]])
    assert tokens.tolist() == [[0, 5, 6], [0, 0, 7], [1, 2, 3]]
    assert padding.tolist() == [1, 2, 0]
    tokens, padding = pad_left([[5, 6], [7, 8]])
    assert tokens.tolist() == [[5, 6], [7, 8]]
    assert padding is None


@pytest.mark.parametrize(
    ("tokens", "error", "says"),
    [
        ([], ValueError, "a prompt is empty; give at least one token"),
        ([[1], []], ValueError, "a prompt is empty; give at least one token"),
        (torch.zeros(0, dtype=torch.int64), ValueError, "a prompt is empty"),
        (torch.zeros(0, 3, dtype=torch.int64), ValueError, "tokens hold no prompt; give at least"),
        ([1, 5], ValueError, "token 5 is outside the vocabulary: use 0 to 4"),
        ([[1], [-1]], ValueError, "token is -1; it must be at least 0"),
        ([1, 2.0], TypeError, r"token is 2\.0; it counts something"),
        ([1, True], TypeError, "token is True; it counts something"),
        ([1, [2]], TypeError, "tokens mix numbers and lists; give one prompt, or a list"),
        ("ab", TypeError, "tokens are str; give a list or tensor of token ids"),
        (7, TypeError, "tokens are int; give a list or tensor of token ids"),
        (torch.zeros(1, 2), TypeError, r"tokens are torch\.float32 of shape \(1, 2\); give whole"),
        (torch.tensor(3), TypeError, r"tokens are torch\.int64 of shape \(\); give whole numbers"),
        (torch.zeros(1, 2, 3, dtype=torch.int64), TypeError, r"shape \(1, 2, 3\); give whole"),
    ],
)
def test_prompts_that_cannot_be(tokens, error, says):
    with pytest.raises(error, match=says):
        read_prompts(tokens, 5)
