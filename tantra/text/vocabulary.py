"""What byte-pair tokens are made from: merges and special tokens, checked, and in files."""

import contextlib
import hashlib
import json

from tantra.files import short
from tantra.text.byte_pairs import BYTES, NAMES

KIND = "byte pairs of Transformer Tantra, 1"
HEADING = "#version: 0.2"  # of GPT-2's merges.txt
GPT2_SPECIALS = ("<|endoftext|>",)  # vocab.json does not say which of its tokens are special
PLAIN = {  # what tokenizer.json may say so that its tokens are GPT-2's; None: nothing
    "normalizer": [None],
    "pre_tokenizer.type": ["ByteLevel"],
    "pre_tokenizer.add_prefix_space": [False],
    "pre_tokenizer.use_regex": [True, None],
    "post_processor.type": [None, "ByteLevel", "TemplateProcessing"],
    "post_processor.special_tokens": [None, {}],
    "decoder.type": ["ByteLevel"],
    "model.type": ["BPE", None],
    "model.dropout": [None],
    "model.continuing_subword_prefix": [None, ""],
    "model.end_of_word_suffix": [None, ""],
    "model.byte_fallback": [None, False],
    "model.ignore_merges": [None, False],
}
_NAME = dict(zip(BYTES, NAMES, strict=True))
_BYTE = dict(zip(NAMES, BYTES, strict=True))


def check_text(text):
    """Raise TypeError unless text is a string."""
    if not isinstance(text, str):
        raise TypeError(f"text is of type {type(text).__name__}; give a string")


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


def checked_merges(merges):
    """merges as a list; TypeError or ValueError unless each joins two tokens known before it."""
    merges, known = list(map(_as_pair, merges)), {bytes([byte]) for byte in BYTES}
    for pair in merges:
        for part in pair:
            if part not in known:
                raise ValueError(
                    f"the merge {pair!r:.80} needs {part!r:.60}, made by none before it"
                )
        if pair[0] + pair[1] in known:
            raise ValueError(f"the merge {pair!r:.80} makes what one before it made; leave it out")
        known.add(pair[0] + pair[1])
    return merges


def _as_pair(pair):
    """A merge as a tuple of two non-empty bytes."""
    if (
        not isinstance(pair, tuple | list)
        or len(pair) != 2
        or not all(isinstance(part, bytes) and part for part in pair)
    ):
        raise TypeError(f'the merge {pair!r:.60} is no pair of bytes, such as (b"t", b"he")')
    return tuple(pair)


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


def made_by(merges):
    """The bytes of each token: the 256 single ones, then what each merge makes."""
    return [bytes([byte]) for byte in BYTES] + [left + right for left, right in merges]


def to_name(piece):
    """The name of some bytes in GPT-2's files: each byte as one character that can be seen.

    >>> to_name(b" the")
    'Ġthe'
    """
    return "".join(_NAME[byte] for byte in piece)


def from_name(name):
    """The bytes of such a name; ValueError at a character that names none."""
    try:
        return bytes(_BYTE[character] for character in name)
    except KeyError as error:
        raise ValueError(f"{error.args[0]!r} in {name!r:.60} names no byte") from None


def numbered(merges, special_tokens):
    """All names and their tokens, as in vocab.json; ValueError where two names are one."""
    names = [*map(to_name, made_by(merges)), *special_tokens]
    numbers = {name: number for number, name in enumerate(names)}
    for text in special_tokens:
        if (number := names.index(text)) != numbers[text]:
            raise ValueError(
                f"in GPT-2's files the special token {text!r:.60} would be one with token "
                f"{number}; rename it, or use save"
            )
    return numbers


def check_equal(found, numbers, file):
    """Raise ValueError unless a file numbers all names as the merges do, and no others."""
    if not isinstance(found, dict) or {*map(type, found.values())} != {int}:
        raise ValueError(f"{file} is not of names and their numbers")
    for name in numbers | found:
        here, there = (f"token {n[name]}" if name in n else "no token" for n in (numbers, found))
        if here != there:
            raise ValueError(
                f"{name!r:.60} is {here} by the merges and special tokens, {there} by {file}"
            )


