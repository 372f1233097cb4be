"""`jackfield_vcon.links`: a credential in a link is nowhere in a vCon, and nothing else is changed."""

import json
import re
from urllib.parse import quote, unquote

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield_vcon.assemble import encode
from jackfield_vcon.links import shown_json, shown_text
from jackfield_vcon.on_demand import vcons
from jackfield_vcon.recordings import Link

SCHEMES = ("https:", "HTTP:", "wss:", "s3:", "rtsp:", "x-vendor+1.0:")
SECRET = "S3cr3tOfNobody"
IN_A_USER = st.text("ab1:~!$&'()*+,;=%-._@", max_size=4)
IN_A_QUERY = st.text("ab1:~!$&'()*+,;=%-._@/?#[]\\|é€", max_size=4)


def decoded(text):
    """Without escapes of any kind, so that nothing hides in them."""
    while (plain := unquote(re.sub(r"\\+u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text))) != text:
        text = plain
    return text


@st.composite
def links(draw, schemes=(*SCHEMES, "")):
    """A URL with the secret at a place where credentials are."""
    scheme = draw(st.sampled_from(schemes))
    host = draw(st.sampled_from(["example.com", "example.com:8443", "[2001:db8::1]", "[::1]:80", "10.0.0.1"]))
    path = draw(st.sampled_from(["", "/", "/r/0.wav", "/a@b/%3Fx", "//r"]))
    user, query = (f"{draw(chars)}{SECRET}{draw(chars)}" for chars in (IN_A_USER, IN_A_QUERY))
    match draw(st.sampled_from(["user", "password", "query", "value", "fragment"])):
        case "user":
            return f"{scheme}//{user}@{host}{path}"
        case "password":
            return f"{scheme}//user:{user}@{host}{path}?a=b"
        case "query":
            return f"{scheme}//{host}{path}?{query}"
        case "value":
            return f"{scheme}//{host}{path}?a=b&accesskey={query}#top"
    return f"{scheme}//{host}{path}#{query}"


@st.composite
def texts(draw, schemes=(*SCHEMES, "")):
    """A string with such a link in it, or which is one."""
    link = draw(links(schemes))
    whole = f"https:{link}" if link.startswith("//") else link
    forms = {
        "link": link,
        "spaces": f" {link} ",
        "prose": f"it is at {whole} now",
        "markup": f'<a href="{whole}">{whole}</a>',
        "path": f"https://proxy.example/{quote(whole, safe='')}",
        "query": f"/fetch?url={whole}",
        "form": f"id=1&url={quote(whole, safe='')}&x=y",
        "JSON": json.dumps({"links": [{whole: 1}, {"url": link}]}),
        "twice": json.dumps([json.dumps({"a": quote(quote(whole))})]),
        "sip": f"<sip:alice:{SECRET}@example.com;transport=tls?Authorization={SECRET}>;tag=1",
    }
    return forms[draw(st.sampled_from(sorted(forms)))]


@st.composite
def written(draw, text):
    """A string as a vendor may write it in JSON."""
    plain = json.dumps(text, ensure_ascii=draw(st.booleans()))
    match draw(st.sampled_from(["plain", "slashes", "marks", "all"])):
        case "slashes":
            return plain.replace("/", r"\/")
        case "marks":
            return re.sub(r"[&?#=@:]", lambda found: f"\\u{ord(found[0]):04x}", plain)
        case "all":
            return '"' + "".join(f"\\u{ord(char):04X}" for char in text) + '"'
    return plain


@st.composite
def payloads(draw):
    """A payload of JSON with the secret in a link anywhere."""
    value = draw(written(draw(texts())))
    for _ in range(draw(st.integers(0, 3))):
        name = json.dumps(draw(st.sampled_from(["url", "recording_url", "media", "Location", "x"])))
        value = draw(
            st.sampled_from([f"[1, {value}]", f"{{{name}: {value}}}", f"{{{name}: 1.50, {name} : {value}, {name}: 2}}"])
        )
    if value.startswith('"') and draw(st.booleans()):
        return f"{{{value}: null}}"
    return f'{{ "url" : {value} , "n": 1.10}}'


KINDS = (
    "recording.completed",
    "call.connected",
    "message.received",
    "unmapped.thing",
    "transcription.segment_completed",
)


@given(payload=payloads(), kind=st.sampled_from(KINDS))
def test_a_credential_in_a_link_is_nowhere_in_a_vcon(event, payload, kind):
    planted = attrs.evolve(event(kind, 1, "x"), data=json.loads(payload), data_json=payload.encode())
    life = [event("call.connected", 0, "x", caller="+491"), planted, event("call.cleared", 9, "x")]
    (vcon,) = vcons(life, domain="example.com")
    assert SECRET not in decoded(encode(vcon).decode())
    (line,) = [each for each in vcon["attachments"][0]["body"].splitlines() if planted.id in each]
    json.loads(line)


@given(text=texts(SCHEMES))
def test_a_credential_in_a_link_that_is_an_id_a_name_or_a_reason_is_nowhere_either(event, text):
    life = [
        event("call.connected", 0, text, caller=text, caller_name=text, queue_name=text, correlation=text),
        event("recording.completed", 5, text, correlation=text),
        event("call.cleared", 9, text, correlation=text),
        event("stream.gap_suspected", 5, "g", data={"reason": text}),
    ]
    (vcon,) = vcons(life, domain="example.com")
    assert SECRET not in decoded(encode(vcon).decode())


@given(links())
def test_nor_is_it_where_a_link_is_shown(link):
    assert SECRET not in decoded(Link(link, is_configured=False).shown)


@pytest.mark.parametrize(
    "text",
    [
        "https://example.com/r/0.wav",
        "https://example.com:8443/users/a@b.example/%3F%23.wav",
        "https://[2001:db8::1]/r",
        "sip:+4930123@example.com;user=phone",
        "mailto:jo@example.com",
        "jo@example.com",
        "voipbin/customer/C/call/*/**",
        "qubicle.queue.A.#",
        "100 % sure? yes / no #1 @ 10:30",
        "C:\\recordings\\1.wav",
        "+49 30 123#",
    ],
)
def test_what_holds_no_credential_stays_as_it_is(text):
    assert shown_text(text) == text


@given(st.recursive(st.none() | st.integers() | st.floats(allow_nan=False) | st.text(), st.lists, max_leaves=5))
def test_a_text_of_json_stays_byte_for_byte_where_nothing_is_cut(value):
    text = (
        f'{{ "n":1.10, "n": 1e400 ,"half": "\\ud83d", "url": "https:\\/\\/example.com\\/r", "v": {json.dumps(value)}}}'
    )
    if shown_text(text) == text:
        return
    assert any(mark in json.dumps(value, ensure_ascii=False) for mark in "/@?#")


def test_only_the_string_with_the_link_is_changed():
    left = shown_json('{ "n":1.10, "url": "https:\\/\\/h\\/r?key=1\\u00262", "n": 1e400 ,"half": "\\ud83d"}')
    assert left == '{ "n":1.10, "url": "https://h/r", "n": 1e400 ,"half": "\\ud83d"}'


@pytest.mark.parametrize(
    "text",
    [
        f"{':' * 100_000}?",
        f"{'https://' * 50_000}?",
        f"{'sip:' * 100_000}@",
        f"{'%3A%2F%2F' * 50_000}?",
        f"{'a/' * 100_000}?",
        f"%{'25' * 100_000}",
        f"{chr(34) * 100_001}?",
        f"https://{'u:' * 100_000}",
        "\\" * 100_000,
    ],
    ids=range(9),
)
def test_no_text_takes_long(text):
    # A search that goes back and forth would take hours, and the limit of a test ends it.
    assert len(shown_text(text)) <= len(text)
