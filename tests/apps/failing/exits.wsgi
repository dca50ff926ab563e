"""A script whose top level raises SystemExit."""

import sys

sys.exit("no thanks")
