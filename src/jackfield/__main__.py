"""``python -m jackfield``: the same as the command ``jackfield``."""

import sys

from jackfield._cli import main

sys.exit(main())
