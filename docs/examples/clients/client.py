"""Contacts by websocket, each done with once: python client.py [URL] (pip install websockets).

The gateway remembers what was acknowledged under the name "example", so this program keeps nothing.
"""

import asyncio
import json
import os
import sys

import websockets


async def main(url: str) -> None:
    """Follow, and come back after a cut or a restart of the gateway."""
    token = os.environ.get("JACKFIELD_TOKEN")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    address = url.replace("http", "ws", 1) + "/v1/events"
    connecting = websockets.connect(
        address, subprotocols=[websockets.Subprotocol("jackfield.v1")], additional_headers=headers
    )
    async for socket in connecting:  # connects again after each end
        ask = {"type": "subscribe", "id": "a", "select": ["contact.*"], "durable": "example", "after": "oldest"}
        await socket.send(json.dumps(ask))
        try:
            async for text in socket:
                message = json.loads(text)
                if message["type"] == "event":
                    event = message["event"]
                    print(event["type"], event["subject"], flush=True)  # what this program does with it
                    done = {"type": "acknowledge", "id": "a", "position": message["position"]}
                    await socket.send(json.dumps(done))
                elif message["type"] in ("error", "unsubscribed", "notice"):
                    print(message, file=sys.stderr)
        except websockets.ConnectionClosed:
            continue


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8322"))
