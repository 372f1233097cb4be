"""``/v1/contacts/…``: what happened to contacts, as JSON, or one contact in a form that a plugin offers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import attrs
import trio

from jackfield._gateway.committed import contact_formats, report_failure
from jackfield._gateway.gateway import Gateway
from jackfield._loading.contact_formats import write_contact
from jackfield._serve.asking import Refused, Target, json_response
from jackfield._serve.grants import Grant
from jackfield._serve.messages import contacts_document
from jackfield.errors import JournalError, PluginError
from jackfield.plugin.contact_format import ContactFormat
from jackfield.plugin.http import Request, Response
from jackfield.reports._thinning import is_due
from jackfield.state.timeline import Timeline

__all__ = ["Contacts", "accepted"]

MOST_CONTACTS = 100
JSON = "application/json"
UNKNOWN = "no such contact, and no call from or to such a number, that this token may see"


@attrs.define(eq=False)
class Contacts:
    """Answers for the contacts of one gateway."""

    _gateway: Gateway
    _failures: Counter[str] = attrs.field(factory=Counter)
    """Of plugins' forms."""

    async def respond(self, request: Request, what: str, target: Target, grant: Grant) -> Response:
        """The newest contacts of a correlation or a number, in the form that the client likes best."""
        forms = contact_formats(self._gateway)
        chosen = accepted(request.header("accept"), [JSON, *forms])
        if chosen is None:
            raise Refused(406, f"Accept: there are {', '.join([JSON, *forms])}")
        if chosen != JSON and "last" in target.query:
            raise Refused(400, f"last: is for {JSON}; {chosen} has one contact, the newest")
        found = await self._find(what, _last(target), grant)
        if chosen == JSON:
            body = contacts_document(found, grant)
        else:
            body = await self._written(forms[chosen], found, grant)
        if not body:
            raise Refused(404, UNKNOWN)
        answer = json_response(200, body)
        return attrs.evolve(answer, headers={**answer.headers, "content-type": chosen, "vary": "accept"})

    async def _find(self, what: str, last: int, grant: Grant) -> Sequence[Timeline]:
        try:
            found = await self._gateway.timeline(what, last=last)
        except JournalError as error:
            raise Refused(501, f"contacts cannot be found: {error}") from None
        if grant.personal:
            return found
        # who may not see numbers may not try them either
        return [each for each in found if any(entry.event.correlation == what for entry in each.entries)]

    async def _written(self, form: ContactFormat, found: Sequence[Timeline], grant: Grant) -> bytes:
        """The newest contact of which the grant sees something, as a plugin writes it."""
        for timeline in reversed(found):
            events = [grant.shown(entry.event) for entry in timeline.entries if grant.sees(entry.event)]
            if not all(each.kind.startswith("stream.") for each in events):
                break
        else:
            return b""
        sinks = [each.impl for each in self._gateway.config.sinks]
        try:
            return await trio.to_thread.run_sync(write_contact, form, events, sinks)
        except PluginError as error:
            self._failures[form.name] += 1
            if is_due(self._failures[form.name]):
                report_failure(self._gateway, form.name, str(error))
            # The plugin's words may hold what the reader may not see.
            raise Refused(500, f"the contact cannot be written as {form.media_type}") from None


def _last(target: Target) -> int:
    last = target.text("last") if "last" in target.query else "10"
    if not last.isdecimal() or not 1 <= int(last) <= MOST_CONTACTS:
        raise Refused(400, f"last: {last[:20]!r} is not a number from 1 to {MOST_CONTACTS}")
    return int(last)


def accepted(accept: str, offered: Sequence[str]) -> str | None:
    """Which of the media types a client likes best (RFC 9110); of equal ones one that it names, then the first."""
    wanted = dict(filter(None, map(_read_range, (accept or "*/*").lower().split(","))))
    best, chosen = (0.0, 0), None
    for each in offered:
        ranges = each, f"{each.partition('/')[0]}/*", "*/*"
        named = next((index for index, name in enumerate(ranges) if name in wanted), None)
        if named is not None and wanted[ranges[named]] > 0 and (mark := (wanted[ranges[named]], -named)) > best[:2]:
            best, chosen = mark, each
    return chosen


def _read_range(text: str) -> tuple[str, float] | None:
    name, *parameters = (each.strip() for each in text.split(";"))
    quality = next((each.removeprefix("q=") for each in parameters if each.startswith("q=")), "1")
    try:
        return (name, min(1.0, max(0.0, float(quality)))) if name else None
    except ValueError:
        return name, 0.0
