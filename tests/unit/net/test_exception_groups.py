"""`jackfield._net.exception_groups`: a body's exception leaves as itself, whatever wraps it, and hides no other."""

from contextlib import asynccontextmanager

import pytest
import trio
import trio.lowlevel

from jackfield._net.exception_groups import leaves, sole_cause, unwrapped


@asynccontextmanager
async def opened(*, failing=False):
    """As a gateway is: a nursery around the body."""

    async def fail():
        await trio.lowlevel.checkpoint()
        raise OSError("elsewhere")

    with unwrapped() as body:
        async with trio.open_nursery() as nursery:
            if failing:
                nursery.start_soon(fail)
            with body.watched():
                yield nursery
            nursery.cancel_scope.cancel()


@pytest.mark.parametrize("raised", [ValueError("mine"), KeyboardInterrupt(), ExceptionGroup("mine", [ValueError("a")])])
async def test_what_the_body_raises_leaves_as_itself(raised):
    with pytest.raises(type(raised)) as caught:
        async with opened():
            raise raised
    assert caught.value is raised


async def test_what_something_else_raises_leaves_as_a_group():
    with pytest.raises(ExceptionGroup) as caught:
        async with opened(failing=True):
            await trio.sleep_forever()
    assert [str(each) for each in leaves(caught.value)] == ["elsewhere"]


async def test_nothing_that_is_raised_beside_the_bodys_own_is_hidden():
    with pytest.raises(ExceptionGroup) as caught:
        async with opened(failing=True):
            try:
                await trio.sleep_forever()
            finally:
                raise ValueError("mine")
    assert {str(each) for each in leaves(caught.value)} == {"elsewhere", "mine"}


async def test_a_cancelled_body_is_cancelled():
    with trio.move_on_after(0) as scope:
        async with opened():
            await trio.sleep_forever()
    assert scope.cancelled_caught


def test_a_cause_that_is_alone_stands_for_its_group():
    cause = ValueError("x")
    assert sole_cause(ExceptionGroup("a", [ExceptionGroup("b", [cause])])) is cause
    group = ExceptionGroup("a", [cause, OSError()])
    assert sole_cause(group) is group
