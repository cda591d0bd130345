"""Makes Microsoft's SDKs importable: they have folders of their own, see `ci/setup`."""

import sys
from pathlib import Path

for folder in ["azure-services", "azure"]:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "build" / folder))
