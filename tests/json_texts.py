"""JSON texts as the grammar of RFC 8259 allows them, and not only as a library writes them."""

from hypothesis import strategies as st


def texts():
    """JSON texts with any escapes in their strings and any numbers."""
    escape = st.integers(0, 0xFFFF).map(lambda code: f"\\u{code:04x}")
    surrogate = st.integers(0xD800, 0xDFFF).map(lambda code: f"\\u{code:04X}")
    part = escape | surrogate | st.sampled_from(["\\\\", '\\"', "\\n", "a", "\ue000", "ü"])
    strings = st.lists(part, max_size=8).map(lambda parts: f'"{"".join(parts)}"')
    digits = st.integers(0, 10**30).map(str)
    numbers = st.builds(
        "{}{}{}".format, st.sampled_from(["", "-"]), digits, st.sampled_from(["", ".50", "e400", "E-9"])
    )
    leaves = strings | numbers | st.sampled_from(["null", "true", "false"])
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
            | st.lists(st.tuples(strings, inner), max_size=3).map(
                lambda items: "{" + ",".join(f"{key}:{value}" for key, value in items) + "}"
            )
        ),
        max_leaves=8,
    ).map(str.encode)
