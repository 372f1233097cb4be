"""`jackfield._loading.registry`: plugins found, checked, left out with a reason."""

import attrs
import pytest

from jackfield._loading.registry import Registry
from jackfield.errors import PluginError
from jackfield.kinds import Kind, explain_unknown
from jackfield.plugin.command import CommandSpec
from jackfield.plugin.contact_format import ContactFormat
from jackfield.plugin.hooks import HOOK_API, hookimpl
from jackfield.plugin.provider import ProviderSpec
from jackfield.plugin.sink import SinkSpec
from jackfield.reports import DeliveryResumed


@attrs.frozen
class Options:
    pass


def provider(name):
    return ProviderSpec(name, "", Options, None, None)


class Good:
    @hookimpl
    def jackfield_providers(self):
        return [provider("good")]

    @hookimpl
    def jackfield_sinks(self):
        return [SinkSpec("good", "", Options)]


def problems(registry):
    return [failure.problem for failure in registry.failures]


def test_the_built_in_plugins_come_through_the_same_door():
    registry = Registry.load()
    assert set(registry.providers) >= {"voipbin", "vinix"}
    assert set(registry.sinks) >= {"stdout", "file", "http"}
    assert {each.distribution for each in registry.loaded} >= {f"jackfield-{name}" for name in registry.sinks}
    assert registry.failures == []


def test_only_those_that_are_named_are_loaded():
    assert set(Registry.load(only=["jackfield-vinix", "stdout"]).providers) == {"vinix"}
    assert set(Registry.load(only=["jackfield-vinix", "stdout"]).sinks) == {"stdout"}
    assert Registry.load(only=[]).loaded == []


def test_a_named_plugin_that_is_not_installed_is_reported():
    assert problems(Registry.load(only=["jackfield-nope"])) == ["not installed"]


def test_an_offer_of_the_wrong_type_is_reported_with_what_was_expected():
    class Wrong:
        @hookimpl
        def jackfield_providers(self):
            return ["voipbin"]

    registry = Registry()
    registry.add(Wrong())
    assert problems(registry) == ["jackfield_providers must return a list of ProviderSpec, not 'voipbin' of type str"]
    assert registry.providers == {}


def test_a_command_of_the_wrong_type_is_reported_and_a_right_one_is_found():
    class Commanding:
        def __init__(self, offer):
            self.offer = offer

        @hookimpl
        def jackfield_commands(self):
            return self.offer

    registry = Registry()
    registry.add(Commanding([max]))
    (problem,) = problems(registry)
    assert problem.startswith("jackfield_commands must return a list of CommandSpec, not <built-in function max>")
    command = CommandSpec("acme", "does it", lambda parser: None, lambda options, host: 0)
    registry.add(Commanding([command]))
    assert registry.commands == {"acme": command}
    assert registry.loaded[-1].offers == ("command acme",)


@pytest.mark.parametrize("declared", [HOOK_API, range(HOOK_API + 1), range(HOOK_API, HOOK_API + 5)])
def test_a_plugin_that_was_made_for_these_hooks_is_taken(declared):
    plugin, registry = Good(), Registry()
    plugin.jackfield_api = declared
    registry.add(plugin)
    assert problems(registry) == []
    assert set(registry.providers) == {"good"}


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        (HOOK_API + 1, f"made for version {HOOK_API + 1} of the hooks (jackfield_api); this Jackfield has version 1"),
        (range(2, 4), "made for version 2, 3 of the hooks (jackfield_api); this Jackfield has version 1"),
        (range(0), "made for version none of the hooks (jackfield_api); this Jackfield has version 1"),
        ("1", "jackfield_api must be a number or a range of numbers, not '1'"),
        (True, "jackfield_api must be a number or a range of numbers, not True"),
    ],
)
def test_a_plugin_that_was_made_for_other_hooks_is_reported_and_none_of_it_is_used(declared, told):
    plugin, registry = Good(), Registry()
    plugin.jackfield_api = declared
    registry.add(plugin)
    assert problems(registry) == [told]
    assert registry.providers == {}
    assert registry.loaded == []


def test_options_that_are_no_attrs_class_are_reported():
    class Wrong:
        @hookimpl
        def jackfield_sinks(self):
            return [SinkSpec("x", "", dict)]

    registry = Registry()
    registry.add(Wrong())
    assert problems(registry) == ["jackfield_sinks: the cls of 'x' must be an attrs class"]


