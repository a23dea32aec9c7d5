"""From text to tokens and back: characters."""

import operator


class CharTokenizer:
    """One token for each character of the text it is made from, numbered in Unicode's order.

    characters holds them in that order, so CharTokenizer(characters) makes the same again.

    >>> tokenizer = CharTokenizer("a banana")
    >>> tokenizer.characters, tokenizer.encode("ban")
    (' abn', [2, 1, 3])
    >>> tokenizer.decode([2, 1, 3])
    'ban'
    """

    def __init__(self, text):
        check_text(text)
        if not text:
            raise ValueError("text is empty; give text that holds every character to be known")
        self.characters = "".join(sorted(set(text)))
        self._number = {character: number for number, character in enumerate(self.characters)}

    @property
    def vocab_size(self):
        """How many tokens there are."""
        return len(self.characters)

    def encode(self, text):
        """The token of each character of text; ValueError at the first one nobody knows."""
        check_text(text)
        try:
            return [self._number[character] for character in text]
        except KeyError as error:
            unknown = error.args[0]
        raise ValueError(
            f"the character {unknown!r} at place {text.index(unknown)} is none of the "
            f"{self.vocab_size} this tokenizer was made from; make it from text that holds it too"
        )

    def decode(self, tokens):
        """The text of tokens: a list, or an array or tensor of one axis."""
        return "".join(self.characters[token] for token in known(tokens, self.vocab_size))


def check_text(text):
    """Raise TypeError unless text is a string."""
    if not isinstance(text, str):
        raise TypeError(f"text is of type {type(text).__name__}; give a string")


def known(tokens, vocab_size):
    """tokens as a list of whole numbers; TypeError or ValueError unless 0 <= each < vocab_size."""
    if hasattr(tokens, "tolist"):
        tokens = tokens.tolist()
    try:
        tokens = [operator.index(token) for token in tokens]
    except TypeError:
        raise TypeError(
            f"tokens are one row of whole numbers, and this is {tokens!r:.60}; take one row at a "
            "time"
        ) from None
    for place, token in enumerate(tokens):
        if not 0 <= token < vocab_size:
            raise ValueError(
                f"token {token} at place {place} is unknown: the {vocab_size} tokens are numbered "
                f"0 to {vocab_size - 1}"
            )
    return tokens
