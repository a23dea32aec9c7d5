"""Two sequences: an encoder reads one, a decoder writes the other."""

from tantra.two_sequences.blocks import DecoderBlock, PostNormDecoderBlock
from tantra.two_sequences.model import EncoderDecoder, EncoderDecoderConfig

__all__ = ["DecoderBlock", "EncoderDecoder", "EncoderDecoderConfig", "PostNormDecoderBlock"]
