"""`python -m gitsession` is the command line."""

import sys

from gitsession.cli import main

sys.exit(main())
