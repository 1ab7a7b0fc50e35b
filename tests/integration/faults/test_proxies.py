"""The harness's own proxies: what they do to a connection is what a fault in the matrix stands for."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from cti.ports import free_port
from tests.house.faults.proxies import Address, Proxy, Way

pytestmark = pytest.mark.integration


@pytest_asyncio.fixture
async def proxy() -> AsyncIterator[Proxy]:
    """Before a door that says everything back."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1000):
            writer.write(data)
        writer.close()

    async with (
        await asyncio.start_server(echo, "127.0.0.1", 0) as server,
        Proxy(Address(free_port()), Address(server.sockets[0].getsockname()[1])) as proxy,
    ):
        yield proxy


async def test_it_carries_both_ways(proxy: Proxy):
    reader, writer = await proxy.here.connect()
    writer.write(b"hello")
    assert await asyncio.wait_for(reader.readexactly(5), 5) == b"hello"
    writer.close()


async def test_cut_it_breaks_what_there_is_and_what_comes(proxy: Proxy):
    reader, writer = await proxy.here.connect()
    writer.write(b"hello")
    await asyncio.wait_for(reader.readexactly(5), 5)
    proxy.go(Way.CUT)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await asyncio.wait_for(reader.readexactly(1), 5)
    late, _ = await proxy.here.connect()
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await asyncio.wait_for(late.readexactly(1), 5)


async def test_mute_it_says_nothing_until_it_may_again(proxy: Proxy):
    reader, writer = await proxy.here.connect()
    proxy.go(Way.MUTE)
    writer.write(b"hello")
    answer = asyncio.create_task(reader.readexactly(5))
    done, _ = await asyncio.wait({answer}, timeout=0.3)
    assert not done
    proxy.go(Way.PASS)
    assert await asyncio.wait_for(answer, 5) == b"hello"
    writer.close()


async def test_shut_it_refuses_and_keeps_who_is_there(proxy: Proxy):
    reader, writer = await proxy.here.connect()
    writer.write(b"a")
    await asyncio.wait_for(reader.readexactly(1), 5)
    await proxy.shut()
    with pytest.raises(ConnectionRefusedError):
        await proxy.here.connect()
    writer.write(b"b")
    assert await asyncio.wait_for(reader.readexactly(1), 5) == b"b"
    writer.close()
