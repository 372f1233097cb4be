"""The live dashboard: a board that follows the stream, and a small web site that shows it.

`board` is what is known, made of `table`s and of the stream's `tail`; `updates` says what of it is new to
one viewer; `site` answers requests, which `web` reads, where `access` allows it.
"""
