"""The live dashboard: a board that follows the stream, and a small web site that shows it.

`board` holds the current state in `table`s, and the newest events in a `tail`; `updates` computes what changed for
one viewer; `site` answers the HTTP requests that `access` allows.
"""
