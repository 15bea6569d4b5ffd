"""`python -m pillion_server`: the command line, see `commands`."""

import sys

from pillion_server.commands import main

if __name__ == "__main__":
    sys.exit(main())
