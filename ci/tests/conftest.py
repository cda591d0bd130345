"""Makes Microsoft's device SDK importable: it has a folder of its own, see `ci/setup`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "build/azure"))
