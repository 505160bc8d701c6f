"""ccxt, unchanged but for its addresses, trades a session against a network of real processes."""

import asyncio
import json
import sys
import time

import ccxt
import ccxt.pro

import venue

SYMBOL = "BTC/USDC:USDC"
CURRENCIES = {"currencies": ["USDC"]}


def exchange(module, port, secret=venue.SECRET):
    rest, ws = f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}/ws/api/v2"
    urls = {"api": {"rest": rest, "ws": ws}}
    return module.deribit({"apiKey": venue.KEY, "secret": secret, "urls": urls, "rateLimit": 1, "timeout": 60_000})


def wait_for_quotes(client, symbol):
    give_up = time.time() + 180
    while time.time() < give_up:
        book = client.fetch_order_book(symbol)
        if book["bids"] and book["asks"]:
            return book
        time.sleep(0.2)
    raise AssertionError(f"nobody quotes {symbol}")


def raises(error, call):
    try:
        call()
    except error:
        return
    raise AssertionError(f"{error.__name__} was expected")


def look_around(client):
    markets = client.load_markets()
    assert len(markets) > 100 and markets[SYMBOL]["linear"], len(markets)
    assert abs(client.fetch_time() - time.time() * 1000) < 60_000
    assert client.fetch_status()["status"] == "ok"
    book = wait_for_quotes(client, SYMBOL)
    assert book["bids"][0][0] < book["asks"][0][0] and book["nonce"] > 0, book
    ticker = client.fetch_ticker(SYMBOL)
    assert ticker["bid"] < ticker["ask"] and ticker["markPrice"] > 0, ticker
    option = nearest_call(client, ticker["last"] or ticker["markPrice"])
    wait_for_quotes(client, option)
    greeks = client.fetch_greeks(option)
    assert 0 < greeks["delta"] < 1 and greeks["markImpliedVolatility"] > 0, greeks
    chain = client.fetch_option_chain("USDC")
    assert option in chain, len(chain)
    assert client.fetch_tickers(params={"code": "USDC"})[SYMBOL]["bid"] > 0
    assert client.fetch_open_interest(SYMBOL)["symbol"] == SYMBOL
    assert abs(client.fetch_funding_rate(SYMBOL)["fundingRate"]) < 0.01
    assert client.fetch_option(option)["symbol"] == option
    assert client.fetch_currencies()["USDC"]["code"] == "USDC"
    return option


def nearest_call(client, price):
    now = client.milliseconds()
    calls = [it for it in client.markets.values() if it["option"] and it["optionType"] == "call"]
    calls = [it for it in calls if it["base"] == "BTC" and it["expiry"] > now + 3 * 86_400_000]
    return min(calls, key=lambda it: (it["expiry"], abs(it["strike"] - price)))["symbol"]


def rest_and_cancel(client):
    bid = client.fetch_order_book(SYMBOL)["bids"][0][0]
    low = float(client.price_to_precision(SYMBOL, bid * 0.9))
    order = client.create_order(SYMBOL, "limit", "buy", 0.01, low, {"label": "resting"})
    assert order["status"] == "open" and order["filled"] == 0, order
    assert [it["id"] for it in client.fetch_open_orders(SYMBOL)] == [order["id"]]
    edited = client.edit_order(order["id"], SYMBOL, "limit", "buy", 0.02, low)
    assert edited["id"] == order["id"] and edited["amount"] == 0.02, edited
    cancelled = client.cancel_order(order["id"], SYMBOL)
    assert cancelled["status"] == "canceled", cancelled
    assert client.fetch_order(order["id"], SYMBOL)["status"] == "canceled"
    stop = {"stopLossPrice": round(bid * 1.1), "trigger": "index_price"}
    waiting = client.create_order(SYMBOL, "limit", "buy", 0.01, round(bid * 1.1), stop)
    assert waiting["info"]["order_state"] == "untriggered", waiting
    for _ in range(3):
        client.create_order(SYMBOL, "limit", "buy", 0.01, low)
    client.cancel_all_orders(SYMBOL)
    assert client.fetch_open_orders(SYMBOL) == []
    raises(ccxt.InvalidOrder, lambda: client.create_order(SYMBOL, "limit", "buy", 0.01, bid * 1.1, {"postOnly": True}))
    raises(ccxt.InvalidOrder, lambda: client.create_order(SYMBOL, "limit", "buy", 0.01, 1))
    raises(ccxt.InsufficientFunds, lambda: client.create_order(SYMBOL, "limit", "buy", 9_000, low))
    raises(ccxt.OrderNotFound, lambda: client.fetch_order("12345678", SYMBOL))
    raises(ccxt.OrderNotFound, lambda: client.cancel_order("x", SYMBOL))
    raises(ccxt.InvalidOrder, lambda: client.cancel_order(order["id"], SYMBOL))


