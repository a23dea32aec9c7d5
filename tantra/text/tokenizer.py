"""From text to tokens and back: one token a character, or byte-pair encoding as in GPT-2."""

import json
import operator
import re
from collections import Counter
from pathlib import Path

import regex

from tantra.checks import check_count, one_of
from tantra.files import read_json, read_text, write_whole
from tantra.text import byte_pairs, vocabulary
from tantra.text.vocabulary import GPT2_SPECIALS, as_text, check_text

SPECIAL = dict.fromkeys(
    ("refuse", "read", "text")
)  # what encode may do where text spells a special token
MOST_WORDS, LONGEST = 2**15, 256  # of the words whose tokens are kept


GAP = regex.compile(r"(?<=\S)\s")  # a gap begins: after GPT-2's pattern no word holds this place


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
    def vocab_size(self) -> int:
        """How many tokens there are."""
        return len(self.characters)

    def encode(self, text) -> list[int]:
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

    def decode(self, tokens) -> str:
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
        self.merges = vocabulary.checked_merges(merges)
        special_tokens = vocabulary.checked_specials(special_tokens)
        made = vocabulary.made_by(self.merges)
        number = {piece: token for token, piece in enumerate(made)}
        self._merges = {(number[a], number[b]): number[a + b] for a, b in self.merges}
        self.tokens = made + [text.encode() for text in special_tokens]
        self.special_tokens = {text: len(made) + i for i, text in enumerate(special_tokens)}
        self._words = {}  # what encode has met

    @classmethod
    def train(cls, text, vocab_size, special_tokens=()):
        """A tokenizer of vocab_size tokens, these of special_tokens included, learnt from text.

        Each merge joins the most frequent pair; of equals, that of the lowest tokens (see
        byte_pairs.learn).  Where text spells a special token, it is cut.
        """
        special_tokens = vocabulary.checked_specials(special_tokens)
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
        tokens, pairs = vocabulary.made_by([]), []
        for left, right in merges:
            pairs.append((tokens[left], tokens[right]))
            tokens.append(tokens[left] + tokens[right])
        return cls(pairs, special_tokens)

    @property
    def vocab_size(self) -> int:
        """How many tokens there are."""
        return len(self.tokens)

    def encode(self, text, special="refuse") -> list[int]:
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
        tokens = []
        for place, part in enumerate(parts):
            if place % 2:
                tokens.append(self.special_tokens[part])
                continue
            for word in byte_pairs.words(part):
                tokens += self._words.get(word) or self._joined(word)
        return tokens

    def encode_iterable(self, texts, special="refuse"):
        """The tokens of encode("".join(texts)), one by one: of a file of lines, never all of it.

        A text is cut where a gap begins, which is between two words however the texts go on.
        """
        longest, rest = max(map(len, self.special_tokens), default=0), ""
        for text in texts:
            rest += text
            last = _cut(self.special_tokens, rest)[-1]  # no special token ends after its start
            gaps = [gap.start() for gap in GAP.finditer(last, endpos=max(0, len(last) - longest))]
            if gaps:
                at = len(rest) - len(last) + gaps[-1]
                yield from self.encode(rest[:at], special)
                rest = rest[at:]
        yield from self.encode(rest, special)

    def _joined(self, word):
        """The tokens of a word that encode has not met, or met too long ago."""
        tokens = byte_pairs.join(byte_pairs.byte_tokens(word), self._merges)
        if len(word) <= LONGEST:
            if len(self._words) == MOST_WORDS:
                self._words.clear()
            self._words[word] = tokens
        return tokens

    def decode(self, tokens) -> str:
        """The text of tokens; what is no UTF-8, such as half a character, becomes U+FFFD, "�"."""
        return self.decode_bytes(tokens).decode("utf-8", "replace")

    def decode_bytes(self, tokens) -> bytes:
        """The bytes of tokens, exactly."""
        return b"".join(self.tokens[token] for token in whole_numbers(tokens, self.vocab_size))

    def save(self, path) -> None:
        """Write one JSON file, whole or not at all."""
        write_whole(path, vocabulary.to_json(self.merges, self.special_tokens))

    @classmethod
    def load(cls, path):
        """The tokenizer that save wrote; ValueError, in one sentence, for any other file."""
        content = read_json(path)
        with vocabulary.refused(path):
            return cls(*vocabulary.from_json(content))

    def save_gpt2(self, folder):
        """Write GPT-2's two files, vocab.json and merges.txt, into a folder, which is made."""
        numbers = vocabulary.numbered(self.merges, self.special_tokens)
        Path(folder).mkdir(parents=True, exist_ok=True)
        write_whole(Path(folder) / "vocab.json", json.dumps(numbers).encode())
        write_whole(Path(folder) / "merges.txt", vocabulary.to_merges_txt(self.merges))

    @classmethod
    def load_gpt2(cls, folder, special_tokens=None):
        """The tokenizer of a folder with GPT-2's vocab.json and merges.txt, or tokenizer.json.

        special_tokens are those that the vocabulary names besides what the merges make: unless
        given, "<|endoftext|>", or all that tokenizer.json lists as added.  ValueError, in one
        sentence, where the files are damaged, do not fit each other, or are of another kind.
        """
        if special_tokens is not None:
            special_tokens = vocabulary.checked_specials(special_tokens)
        names, both = Path(folder) / "vocab.json", Path(folder) / "tokenizer.json"
        source = both if both.exists() and not names.exists() else names
        content = read_json(source)
        text = read_text(source.with_name("merges.txt")) if source is names else None
        with vocabulary.refused(folder):
            if source is both:
                merges, own, found = vocabulary.from_tokenizer_json(content)
            else:
                merges, own, found = vocabulary.from_merges_txt(text), GPT2_SPECIALS, content
            tokenizer = cls(merges, own if special_tokens is None else special_tokens)
            numbers = vocabulary.numbered(tokenizer.merges, tokenizer.special_tokens)
            vocabulary.check_equal(found, numbers, source.name)
        return tokenizer


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


def _cut(special_tokens, text):
    """text cut at its special tokens, of two that begin at one place the longer: every other part.

    >>> _cut(["<|end|>"], "a<|end|>b")
    ['a', '<|end|>', 'b']
    """
    if not special_tokens:
        return [text]
    longest_first = sorted(special_tokens, key=len, reverse=True)
    return re.split(f"({'|'.join(map(re.escape, longest_first))})", text)
