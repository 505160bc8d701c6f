"""ccxt, unchanged but for its addresses, trades against a network of real processes."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time

import ccxt
import ccxt.pro

SYMBOL = "BTC/USDC:USDC"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def exchange(module, port):
    rest, ws = f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}/ws/api/v2"
    return module.deribit({"apiKey": "demo", "secret": "demo", "urls": {"api": {"rest": rest, "ws": ws}}})


def wait_for_quotes(client):
    give_up = time.time() + 60
    while time.time() < give_up:
        try:
            book = client.fetch_order_book(SYMBOL)
            if book["bids"] and book["asks"]:
                return book
        except ccxt.BaseError:
            pass
        time.sleep(0.5)
    raise AssertionError("nobody quotes")


def trade(client):
    markets = client.load_markets()
    assert len(markets) > 100 and markets[SYMBOL]["linear"], len(markets)
    book = wait_for_quotes(client)
    assert book["bids"][0][0] < book["asks"][0][0], book
    ticker = client.fetch_ticker(SYMBOL)
    assert ticker["bid"] < ticker["ask"], ticker
    low = client.price_to_precision(SYMBOL, book["bids"][0][0] * 0.9)
    order = client.create_order(SYMBOL, "limit", "buy", 0.01, float(low), {"label": "resting"})
    assert order["status"] == "open" and order["filled"] == 0, order
    assert [it["id"] for it in client.fetch_open_orders(SYMBOL)] == [order["id"]]
    cancelled = client.cancel_order(order["id"], SYMBOL)
    assert cancelled["status"] == "canceled", cancelled
    assert client.fetch_open_orders(SYMBOL) == []
    taken = client.create_order(SYMBOL, "market", "buy", 0.002)
    assert taken["filled"] > 0, taken
    positions = [it for it in client.fetch_positions([SYMBOL]) if it["contracts"]]
    assert len(positions) == 1 and positions[0]["side"] == "long", positions
    balance = client.fetch_balance()
    assert 0 < balance["USDC"]["free"] < balance["USDC"]["total"], balance["USDC"]
    assert len(client.fetch_trades(SYMBOL)) > 0
    for wrong in [lambda: client.fetch_order("12345678", SYMBOL), lambda: client.cancel_order("x", SYMBOL)]:
        try:
            wrong()
        except ccxt.OrderNotFound:
            continue
        raise AssertionError("an unknown order was found")


async def watch(port):
    client = exchange(ccxt.pro, port)
    try:
        book = await asyncio.wait_for(client.watch_order_book(SYMBOL), 30)
        assert book["bids"] and book["asks"], book
    finally:
        await client.close()


def main():
    port = free_port()
    command = [os.environ["CLOCKLESS"], "demo", "--for", "120s", "--listen", f"127.0.0.1:{port}"]
    demo = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        first = demo.stdout.readline()
        assert "validators" in first, first
        trade(exchange(ccxt, port))
        asyncio.run(watch(port))
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait(timeout=60)
    print(json.dumps({"passed": True, "ccxt": ccxt.__version__}))


if __name__ == "__main__":
    sys.exit(main())