def take_and_close(client, option):
    since = client.milliseconds() - 60_000
    taken = client.create_order(SYMBOL, "market", "buy", 0.002)
    assert taken["filled"] > 0 and taken["status"] == "closed", taken
    trades = client.fetch_order_trades(taken["id"], SYMBOL)
    assert trades and trades[0]["takerOrMaker"] == "taker", trades
    mine = client.fetch_my_trades(SYMBOL, since=since)
    assert trades[0]["id"] in [it["id"] for it in mine], mine
    ask = client.fetch_order_book(option)["asks"][0][0]
    client.create_order(option, "limit", "buy", 0.01, ask, {"timeInForce": "IOC"})
    positions = [it for it in client.fetch_positions() if it["contracts"]]
    assert SYMBOL in [it["symbol"] for it in positions], positions
    held = client.fetch_position(SYMBOL)
    assert held["side"] == "long" and held["contracts"] == 0.002, held
    closed = client.create_order(SYMBOL, "market", "sell", 0.002, None, {"reduceOnly": True})
    assert closed["filled"] == 0.002, closed
    assert taken["id"] in [it["id"] for it in client.fetch_closed_orders(SYMBOL)]
    balance = client.fetch_balance()
    assert 0 < balance["USDC"]["free"] <= balance["USDC"]["total"], balance["USDC"]
    fees = client.fetch_trading_fees({"code": "USDC"})
    assert fees[SYMBOL]["taker"] > 0, fees[SYMBOL]
    public = client.fetch_trades(SYMBOL, limit=5)
    assert 0 < len(public) <= 5 and public[0]["timestamp"] <= public[-1]["timestamp"], public
    candles = client.fetch_ohlcv(SYMBOL, "1m", since)
    assert candles and candles[-1][2] >= candles[-1][3] > 0, candles


def look_back(client, option):
    """What a trader asks for at the end of the day; little of it has happened yet."""
    since = client.milliseconds() - 3_600_000
    assert isinstance(client.fetch_funding_rate_history(SYMBOL, since), list)
    assert isinstance(client.fetch_volatility_history("BTC"), list)
    assert client.fetch_liquidations(SYMBOL) == []
    assert client.fetch_my_liquidations(SYMBOL) == []
    deposits = client.fetch_deposits("USDC")
    assert [it["amount"] for it in deposits] == [1_000_000] and deposits[0]["status"] == "ok", deposits
    assert client.fetch_withdrawals("USDC") == [] and client.fetch_transfers("USDC") == []
    fees = client.fetch_deposit_withdraw_fees(["USDC"])
    assert fees["USDC"]["withdraw"]["fee"] is not None, fees
    accounts = client.fetch_accounts()
    assert accounts and accounts[0]["id"], accounts
    raises(ccxt.ExchangeError, lambda: client.withdraw("USDC", 1, "0x00"))
    raises(ccxt.ExchangeError, lambda: client.transfer("USDC", 1, "main", "12"))
    log = client.private_get_get_transaction_log(
        {"currency": "USDC", "start_timestamp": since, "end_timestamp": client.milliseconds()}
    )["result"]["logs"]
    assert {"trade", "deposit"} <= {it["type"] for it in log}, log
    balances = [(int(it["id"]), float(it["balance"]), float(it["change"])) for it in log]
    for (_, after, change), (_, before, _) in zip(balances, balances[1:]):
        assert abs(before + change - after) < 1e-5, (before, change, after)
    history = client.private_get_get_order_history_by_currency(
        {"currency": "USDC", "include_unfilled": "true", "count": 2, "with_continuation": "true"}
    )["result"]
    assert len(history["orders"]) == 2 and history["continuation"], history
    margins = client.private_get_get_margins({"instrument_name": "BTC_USDC-PERPETUAL", "amount": 1, "price": 90_000})
    assert float(margins["result"]["buy"]) >= 0, margins
    chart = client.fetch_ohlcv(option, "1h", since)
    assert isinstance(chart, list)


