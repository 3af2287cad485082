"""Double-click in the Windows Explorer: starts Glassbox without a console; set-up shows in a small window."""

import runpy
import sys
from pathlib import Path

PROGRAM = Path(__file__).resolve().parents[2] / "gui"

sys.argv = [str(PROGRAM), "--from-launcher", *sys.argv[1:]]
runpy.run_path(str(PROGRAM), run_name="__main__")
