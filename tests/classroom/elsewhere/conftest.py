"""Tests of other places use the class of `kinds`, which stands one room above."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
