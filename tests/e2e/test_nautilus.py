"""nautilus_trader's Deribit client, unchanged but for its addresses, against a network of real processes."""

import asyncio
import json
import sys

try:
    from nautilus_trader import __version__ as VERSION
    from nautilus_trader.core import nautilus_pyo3 as nautilus
except ImportError:
    print("skipped: nautilus_trader is not installed; it needs Python 3.12 or later")
    sys.exit(0)

import venue

PERPETUAL = nautilus.InstrumentId.from_str("BTC_USDC-PERPETUAL.DERIBIT")
ACCOUNT = nautilus.AccountId("DERIBIT-demo")
TRADER, STRATEGY = nautilus.TraderId("TESTER-001"), nautilus.StrategyId("S-001")


class Events:
    """What the client was told, by kind; market data comes as capsules."""

    def __init__(self):
        self.seen = []

    def __call__(self, event):
        self.seen.append(event)

    def kinds(self):
        return {type(event).__name__ for event in self.seen}

    async def wait_for(self, kind):
        for _ in range(900):
            found = [event for event in self.seen if type(event).__name__ == kind]
            if found:
                return found[-1]
            await asyncio.sleep(0.1)
        raise AssertionError(f"no {kind} came, only {sorted(self.kinds())}")


async def quoted_book(client, instrument):
    """The first book that has both sides: market makers start when the gateway is ready, not before."""
    for _ in range(900):
        book = await client.request_book_snapshot(instrument, depth=10)
        if book.best_bid_price() is not None and book.best_ask_price() is not None:
            return book
        await asyncio.sleep(0.2)
    raise AssertionError(f"nobody quotes {instrument}")


async def look_around(port):
    base = f"http://127.0.0.1:{port}/api/v2"
    client = nautilus.DeribitHttpClient(api_key=venue.KEY, api_secret=venue.SECRET, base_url=base)
    instruments = []
    for kind in (nautilus.DeribitProductType.FUTURE, nautilus.DeribitProductType.OPTION):
        instruments += await client.request_instruments(nautilus.DeribitCurrency.ANY, kind)
    assert len(instruments) > 100, len(instruments)
    client.cache_instruments(instruments)
    book = await quoted_book(client, PERPETUAL)
    assert book.best_bid_price() < book.best_ask_price(), book
    assert await client.request_trades(PERPETUAL, limit=10) is not None
    state = await client.request_account_state(ACCOUNT)
    assert state.balances, state
    await client.request_order_status_reports(ACCOUNT)
    await client.request_fill_reports(ACCOUNT)
    await client.request_position_status_reports(ACCOUNT)
    return client, instruments, float(str(book.best_bid_price()))


async def trade(port, instruments, bid):
    url = f"ws://127.0.0.1:{port}/ws/api/v2"
    client = nautilus.DeribitWebSocketClient(
        url=url, api_key=venue.KEY, api_secret=venue.SECRET, heartbeat_interval=30
    )
    events = Events()
    client.set_account_id(ACCOUNT)
    await client.connect(asyncio.get_running_loop(), instruments, events)
    await client.wait_until_active(60.0)
    await client.authenticate_session("nautilus-execution")
    assert client.is_authenticated()
    await client.subscribe_book(PERPETUAL)
    await client.subscribe_quotes(PERPETUAL)
    await client.subscribe_trades(PERPETUAL)
    await client.subscribe_ticker(PERPETUAL)
    await client.subscribe_user_orders()
    await client.subscribe_user_trades()
    await client.subscribe_user_portfolio()
    order = nautilus.ClientOrderId("O-1")
    who = (TRADER, STRATEGY, PERPETUAL)
    price = nautilus.Price.from_str(f"{round(bid * 0.9)}.0")
    quantity = nautilus.Quantity.from_str("0.010")
    limit, gtc = nautilus.OrderType.LIMIT, nautilus.TimeInForce.GTC
    await client.submit_order(nautilus.OrderSide.BUY, quantity, limit, order, *who, price, gtc)
    accepted = await events.wait_for("OrderAccepted")
    venue_id = str(accepted.venue_order_id)
    larger = nautilus.Quantity.from_str("0.020")
    await client.modify_order(venue_id, larger, price, order, *who)
    await events.wait_for("OrderUpdated")
    await client.cancel_order(venue_id, order, *who)
    await events.wait_for("OrderCanceled")
    taker = nautilus.ClientOrderId("O-2")
    high = nautilus.Price.from_str(f"{round(bid * 1.01)}.0")
    await client.submit_order(
        nautilus.OrderSide.BUY, quantity, limit, taker, *who, high, nautilus.TimeInForce.IOC
    )
    await events.wait_for("OrderFilled")
    await events.wait_for("PyCapsule")
    await client.close()
    return events.kinds()


async def session(port):
    client, instruments, bid = await look_around(port)
    kinds = await trade(port, instruments, bid)
    reports = await client.request_fill_reports(ACCOUNT, PERPETUAL)
    assert reports, "no fill is reported"
    positions = await client.request_position_status_reports(ACCOUNT)
    assert positions, "no position is reported"
    return kinds


def main():
    with venue.running() as port:
        kinds = asyncio.run(session(port))
    print(json.dumps({"passed": True, "nautilus_trader": VERSION, "events": sorted(kinds)}))


if __name__ == "__main__":
    sys.exit(main())