def make_markets(client):
    """Two sided quotes under market maker protection, and edits and cancels by label."""
    name = "BTC_USDC-PERPETUAL"
    bid = client.fetch_order_book(SYMBOL)["bids"][0][0]
    low = float(client.price_to_precision(SYMBOL, bid * 0.9))
    client.private_get_set_mmp_config(
        {"index_name": "btc_usdc", "interval": 60, "frozen_time": 0, "quantity_limit": 3.0}
    )
    config = client.private_get_get_mmp_config({"index_name": "btc_usdc"})["result"]
    assert float(config[0]["quantity_limit"]) == 3.0, config
    client.private_get_reset_mmp({"index_name": "btc_usdc"})
    client.private_get_buy({"instrument_name": name, "amount": 0.01, "price": low, "label": "mine"})
    edited = client.private_get_edit_by_label(
        {"instrument_name": name, "label": "mine", "amount": 0.03, "price": low}
    )["result"]["order"]
    assert float(edited["amount"]) == 0.03, edited
    by_label = client.private_get_get_open_orders_by_label({"currency": "USDC", "label": "mine"})["result"]
    assert [it["order_id"] for it in by_label] == [edited["order_id"]], by_label
    assert int(client.private_get_cancel_by_label({"label": "mine"})["result"]) == 1
    iceberg = {"instrument_name": name, "amount": 0.1, "price": low, "max_show": 0.01}
    shown = client.private_get_buy(iceberg)["result"]["order"]
    assert float(shown["display_amount"]) == 0.01, shown
    assert int(client.private_get_cancel_all_by_currency({"currency": "USDC"})["result"]) == 1


async def watch(port):
    client = exchange(ccxt.pro, port)
    client.options.update(CURRENCIES)
    patience = lambda awaited: asyncio.wait_for(awaited, 90)
    try:
        await client.load_markets()
        book = await patience(client.watch_order_book(SYMBOL))
        assert book["bids"][0][0] < book["asks"][0][0], book
        ticker = await patience(client.watch_ticker(SYMBOL))
        assert ticker["bid"] < ticker["ask"], ticker
        best = await patience(client.watch_bids_asks([SYMBOL]))
        assert best[SYMBOL]["bid"] < best[SYMBOL]["ask"], best
        balance = await patience(client.watch_balance())
        assert balance["USDC"]["total"]["USDC"] > 0, balance
        watched = asyncio.gather(
            *map(patience, [client.watch_orders(), client.watch_my_trades(), client.watch_trades(SYMBOL)]),
            patience(client.watch_ohlcv(SYMBOL, "1m")),
        )
        await asyncio.sleep(1)
        order = await client.create_order(SYMBOL, "market", "sell", 0.002)
        orders, mine, trades, candles = await watched
        several = await patience(client.watch_tickers([SYMBOL]))
        assert several[SYMBOL]["last"] > 0, several
        books = await patience(client.watch_order_book_for_symbols([SYMBOL, "ETH/USDC:USDC"]))
        assert books["bids"], books
        assert await patience(client.watch_trades_for_symbols([SYMBOL, "ETH/USDC:USDC"]))
        assert orders[0]["id"] == order["id"] and mine[0]["order"] == order["id"], (orders, mine)
        assert trades[0]["price"] > 0 and candles[-1][4] > 0, (trades, candles)
        raw = await patience(client.watch_order_book(SYMBOL, None, {"interval": "raw"}))
        await patience(client.watch_order_book(SYMBOL, None, {"interval": "raw"}))
        assert raw["bids"][0][0] < raw["asks"][0][0], raw
    finally:
        await client.close()


def main():
    with venue.running() as port:
        client = exchange(ccxt, port)
        option = look_around(client)
        rest_and_cancel(client)
        take_and_close(client, option)
        make_markets(client)
        look_back(client, option)
        raises(ccxt.AuthenticationError, exchange(ccxt, port, "wrong").fetch_balance)
        asyncio.run(watch(port))
    print(json.dumps({"passed": True, "ccxt": ccxt.__version__}))


if __name__ == "__main__":
    sys.exit(main())
