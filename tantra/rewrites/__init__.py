"""Rewrites: attention in other forms, with the same output.

    fewer rows             last_row, row_by_row
    keys in parts          attend_part, combine; chunked_attention
    fewer copies           stack_groups
    other weights for      permute_heads, drop_key_bias, fold_value_bias, fold_scale,
    the same function      rotate_queries_and_keys, fuse_projections, merge_circuits

The last two lines are in the file circuits, chunked_attention is in chunks, the others in forms.
"""

from tantra.rewrites.chunks import chunked_attention
from tantra.rewrites.circuits import (
    drop_key_bias,
    fold_scale,
    fold_value_bias,
    fuse_projections,
    merge_circuits,
    merged_attention,
    permute_heads,
    rotate_queries_and_keys,
)
from tantra.rewrites.forms import attend_part, combine, last_row, row_by_row, stack_groups

__all__ = [
    "attend_part",
    "chunked_attention",
    "combine",
    "drop_key_bias",
    "fold_scale",
    "fold_value_bias",
    "fuse_projections",
    "last_row",
    "merge_circuits",
    "merged_attention",
    "permute_heads",
    "rotate_queries_and_keys",
    "row_by_row",
    "stack_groups",
]  # fmt: skip
