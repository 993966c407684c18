"""grpc is imported without its asyncio half, which is there for whoever asks. Each in a process of its own."""

from __future__ import annotations

import pytest

from support.python import run


@pytest.mark.parametrize("plugin", ["resourcekit.terraform.server", "resourcekit.pulumi.server"])
def test_plugins_start_without_asyncio(plugin: str) -> None:
    code = (
        f"import sys, {plugin}; print(sorted({{'grpc', 'grpc.aio', 'asyncio', 'asyncio.events'}} & set(sys.modules)))"
    )
    assert run(code) == "['grpc']"


@pytest.mark.parametrize("first", ["", "import asyncio; ", "import grpc; ", "import grpc.aio; "])
def test_the_sync_part_of_grpc_is_available_on_request(first: str) -> None:
    code = first + (
        "import resourcekit.plugin.sync_grpc, grpc, asyncio; assert asyncio.run(asyncio.sleep(0, 7)) == 7; "
        "channel = grpc.aio.insecure_channel.__module__; import grpc.aio; "
        "print(channel, grpc.aio is __import__('sys').modules['grpc.aio'])"
    )
    assert run(code) == "grpc.aio._channel True"


def test_an_asynchronous_call_still_works() -> None:
    code = """
import resourcekit.plugin.sync_grpc, asyncio, grpc
async def main():
    server = grpc.aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        try:
            await channel.unary_unary("/none/None")(b"", timeout=20)
        except grpc.aio.AioRpcError as error:
            print(error.code().name)
    await server.stop(None)
asyncio.run(main())
"""
    assert run(code) == "UNIMPLEMENTED"
