"""Requests that nothing may hold up: threads, database connections and password checks of their own.

In the common pool forty slow pages would hold every thread, and a form waits for the turn to write before it is read.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request

from people.rights import Action
from web.request_context import Frame, NoCommune, deps_of, frame_from, own_form

Result = TypeVar("Result")

_threads = ThreadPoolExecutor(8, "urgent")


async def urgently(call: Callable[[], Result]) -> Result:
    return await asyncio.get_running_loop().run_in_executor(_threads, call)


async def urgent_frame(request: Request) -> Frame:
    """Raises what `web.request_context.frame_of` raises."""
    database = deps_of(request).desk.database
    return await urgently(lambda: frame_from(request, database))


UrgentIn = Annotated[Frame, Depends(urgent_frame)]


def urgent_changes(action: Action) -> Any:

    async def allowed(_own: Annotated[None, Depends(own_form)], frame: UrgentIn) -> None:
        if not frame.commune_id:
            raise NoCommune
        frame.need(action)

    allowed.action = action  # type: ignore[attr-defined] # read by the test that walks all routes
    return Depends(allowed)
