"""``python -m interference_service``."""

import sys

from interference_service.cli import main

sys.exit(main())