def test_a_name_that_is_taken_is_reported_and_the_first_stays():
    class Second:
        @hookimpl
        def jackfield_providers(self):
            return [provider("good")]

    registry = Registry()
    registry.add(Good())
    first = registry.providers["good"]
    registry.add(Second())
    assert problems(registry) == ["jackfield_providers: another plugin already offers 'good'"]
    assert registry.providers["good"] is first


def test_a_hook_that_raises_leaves_its_plugin_out():
    class Raises:
        @hookimpl
        def jackfield_sinks(self):
            raise OSError("disk on fire")

    registry = Registry()
    registry.add(Raises())
    registry.add(Good())
    assert problems(registry) == ["jackfield_sinks raised OSError: disk on fire"]
    assert set(registry.sinks) == {"good"}


def test_a_misspelt_hook_is_reported():
    class Misspelt:
        @hookimpl
        def jackfield_provider(self):
            return []

    registry = Registry()
    registry.add(Misspelt())
    assert problems(registry) == ["no such hook: jackfield_provider"]


def test_a_hook_with_an_argument_that_does_not_exist_is_reported():
    class Curious:
        @hookimpl
        def jackfield_sinks(self, configuration):
            return []

    registry = Registry()
    registry.add(Curious())
    (problem,) = problems(registry)
    assert "configuration" in problem


def test_a_plugin_without_any_hook_is_reported():
    registry = Registry()
    registry.add(object())
    assert problems(registry) == ["implements no hook of Jackfield's"]


def test_an_object_that_cannot_be_a_plugin_is_reported():
    registry = Registry()
    registry.add({})
    assert problems(registry) == ["unhashable type: 'dict'"]


def test_a_plugin_without_any_hook_is_not_among_the_loaded():
    registry = Registry()
    registry.add(object())
    assert registry.loaded == []


def test_an_extended_registry_leaves_the_first_as_it_was_and_asks_no_plugin_twice():
    class Counting:
        asked = 0

        @hookimpl
        def jackfield_providers(self):
            self.asked += 1
            return [provider("counting")]

    first, counting = Registry(), Counting()
    first.add(counting)
    second = first.extended([Good()])
    assert set(second.providers) == {"counting", "good"}
    assert set(first.providers) == {"counting"}
    assert counting.asked == 1


@pytest.mark.parametrize(
    ("signature", "problem"),
    [
        ("self, reports", "Argument.s. .'reports'. are declared in the hookimpl"),
        ("self", "must have the parameter report"),
        ("self, report=None", "must have the parameter report, without a default"),
    ],
)
def test_an_observer_with_a_wrong_parameter_is_reported_at_load_and_raised_to_the_program_that_made_it(
    signature, problem
):
    space = {"hookimpl": hookimpl}
    exec(f"class Observer:\n    @hookimpl\n    def jackfield_observe({signature}): ...", space)  # noqa: S102  # as written
    registry = Registry()
    assert not registry.add(space["Observer"]())
    assert problems(registry) != []
    with pytest.raises(PluginError, match=problem):
        Registry().extended([space["Observer"]()])


def test_a_hook_that_is_not_marked_is_reported():
    class Unmarked(Good):
        def jackfield_observe(self, report):
            pass

    registry = Registry()
    registry.add(Unmarked())
    assert problems(registry) == ["not marked with hookimpl: jackfield_observe"]
    assert registry.loaded == []


@pytest.mark.parametrize("name", ["acme:eu", ":", "a:b:c:d"])
def test_a_failing_observer_whose_name_holds_a_colon_is_named_and_does_not_end_the_gateway(name):
    class Trips:
        @hookimpl
        def jackfield_observe(self, report):
            raise ZeroDivisionError

    registry = Registry()
    registry.add(Trips(), distribution=f"dist:{name}", entry_point=name)
    registry.observe(DeliveryResumed("crm", 1))
    (failure,) = registry.failures
    assert (failure.distribution, failure.entry_point) == (f"dist:{name}", name)


def test_observers_get_a_report_in_the_order_in_which_they_were_added():
    order = []

    class Watches:
        def __init__(self, number):
            self.number = number

        @hookimpl
        def jackfield_observe(self, report):
            order.append(self.number)

    registry = Registry()
    for number in range(20):
        registry.add(Watches(number))
    registry.observe(DeliveryResumed("crm", 1))
    assert order == list(range(20))


