"""Plans are found by what many events share, and so many of them are kept and no more."""

from jackfield_voipbin import plans


def test_a_payloads_fields_say_what_of_it_is_read_for_the_correlation_and_the_moment():
    by = plans.by_fields("recording", {"id": "r", "reference_type": "call", "reference_id": "c", "tm_end": None}, 100)
    assert by.stamps == ("tm_end",)
    assert (by.correlation.referred, by.correlation.unreferred) == (("reference_id", "id"), ("id",))
    assert by.correlation.asks


def test_plans_of_fields_are_bounded_in_number_and_in_length():
    kept = plans._by_fields
    for number in range(plans.MOST + 10):
        plans.by_fields("call", {f"field_{number}": 1}, 100)
    assert kept.cache_info().currsize == plans.MOST
    before = kept.cache_info()
    plans.by_fields("call", {"f" * plans.LONG_FRAME: 1}, plans.LONG_FRAME + 10)
    assert kept.cache_info() == before
