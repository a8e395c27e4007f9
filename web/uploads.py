"""Bodies of requests, written to disk block by block; disk work happens in a worker thread."""

from collections.abc import AsyncIterator

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect

from broadcast.upload import Upload

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
    await run_in_threadpool(upload.finish)


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
