"""Where the peer that is a script of Node runs, with `ws` beside it."""

import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

SCRIPT = str(Path(__file__).with_name("node_peer.cjs"))
FOLDER = Path(tempfile.gettempdir(), "jackfield-bench-node")


@cache
def node_peer():
    """The folder, or ``None`` where there is no npm, or it cannot get `ws`; said once."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        print("node-ws is left out: there is no npm")
        return None
    if not (FOLDER / "node_modules" / "ws").is_dir():
        FOLDER.mkdir(exist_ok=True)
        command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "ws"]
        if subprocess.run(command, cwd=FOLDER, capture_output=True, timeout=120, check=False).returncode:
            print("node-ws is left out: npm cannot install ws")
            return None
    return FOLDER
