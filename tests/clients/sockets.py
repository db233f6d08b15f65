"""Sockets, as agents and pages open them: the official client of Socket.IO for Python, and many raw connections.

    sockets.py watch URL AUTH CHANNEL...     prints what happens, and emits what it reads: ["name", data] per line
    sockets.py many URL KEY CHANNEL COUNT    opens COUNT connections, and prints when the next message reached each
"""

import asyncio
import json
import sys
import time
from urllib.parse import urlsplit

import aiohttp
import socketio


def say(**what):
    print(json.dumps(what), flush=True)


async def watch(url, auth, *channels):
    client = socketio.AsyncClient(reconnection_delay=0.05, reconnection_delay_max=0.1)

    @client.on("*", namespace="/ws")
    async def event(name, *data):
        if name != "pong":
            say(event=name, data=data[0] if data else None)

    @client.on("connect", namespace="/ws")
    async def connected():
        for channel in channels:
            await client.emit("subscribe:channel", channel, namespace="/ws")
        # A runner handles frames in order: after the answer the subscriptions are made. A deployment may handle them at once.
        await client.emit("ping", namespace="/ws")

    @client.on("pong", namespace="/ws")
    async def ready():
        say(event="ready", data=None)

    @client.on("disconnect", namespace="/ws")
    async def disconnected(*_):
        say(event="disconnected", data=None)

    @client.on("connect_error", namespace="/ws")
    async def refused(data):
        say(event="refused", data=data)

    path = urlsplit(url).path.strip("/") or "socket.io"
    try:
        await client.connect(url, auth=json.loads(auth), namespaces=["/ws"], transports=["websocket"], socketio_path=path)
    except socketio.exceptions.ConnectionError:
        return say(event="closed", data=None)
    while line := await asyncio.to_thread(sys.stdin.readline):
        name, data = json.loads(line)
        await client.emit(name, data, namespace="/ws")
    await client.disconnect()


async def open_raw(session, url, key, channel):
    socket = await session.ws_connect(f"{url}/socket.io/?EIO=4&transport=websocket")
    assert (await socket.receive_str()).startswith("0{")
    await socket.send_str(f"40/ws,{json.dumps({'apiKey': key})}")
    assert (await socket.receive_str()).startswith("40/ws,")
    await socket.send_str(f"42/ws,{json.dumps(['subscribe:channel', channel])}")
    await socket.send_str('42/ws,["ping"]')
    assert await socket.receive_str() == '42/ws,["pong"]'
    return socket


async def many(url, key, channel, count):
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        sockets = []
        while len(sockets) < int(count):
            batch = (open_raw(session, url, key, channel) for _ in range(min(50, int(count) - len(sockets))))
            sockets += await asyncio.gather(*batch)
        say(event="ready", data=len(sockets))
        while line := await asyncio.to_thread(sys.stdin.readline):
            frames = await asyncio.gather(*(next_event(socket) for socket in sockets))
            say(event="received", data=[at for _, at in frames], same=len({text for text, _ in frames}) == 1)


async def next_event(socket):
    while (text := await socket.receive_str()) == "2":
        await socket.send_str("3")
    return text, time.time()


asyncio.run({"watch": watch, "many": many}[sys.argv[1]](*sys.argv[2:]))
