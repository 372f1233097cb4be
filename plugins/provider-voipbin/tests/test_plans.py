"""Plans are found by what many events share, and so many of them are kept and no more."""

from jackfield_voipbin import plans


def plan_of(name, fields, size=100):
    return plans.plan_at(name, "customer", "C", name.partition("_")[0], fields, size)


def test_a_payloads_fields_say_what_of_it_is_read():
    plan = plan_of("recording_started", ("id", "reference_type", "reference_id", "tm_end", "tm_update"))
    assert plan.stamps == ("tm_update", "tm_end")
    assert (plan.own_ids, plan.other_ids) == (("id",), ())
    assert (plan.correlation.referred, plan.correlation.unreferred) == (("reference_id", "id"), ("id",))
    assert plan.correlation.asks


def test_a_kind_is_planned_where_no_payload_can_change_it():
    assert plan_of("call_ringing", ("id", "status", "hangup_reason")).kind == "call.alerting"
    assert plan_of("call_hangup", ("id", "status")).kind == "call.cleared"
    assert plan_of("call_hangup", ("id", "status", "hangup_reason")).kind == ""
    assert plan_of("call.status", ("id", "status")).kind == ""
    assert plan_of("call.status", ("id",)).kind == "call.updated"
    assert plan_of("spaceship_landed", ("id",)).kind == ""


def test_plans_are_bounded_in_number_and_in_length():
    kept = plans._plan
    for number in range(plans.MOST + 10):
        plan_of("call_ringing", (f"field_{number}",))
    assert kept.cache_info().currsize == plans.MOST
    before = kept.cache_info()
    plan_of("call_ringing", ("f" * plans.LONG_FRAME,), plans.LONG_FRAME + 10)
    assert kept.cache_info() == before
