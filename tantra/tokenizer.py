"""From text to tokens and back: one token a character, or byte-pair encoding as in GPT-2."""

import hashlib
import json
import operator
import re
from collections import Counter
from pathlib import Path

from tantra import byte_pairs
from tantra.arrays import check_count, one_of
from tantra.files import read_json, read_text, write_whole

KIND = "byte pairs of Transformer Tantra, 1"
VERSION = "#version: 0.2"  # the first line of GPT-2's merges.txt
SPECIAL = dict.fromkeys(
    ("refuse", "read", "text")
)  # what encode may do where text spells a special token


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
        return "".join(self.characters[token] for token in whole_numbers(tokens, self.vocab_size))


class BytePairTokenizer:
    """GPT-2's byte-pair encoding; tokens are 256 bytes, then the merges, then special tokens.

    merges are pairs of bytes such as (b"t", b"he"), the most important first: each joins two
    tokens known before it.  tokens[i] is what token i stands for, in bytes; special_tokens is
    {text: number}.  Any text and any bytes can be encoded, and come back.

    >>> tokenizer = BytePairTokenizer([(b"h", b"e"), (b"t", b"he")])
    >>> tokenizer.encode("the hen")
    [257, 220, 256, 77]
    >>> [tokenizer.tokens[token] for token in tokenizer.encode("the hen")]
    [b'the', b' ', b'he', b'n']
    """

    def __init__(self, merges, special_tokens=()):
        self.merges = list(map(_as_pair, merges))
        numbers = {bytes([byte]): number for number, byte in enumerate(byte_pairs.BYTES)}
        self._merges = {}
        for pair in self.merges:
            for part in pair:
                if part not in numbers:
                    raise ValueError(
                        f"the merge {pair!r:.80} needs {part!r:.60}, made by none before it"
                    )
            if (whole := pair[0] + pair[1]) in numbers:
                raise ValueError(
                    f"the merge {pair!r:.80} makes what one before it made; leave it out"
                )
            numbers[whole] = self._merges[tuple(numbers[part] for part in pair)] = len(numbers)
        special_tokens = checked_specials(special_tokens)
        self.tokens = [*numbers, *(text.encode() for text in special_tokens)]
        self.special_tokens = {text: len(numbers) + i for i, text in enumerate(special_tokens)}

    @classmethod
    def train(cls, text, vocab_size, special_tokens=()):
        """A tokenizer of vocab_size tokens, these of special_tokens included, learnt from text.

        Each merge joins the most frequent pair; of equals, that of the lowest tokens (see
        byte_pairs.learn).  Where text spells a special token, it is cut.
        """
        special_tokens = checked_specials(special_tokens)
        check_count(least=256 + len(special_tokens), vocab_size=vocab_size)
        num_merges = vocab_size - 256 - len(special_tokens)
        parts = _cut(special_tokens, as_text(text))[::2]
        counts = Counter(word for part in parts for word in byte_pairs.words(part))
        merges = byte_pairs.learn(counts, num_merges)
        if missing := num_merges - len(merges):
            raise ValueError(
                f"text has pairs for {vocab_size - missing} tokens, and vocab_size is "
                f"{vocab_size}; give more text, or ask for fewer tokens"
            )
        tokens = [bytes([byte]) for byte in byte_pairs.BYTES]
        for left, right in merges:
            tokens.append(tokens[left] + tokens[right])
        return cls([(tokens[left], tokens[right]) for left, right in merges], special_tokens)

    @property
    def vocab_size(self):
        """How many tokens there are."""
        return len(self.tokens)

    def encode(self, text, special="refuse"):
        """The tokens of text, a string or bytes.

        Where text spells a special token, ValueError by default: text from elsewhere should not
        command a model unseen.  special="read" makes it that token (as Hugging Face does),
        special="text" takes it as the characters it is made of.
        """
        one_of(SPECIAL, "special", special)
        parts = _cut(self.special_tokens if special != "text" else (), as_text(text))
        if special == "refuse" and len(parts) > 1:
            raise ValueError(
                f"text holds the special token {parts[1]!r:.60} at place {len(parts[0])}; "
                'special="read" makes it that token, special="text" takes it as characters'
            )
        known, tokens = {}, []
        for place, part in enumerate(parts):
            if place % 2:
                tokens.append(self.special_tokens[part])
                continue
            for word in byte_pairs.words(part):
                if word not in known:
                    known[word] = byte_pairs.join(byte_pairs.byte_tokens(word), self._merges)
                tokens += known[word]
        return tokens

    def decode(self, tokens):
        """The text of tokens; what is no UTF-8, such as half a character, becomes U+FFFD, "�"."""
        return self.decode_bytes(tokens).decode("utf-8", "replace")

    def decode_bytes(self, tokens):
        """The bytes of tokens, exactly."""
        return b"".join(self.tokens[token] for token in whole_numbers(tokens, self.vocab_size))

    def save(self, path):
        """Write one JSON file, whole or not at all."""
        kept = {"merges": self._lines(), "special_tokens": [*self.special_tokens]}
        content = {"kind": KIND, **kept, "digest": digest(kept)}
        write_whole(path, (json.dumps(content, indent=0) + "\n").encode())

    @classmethod
    def load(cls, path):
        """The tokenizer that save wrote; ValueError, in one sentence, for any other file."""
        content = read_json(path)
        try:
            if not isinstance(content, dict) or content.pop("kind", None) != KIND:
                raise ValueError(f"it is not of the kind {KIND!r}")
            if content.pop("digest", None) != digest(content):
                raise ValueError("its digest does not fit its content")
            if missing := {"merges", "special_tokens"} - content.keys():
                raise ValueError(f"it has no {min(missing)!r}")
            return cls(map(_read_pair, content["merges"]), content["special_tokens"])
        except (RecursionError, TypeError, ValueError) as error:
            raise ValueError(f"{path} holds no tokenizer: {error}") from None

    def save_gpt2(self, folder):
        """Write GPT-2's two files, vocab.json and merges.txt, into a folder."""
        merges = "".join(f"{line}\n" for line in [VERSION, *self._lines()])
        write_whole(Path(folder) / "vocab.json", json.dumps(self._vocabulary()).encode())
        write_whole(Path(folder) / "merges.txt", merges.encode())

    @classmethod
    def load_gpt2(cls, folder, special_tokens=("<|endoftext|>",)):
        """The tokenizer of a folder with GPT-2's vocab.json and merges.txt.

        special_tokens are those that vocab.json names besides what the merges make.  ValueError,
        in one sentence, where the files are damaged or do not fit each other.
        """
        vocabulary = read_json(Path(folder) / "vocab.json")
        lines = read_text(Path(folder) / "merges.txt").splitlines()
        special_tokens = checked_specials(special_tokens)
        try:
            tokenizer = cls(map(_read_pair, lines[lines[:1] == [VERSION] :]), special_tokens)
            _check_equal(vocabulary, tokenizer._vocabulary(), special_tokens)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{folder} holds no tokenizer of GPT-2's kind: {error}") from None
        return tokenizer

    def _lines(self):
        """Each merge as a line of merges.txt."""
        return [" ".join(map(byte_pairs.to_name, pair)) for pair in self.merges]

    def _vocabulary(self):
        """Names and numbers, as in vocab.json."""
        names = map(byte_pairs.to_name, self.tokens[: 256 + len(self.merges)])
        vocabulary = {name: number for number, name in enumerate(names)}
        for text in self.special_tokens.keys() & vocabulary.keys():
            raise ValueError(
                f"in GPT-2's files the special token {text!r} would be one with token "
                f"{vocabulary[text]}; rename it, or use save"
            )
        return vocabulary | self.special_tokens


