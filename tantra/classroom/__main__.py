"""The teacher's commands.

python -m tantra.classroom class [--chapters "02 03"] [--out ZIP]
python -m tantra.classroom material [--chapters "02 03"] [--out FOLDER] [--check]
"""

import sys

from tantra.classroom.kit.commands import COMMANDS


def main(arguments=None):
    """Run a command; returns 0 where it did what it says, 2 for bad input."""
    name, *rest = (sys.argv[1:] if arguments is None else arguments) or ["nothing"]
    try:
        if name not in COMMANDS:
            raise ValueError(f"there is no command {name!r}: there are {', '.join(COMMANDS)}")
        return COMMANDS[name](rest)
    except (ValueError, OSError) as problem:
        print(problem, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