def to_merges_txt(merges):
    """The bytes of GPT-2's merges.txt."""
    return "".join(f"{line}\n" for line in [HEADING, *map(_line, merges)]).encode()


def from_merges_txt(text):
    """The merges in the text of a merges.txt; ValueError at a line that holds none."""
    merges = []
    for number, line in enumerate(text.splitlines(), 1):
        if number == 1 and line.startswith("#version"):
            continue
        try:
            merges.append(_from_line(line))
        except ValueError as error:
            raise ValueError(f"line {number} of merges.txt: {error}") from None
    return merges


def from_tokenizer_json(content):
    """Merges, special tokens and numbered names of what Hugging Face's tokenizer.json holds.

    Raises ValueError where it makes other tokens of a text than GPT-2's byte pairs do.
    """
    for place, known in PLAIN.items():
        if (said := _at(content, place)) not in known:
            raise ValueError(
                f"its {place} is {short(said)}, and GPT-2's {short(known[0])}; get the tokenizer "
                "of a GPT-2"
            )
    merges, names, added = (
        _at(content, place) for place in ("model.merges", "model.vocab", "added_tokens")
    )
    if not isinstance(merges, list) or not isinstance(names, dict) or not isinstance(added, list):
        raise ValueError("it lacks merges, vocab or added_tokens")
    specials = dict(sorted(map(_added, added), key=lambda token: token[1]))
    if again := [text for text, number in specials.items() if names.get(text, number) != number]:
        raise ValueError(f"{again[0]!r:.60} is two tokens, one of vocab and one of added_tokens")
    return [_from_line(_as_line(merge)) for merge in merges], [*specials], names | specials


def _at(content, place):
    """What stands in content at a place such as "model.vocab"; None where there is none."""
    for name in place.split("."):
        content = content.get(name) if isinstance(content, dict) else None
    return content


def _added(token):
    """The text and the number of an added token that is taken wherever a text spells it."""
    text, number = _at(token, "content"), _at(token, "id")
    if not isinstance(text, str) or type(number) is not int:
        raise ValueError(f"the added token {short(token)} has no content and id")
    for other in ("single_word", "lstrip", "rstrip"):
        if token.get(other):
            raise ValueError(f"the added token {text!r:.60} is {other}, which ours cannot be")
    return text, number


def to_json(merges, special_tokens):
    """The bytes of our own file."""
    kept = {"merges": [*map(_line, merges)], "special_tokens": [*special_tokens]}
    content = {"kind": KIND, **kept, "digest": digest(kept)}
    return (json.dumps(content, indent=0) + "\n").encode()


def from_json(content):
    """Merges and special tokens of what our own file holds; ValueError for anything else."""
    if not isinstance(content, dict) or content.get("kind") != KIND:
        raise ValueError(f"it is not of the kind {KIND!r}")
    kept = {name: content[name] for name in content if name not in ("kind", "digest")}
    if content.get("digest") != digest(kept):
        raise ValueError("its digest does not fit its content")
    if {*map(type, kept.values())} != {list} or kept.keys() != {"merges", "special_tokens"}:
        raise ValueError("it is not of two lists, merges and special_tokens")
    return [*map(_from_line, kept["merges"])], kept["special_tokens"]


def digest(content):
    """The SHA-256 of something JSON holds, so that a damaged file is told."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@contextlib.contextmanager
def refused(path):
    """Say of any error within, in one sentence, that path holds no tokenizer."""
    try:
        yield
    except (RecursionError, TypeError, ValueError) as error:
        raise ValueError(f"{path} holds no tokenizer: {error}") from None


def _line(pair):
    return f"{to_name(pair[0])} {to_name(pair[1])}"


def _from_line(line):
    if not isinstance(line, str) or len(names := line.split(" ")) != 2:
        raise ValueError(f"{line!r:.60} is no pair of names")
    return tuple(map(from_name, names))


def _as_line(merge):
    """A merge of tokenizer.json, which older ones write as one string and newer ones as two."""
    two = isinstance(merge, list) and [*map(type, merge)] == [str, str]
    return " ".join(merge) if two else merge