def check_text(text):
    """Raise TypeError unless text is a string."""
    if not isinstance(text, str):
        raise TypeError(f"text is of type {type(text).__name__}; give a string")


def whole_numbers(tokens, vocab_size):
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


def as_text(text):
    """text, a string or bytes, as a string; bytes that are no UTF-8 become surrogates."""
    if isinstance(text, bytes):
        return text.decode("utf-8", "surrogateescape")
    check_text(text)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"text holds {text[error.start]!r} at place {error.start}, half of a surrogate pair, "
            "which UTF-8 cannot write; remove it, or give bytes"
        ) from None
    return text


def checked_specials(special_tokens):
    """special_tokens as a list; TypeError or ValueError unless they are different, real texts."""
    if isinstance(special_tokens, str):
        raise TypeError(f"special_tokens is the string {special_tokens!r:.60}; give a list of them")
    special_tokens = list(special_tokens)
    for place, text in enumerate(special_tokens):
        if not as_text(text) or isinstance(text, bytes) or text in special_tokens[:place]:
            raise ValueError(
                f"the special token {text!r:.60} is empty, bytes or there twice; give different "
                "strings"
            )
    return special_tokens


def _cut(special_tokens, text):
    """text cut at its special tokens, of two that begin at one place the longer: every other part.

    >>> _cut(["<|end|>"], "a<|end|>b")
    ['a', '<|end|>', 'b']
    """
    if not special_tokens:
        return [text]
    longest_first = sorted(special_tokens, key=len, reverse=True)
    return re.split(f"({'|'.join(map(re.escape, longest_first))})", text)


def _as_pair(pair):
    """A merge as a tuple of two non-empty bytes."""
    if (
        not isinstance(pair, tuple | list)
        or len(pair) != 2
        or not all(isinstance(part, bytes) and part for part in pair)
    ):
        raise TypeError(f'the merge {pair!r:.60} is no pair of bytes, such as (b"t", b"he")')
    return tuple(pair)


def _read_pair(line):
    """The merge in a line of merges.txt."""
    if not isinstance(line, str) or len(names := line.split(" ")) != 2:
        raise ValueError(f"{line!r:.60} is no pair of names")
    return tuple(map(byte_pairs.from_name, names))


def _check_equal(vocabulary, ours, special_tokens):
    """Raise ValueError unless vocab.json numbers all names as the merges do, and no others."""
    if not isinstance(vocabulary, dict) or {*map(type, vocabulary.values())} != {int}:
        raise ValueError("vocab.json is not of names and their numbers")
    for name in ours | vocabulary:
        here, there = (f"token {v[name]}" if name in v else "none" for v in (ours, vocabulary))
        if here != there:
            raise ValueError(
                f"{name!r:.60} is {here} by merges.txt and special_tokens={special_tokens!r:.60}, "
                f"and {there} by vocab.json"
            )


def digest(content):
    """The SHA-256 of something JSON holds, so that a damaged file is told."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
