"""Links to files that are left out become words."""

from tantra.classroom.kit.links import mended

INSIDE = {"notebooks/02_softmax.ipynb", "exercises/02_softmax.ipynb", "notebooks/GLOSSARY.md"}


def test_links_that_work_stay_as_they_are():
    text = (
        "[tasks](../exercises/02_softmax.ipynb), [words](GLOSSARY.md), [above](#Proof), "
        "[out](https://example.org), ![a picture](data:x)"
    )
    assert mended(text, "notebooks/02_softmax.ipynb", INSIDE) == text


def test_others_keep_their_words_and_are_named_once_below():
    text = "See [03](03_attention.ipynb#Proof), [it](03_attention.ipynb), [a](../b/c.md).\n"
    assert mended(text, "notebooks/02_softmax.ipynb", INSIDE) == (
        "See 03, it, a.\n\n*Not in this folder: chapter 03, b/c.md.*"
    )


def test_exercises_are_called_so():
    text = mended("[x](04_heads.ipynb)", "exercises/02_softmax.ipynb", INSIDE)
    assert text.endswith("*Not in this folder: the exercises of chapter 04.*")
