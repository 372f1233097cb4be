"""What a suite's provider reads in another process, whose hashes of texts are others."""

from __future__ import annotations

import base64
import inspect
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

__all__ = ["ids_elsewhere"]

SECONDS = 60
# Loads the suite's module by its file, since a test module is mostly not importable by its name.
PROGRAM = """
import base64, importlib, importlib.util, json, sys
said = json.load(sys.stdin)
sys.path[:] = said["path"]
try:
    module = importlib.import_module(said["module"])
except ModuleNotFoundError:
    spec = importlib.util.spec_from_file_location(said["module"], said["file"])
    module = sys.modules[said["module"]] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
suite = module
for name in said["suite"].split("."):
    suite = getattr(suite, name)
suite = suite()
print(json.dumps([[each.id for each in suite.emitted(base64.b64decode(frame))] for frame in said["frames"]]))
"""


def ids_elsewhere(suite: type[Any], frames: Sequence[bytes]) -> list[list[str]] | str:
    """The ids of the events in each frame, as another process gives them; why it cannot be asked, where it cannot."""
    found: Any = sys.modules.get(suite.__module__)
    for name in suite.__qualname__.split("."):
        found = getattr(found, name, None)
    if found is not suite:
        return f"another process cannot find {suite.__qualname__} in the module {suite.__module__}"
    said = {
        "path": sys.path,
        "module": suite.__module__,
        "file": inspect.getsourcefile(suite),
        "suite": suite.__qualname__,
        "frames": [base64.b64encode(frame).decode() for frame in frames],
    }
    seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    done = subprocess.run(  # noqa: S603  # this interpreter, with a program of ours
        [sys.executable, "-c", PROGRAM],
        input=json.dumps(said),
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode != 0:
        return f"the suite fails in another process: {(done.stderr.strip().splitlines() or ['it says nothing'])[-1]}"
    ids: list[list[str]] = json.loads(done.stdout.splitlines()[-1])
    return ids
