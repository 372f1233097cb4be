"""The event, and the one neutral form in which it leaves the process: CloudEvents 1.0 as JSON.

The vendor's payload is kept twice, as objects for programs that read it and as the JSON text that the
vendor wrote. The text goes out as it came in, so no number loses a digit and no string an escape
on the way through us, and writing an event does not encode its payload again.
"""

from jackfield.events.draft import EventDraft
from jackfield.events.event import Event, Origin, content_id, without_half_pairs
from jackfield.events.json_text import decode_data, decode_struct, encode_data
from jackfield.events.parties import NO_PARTIES, Cause, Direction, Media, Parties
from jackfield.events.record import Record
from jackfield.events.trace import TraceContext

__all__ = [
    "NO_PARTIES",
    "Cause",
    "Direction",
    "Event",
    "EventDraft",
    "Media",
    "Origin",
    "Parties",
    "Record",
    "TraceContext",
    "content_id",
    "decode_data",
    "decode_struct",
    "encode_data",
    "without_half_pairs",
]
