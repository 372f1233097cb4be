"""One agent's desktop in a terminal: ready, away, the offered contact with caller and queue, with timers.

    python docs/examples/agent_desktop.py alice --demo            between simulated vendors
    python docs/examples/agent_desktop.py alice gateway.toml      with your feeds; see docs/how-to/agent-desktop.md

An agent who works with several vendors has one row for each. A terminal is redrawn twice a second; otherwise, and
with --plain, one line is printed per change.
"""

import argparse

from agent_lines import ENTITIES, Desktop
from terminal import arguments, run

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="One agent's desktop.")
    parser.add_argument("agent", help="the agent's name, the same at every vendor")
    options = arguments(parser)
    run(Desktop(options.agent), ENTITIES, options)
