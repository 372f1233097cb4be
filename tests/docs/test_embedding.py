"""The pages on embedding: every program that they show runs to its end against both simulators."""

import os
import re
import sys
from pathlib import Path

import pytest
import trio

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
PROGRAMS = [
    pytest.param(program, id=f"{page}-{number}")
    for page in ("embed", "asyncio")
    for number, program in enumerate(
        re.findall(r"^```python\n(.*?)^```$", (HOW_TO / f"{page}.md").read_text(), re.MULTILINE | re.DOTALL)
    )
]
ENVIRONMENT = os.environ | {"VOIPBIN_TOKEN": "voipbin-s3cret", "VINIX_TOKEN": "vinix-s3cret"}


@pytest.mark.parametrize("program", PROGRAMS)
async def test_each_program_that_is_shown_runs_to_its_end_without_complaint(program, vendor, folder):
    if "import structlog" in program:
        pytest.importorskip("structlog")
    voipbin = await vendor("voipbin")
    vinix = await vendor("vinix")
    folder.configure(voipbin, vinix)
    with trio.fail_after(20):
        done = await trio.run_process(
            [sys.executable, "-X", "dev", "-W", "error", "-c", program],
            capture_stdout=True,
            capture_stderr=True,
            check=False,
            cwd=folder.path,
            env=ENVIRONMENT,
        )
    assert done.stderr == b""
    assert done.returncode == 0
    assert done.stdout
