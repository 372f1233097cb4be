"""`jackfield._gateway.arguments`: what a program gives by mistake is one clear error where it was given."""

import pytest

import jackfield

CONFIG = {
    "feeds": {
        "office": {
            "provider": "voipbin",
            "url": "ws://127.0.0.1:9/",
            "token": "t",
            "customer_id": "550e8400-e29b-41d4-a716-446655440000",
        }
    }
}


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (lambda gateway: gateway.listen(5), "selector: 5 is of type int; give each as a text"),
        (lambda gateway: gateway.listen(["call.*"]), r"selector: \['call.\*'\] is of type list; give each"),
        (lambda gateway: gateway.listen("**", buffer="9"), "buffer: '9' is of type str; give a number of events"),
        (lambda gateway: gateway.watch(5), "entity: 5 is of type int; give each as a text, of call, "),
        (lambda gateway: gateway.remove_route(5), "route: 5 is of type int; give the Route that add_route returned"),
    ],
)
async def test_a_slip_is_a_type_error_that_names_the_argument(call, problem):
    async with jackfield.open_gateway(CONFIG) as gateway:
        with pytest.raises(TypeError, match=problem):
            call(gateway)


async def test_events_are_published_one_by_one_and_not_as_a_list():
    async with jackfield.open_gateway(CONFIG) as gateway:
        with pytest.raises(TypeError, match=r"event: \[\] is of type list; give each as an Event, .*publish\(\*events"):
            await gateway.publish([])


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"config": 5}, "config: 5 is of type int; give a path, a mapping, or a GatewayConfig"),
        ({"config": CONFIG, "registry": 5}, "registry: 5 is of type int"),
        ({"config": CONFIG, "plugins": 5}, "plugins: 5 is of type int; give a list of plugin objects"),
    ],
)
async def test_what_a_gateway_cannot_be_opened_with_is_named(given, problem):
    with pytest.raises(TypeError, match=problem):
        async with jackfield.open_gateway(**given):
            pass
