"""The script: finds its own package beside itself, whatever the interpreter's path is."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    importlib.import_module("launcher.run").main()