def test_every_observer_is_reported_and_one_that_raises_is_reported_of_once_and_left_alone():
    told = []

    class Watches:
        @hookimpl
        def jackfield_observe(self, report):
            told.append(str(report))

    class Trips:
        calls = 0

        @hookimpl
        def jackfield_observe(self, report):
            self.calls += 1
            raise ZeroDivisionError("oops")

    registry, trips = Registry(), Trips()
    registry.add(trips)
    registry.add(Watches())
    for attempts in (1, 2, 3):
        registry.observe(DeliveryResumed("crm", attempts))
    assert [text for text in told if "crm" in text] == [
        f"sink crm: delivers again, after {attempts} attempts" for attempts in (1, 2, 3)
    ]
    assert [text for text in told if "Trips" in text] == [
        "plugin Trips of Trips: jackfield_observe raised ZeroDivisionError: oops; it is no longer called"
    ]
    assert trips.calls == 1


class Faxes:
    """A plugin with kinds of its own."""

    def __init__(self, *kinds):
        self.kinds = kinds

    @hookimpl
    def jackfield_kinds(self):
        return list(self.kinds)


SENT = Kind("fax.sent", "a fax went out")


def test_a_plugin_may_have_kinds_under_an_entity_of_its_own():
    registry = Registry()
    assert registry.add(Faxes(SENT, Kind("fax.failed", "a fax did not go out")))
    assert registry.loaded[0].offers == ("kind fax.sent", "kind fax.failed")
    assert explain_unknown("fax", "sent", registry.kinds) == ""
    assert explain_unknown("fax", None, registry.kinds) == ""
    assert explain_unknown("fax", "send", registry.kinds) == "there is no kind fax.send; did you mean fax.sent?"
    assert explain_unknown("fax", "sent").startswith("there is no kind fax.sent")
    assert registry.extended([]).kinds == registry.kinds


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        ("fax.sent", "must return a list of Kind, not 'fax.sent' of type str"),
        (Kind("Fax.sent", "x"), "'Fax.sent' is not a kind; write two words"),
        (Kind("fax", "x"), "'fax' is not a kind"),
        (Kind("fax.sent", " "), "fax.sent needs a meaning"),
        (Kind("call.teleported", "x"), "the entity 'call' is Jackfield's"),
        (Kind("unmapped.fax", "x"), "the entity 'unmapped' is Jackfield's"),
    ],
)
def test_a_kind_that_cannot_be_is_reported_and_the_plugin_left_out(kind, problem):
    registry = Registry()
    assert not registry.add(Faxes(kind))
    assert problem in registry.failures[0].problem
    assert registry.kinds == {}


def test_an_entity_belongs_to_one_plugin_and_a_kind_is_there_once():
    registry = Registry()
    assert registry.add(Faxes(SENT))
    assert not registry.add(Faxes(Kind("fax.received", "x")))
    assert not Registry().add(Faxes(SENT, SENT))


class Forms:
    """A plugin with forms of a contact."""

    def __init__(self, *forms):
        self.forms = forms

    @hookimpl
    def jackfield_contact_formats(self):
        return list(self.forms)


LINES = ContactFormat("lines", "text/x-lines", lambda events, sinks: b"")


def test_a_plugin_may_write_contacts_in_a_form_of_its_own():
    registry = Registry()
    assert registry.add(Forms(LINES))
    assert registry.loaded[0].offers == ("contact format lines",)
    assert registry.extended([]).contact_formats == {"lines": LINES}


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ("lines", "must return a list of ContactFormat, not 'lines' of type str"),
        (attrs.evolve(LINES, media_type="text/x-other"), "another plugin already offers 'lines'"),
        (attrs.evolve(LINES, name="others"), "there is already a form with 'text/x-lines'"),
    ],
)
def test_a_form_that_cannot_be_is_reported_and_the_plugin_left_out(form, problem):
    registry = Registry()
    assert registry.add(Forms(LINES))
    assert not registry.add(Forms(form))
    assert problem in registry.failures[0].problem
    assert registry.contact_formats == {"lines": LINES}


@pytest.mark.parametrize(
    "wrong",
    [{"name": "My Form"}, {"media_type": "vcon"}, {"media_type": "text/x; v=1"}, {"media_type": "application/json"}],
)
def test_a_form_has_a_name_and_a_media_type_of_its_own(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        attrs.evolve(LINES, **wrong)
