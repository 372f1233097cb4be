"""The suite of the example plugin of Telegram: a long poll."""

import json

from jackfield.plugin.secrets import Secret
from jackfield.testing import ProviderSuite
from jackfield_telegram import Telegram

CHAT = {"id": 1_000_000_001, "type": "private", "first_name": "Ada"}


def message(number, **more):
    return {
        "message_id": number,
        "from": {"id": 7, "is_bot": False},
        "chat": CHAT,
        "date": 1_767_268_800 + number,
    } | more


UPDATES = [
    {"update_id": 1, "message": message(1, text="hello")},
    {"update_id": 2, "edited_message": message(1, text="hello!", edit_date=1_767_268_900)},
    {"update_id": 3, "channel_post": message(3, text="news")},
    {"update_id": 4, "callback_query": {"id": "9", "data": "yes", "message": message(4)}},
    {"update_id": 5, "poll": {"id": "8", "question": "?"}},
]


class TelegramSuite(ProviderSuite):
    provider = Telegram("123456", Secret("text", "AAE-s3cret-of-the-bot"))
    unsubscribes = False

    def examples(self):
        return [json.dumps({"ok": True, "result": [each]}).encode() for each in UPDATES]
