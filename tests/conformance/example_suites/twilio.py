"""The suites of the example plugin of Twilio: everything comes by webhook, as a form or as JSON."""

import hashlib
import json
from urllib.parse import urlencode

from jackfield.plugin.secrets import Secret
from jackfield.testing import WebhookSuite, post
from jackfield_twilio import Twilio, sign

TOKEN = "t0ken-of-the-account"
ACCOUNT = "AC" + "0" * 32
PUBLIC, TARGET = "https://gateway.example", "/webhooks/conformance"
CALL = {
    "CallSid": "CA00000000000000000000000000000001",
    "AccountSid": ACCOUNT,
    "From": "+15550100",
    "To": "+15550101",
    "Direction": "inbound",
    "Timestamp": "Thu, 01 Jan 2026 12:00:00 +0000",
}
MESSAGE = {"MessageSid": "SM00000000000000000000000000000001", "AccountSid": ACCOUNT, "Body": "hi\r\nañb"}
FORMS = [
    *(CALL | {"CallStatus": status} for status in ("initiated", "ringing", "in-progress", "new", "completed")),
    CALL | {"CallSid": "CA00000000000000000000000000000002", "CallStatus": "busy"},
    *(MESSAGE | {"MessageStatus": status} for status in ("sent", "delivered")),
    MESSAGE | {"MessageSid": "SM00000000000000000000000000000002", "SmsStatus": "received"},
]
STREAM = [
    {
        "specversion": "1.0",
        "type": "com.twilio.voice.insights.call-event.answered",
        "id": f"EZ{number:032}",
        "time": "2026-01-01T12:00:00Z",
        "data": {"call_sid": CALL["CallSid"]},
    }
    for number in range(3)
]


def form_post(form, query=""):
    target = TARGET + (f"?{query}" if query else "")
    headers = {
        "content-type": "application/x-www-form-urlencoded; charset=UTF-8",
        "x-twilio-signature": sign(TOKEN, PUBLIC + target, form.items()),
    }
    return post(urlencode(form).encode(), headers, target=target, authority=PUBLIC)


def form_get(form):
    target = f"{TARGET}?{urlencode(form)}"
    headers = {"x-twilio-signature": sign(TOKEN, PUBLIC + target)}
    return post(b"", headers, method="GET", target=target, authority=PUBLIC)


def json_post(document):
    body = json.dumps(document).encode()
    target = f"{TARGET}?bodySHA256={hashlib.sha256(body).hexdigest()}"
    headers = {"content-type": "application/json", "x-twilio-signature": sign(TOKEN, PUBLIC + target)}
    return post(body, headers, target=target, authority=PUBLIC)


class TwilioSuite(WebhookSuite):
    provider = Twilio(ACCOUNT, Secret("text", TOKEN))
    signs = True

    def examples(self):
        return [*(urlencode(form).encode() for form in FORMS), *(json.dumps([each]).encode() for each in STREAM)]

    def posts(self):
        return [*map(form_post, FORMS), form_post(FORMS[0], "desk=7&foo=a%20b"), form_get(FORMS[3]), json_post(STREAM)]
