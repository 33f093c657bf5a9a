"""`python -m applied_dl` is `applied-dl`."""

import sys

from applied_dl.cli import main

if __name__ == "__main__":
    sys.exit(main())
