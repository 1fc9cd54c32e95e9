"""`python -m bot` is `posbot`."""

import sys

from bot.cli import main

sys.exit(main())
