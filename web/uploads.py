"""Bodies of requests, written to disk block by block; disk work happens in a worker thread."""

from collections.abc import AsyncIterator

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect

from broadcast.upload import Upload
from runtime.refusal import N_, Refusal

BLOCK_BYTES = 1 << 20


async def receive(upload: Upload, blocks: AsyncIterator[bytes]) -> None:
    """Write the blocks; abandon the upload when the browser goes away."""
    held = bytearray()
    try:
        async for block in blocks:
            held += block
            if len(held) >= BLOCK_BYTES:
                await run_in_threadpool(upload.write, bytes(held))
                held.clear()
        if held:
            await run_in_threadpool(upload.write, bytes(held))
    except ClientDisconnect:
        await run_in_threadpool(upload.abandon)
        return
    except BaseException:
        await run_in_threadpool(upload.abandon)
        raise
    await run_in_threadpool(upload.finish)


def body_of(request: Request) -> AsyncIterator[bytes]:
    """The request's body as a file. Raises Refusal for a form: it was read already, for its token."""
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise Refusal(N_("Send the file itself as the body of the request, not a form."))
    return request.stream()


async def blocks_of(file: UploadFile) -> AsyncIterator[bytes]:
    while block := await file.read(BLOCK_BYTES):
        yield block


async def blocks_of_form(request: Request) -> AsyncIterator[bytes]:
    """Of the form's field `file`."""
    async with request.form() as form:
        sent = form.get("file")
        if isinstance(sent, UploadFile):
            async for block in blocks_of(sent):
                yield block
