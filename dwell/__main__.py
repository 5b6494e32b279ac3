"""`python -m dwell`."""

import sys

from dwell.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
