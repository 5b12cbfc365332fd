#!/usr/bin/env python3
"""nautilus_trader's BacktestEngine on workload W4 of bench/README.md. Prints one JSON line.

usage: run_nautilus.py w4|w4-replay FOLDER

A row is an L2 delta or a trade tick; a level that crosses the other side is followed by deltas that delete what it crossed, because
this engine keeps a crossed book crossed. The engine has no feed latency (exchange and strategy see a row together, at its local
time), answers at once, keeps no queue positions, and in this version fills a resting order of an L2 book only when the book comes
to its price, not when a trade prints there: it is asked for less than the other programs. Risk checks, logging and the analysis
at the end are off: what is timed is books, strategy, matching and accounts.
"""

import sys
import time

import numpy as np
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.backtest.models import LatencyModel
from nautilus_trader.config import BacktestEngineConfig, LoggingConfig, RiskEngineConfig, StrategyConfig
from nautilus_trader.model.currencies import USDC
from nautilus_trader.model.data import OrderBookDelta, TradeTick
from nautilus_trader.model.enums import (
    AccountType, AggressorSide, AssetClass, BookAction, BookType, OmsType, OrderSide, RecordFlag, TimeInForce,
)
from nautilus_trader.model.identifiers import InstrumentId, Symbol, TradeId, TraderId, Venue
from nautilus_trader.model.instruments import BinaryOption
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.trading.strategy import Strategy

import common

VERSION = "1.221.0"
VENUE = Venue("BENCH")
INTERVAL_NS = 10_000_000
LATENCY_NS = 5_000_000
LOTS = 20
MAX_POSITION = 1000


class Join(Strategy):
    """W1's rules on every market, decided at the first change of its book after each 10 ms."""

    def __init__(self, instruments):
        super().__init__(StrategyConfig(strategy_id="JOIN-1"))
        self.instruments = instruments
        self.due = {}
        self.decisions = self.submits = self.fills = 0
        self.live = {}
        self.net = {}

    def on_start(self):
        for instrument in self.instruments:
            self.due[instrument.id] = 0
            self.live[instrument.id] = []
            self.net[instrument.id] = 0.0
            self.subscribe_order_book_deltas(instrument.id, book_type=BookType.L2_MBP)

    def on_order_book_deltas(self, deltas):
        market = deltas.instrument_id
        if deltas.ts_init >= self.due[market]:
            self.due[market] = deltas.ts_init + INTERVAL_NS
            self.decide(market)

    def on_order_filled(self, event):
        self.fills += 1
        qty = float(event.last_qty)
        self.net[event.instrument_id] += qty if event.order_side == OrderSide.BUY else -qty

    def decide(self, market):
        self.decisions += 1
        book = self.cache.order_book(market)
        bid, ask = book.best_bid_price(), book.best_ask_price()
        live = self.live[market] = [order for order in self.live[market] if not order.is_closed]
        if bid is None or ask is None or bid >= ask:
            return
        net = self.net[market]
        want_buy, want_sell = net < MAX_POSITION, net > -MAX_POSITION
        for order in live:
            if order.side == OrderSide.BUY and order.price == bid:
                want_buy = False
            elif order.side == OrderSide.SELL and order.price == ask:
                want_sell = False
            elif not order.is_pending_cancel and not order.is_inflight:
                self.cancel_order(order)
        if want_buy:
            self.join(market, OrderSide.BUY, bid)
        if want_sell:
            self.join(market, OrderSide.SELL, ask)

    def join(self, market, side, price):
        order = self.order_factory.limit(market, side, Quantity(LOTS, 1), price, time_in_force=TimeInForce.GTC, post_only=True)
        self.live[market].append(order)
        self.submits += 1
        self.submit_order(order)


def make_instrument(number):
    symbol = Symbol(f"M{number:02}")
    return BinaryOption(
        instrument_id=InstrumentId(symbol, VENUE), raw_symbol=symbol, asset_class=AssetClass.ALTERNATIVE, currency=USDC,
        price_precision=2, size_precision=1, price_increment=Price(0.01, 2), size_increment=Quantity(0.1, 1),
        activation_ns=0, expiration_ns=2**62, ts_event=0, ts_init=0,
    )


class Converter:
    """Rows of one market to the engine's data objects."""

    def __init__(self, instrument, prices, sizes):
        self.id = instrument.id
        self.price_raw, self.sizes = prices, sizes
        self.book = {1: [0.0] * 100, -1: [0.0] * 100}
        self.sequence = 0

    def delta(self, side, cents, qty, ts, last):
        action = BookAction.UPDATE if qty > 0 else BookAction.DELETE
        self.sequence += 1
        return OrderBookDelta.from_raw(
            self.id, action, OrderSide.BUY if side > 0 else OrderSide.SELL, self.price_raw[cents].raw, 2, self.sizes(qty).raw, 1, cents,
            RecordFlag.F_LAST if last else 0, self.sequence, ts[0], ts[1],
        )

    def level(self, side, cents, qty, ts):
        other = self.book[-side]
        crossed = [] if qty == 0 else [
            p for p in (range(1, cents + 1) if side > 0 else range(cents, 100)) if other[p] > 0
        ]
        if qty == 0 and self.book[side][cents] == 0:
            return []
        self.book[side][cents] = qty
        out = [self.delta(side, cents, qty, ts, not crossed)]
        for i, p in enumerate(crossed):
            other[p] = 0.0
            out.append(self.delta(-side, p, 0.0, ts, i + 1 == len(crossed)))
        return out

    def trade(self, side, cents, qty, ts):
        self.sequence += 1
        return [
            TradeTick(
                self.id, self.price_raw[cents], self.sizes(qty), AggressorSide.BUYER if side > 0 else AggressorSide.SELLER,
                TradeId(str(self.sequence)), ts[0], ts[1],
            )
        ]


def to_objects(markets, instruments):
    """All markets' rows as one list in time order."""
    prices = [Price(p / 100, 2) for p in range(100)]
    known = {}

    def sizes(qty):
        size = known.get(qty)
        if size is None:
            size = known[qty] = Quantity(qty, 1)
        return size

    objects = []
    for rows, instrument in zip(markets, instruments):
        convert = Converter(instrument, prices, sizes)
        columns = (rows.exch_us, rows.local_us, rows.trade, rows.side, rows.price_cents, rows.qty)
        for exch, local, trade, side, cents, qty in zip(*(column.tolist() for column in columns)):
            ts = (exch * 1000, local * 1000)
            objects.extend(convert.trade(side, cents, qty, ts) if trade else convert.level(side, cents, qty, ts))
    order = np.argsort(np.fromiter((o.ts_init for o in objects), np.int64, len(objects)), kind="stable")
    return [objects[i] for i in order]


def make_engine(instruments):
    engine = BacktestEngine(
        BacktestEngineConfig(
            trader_id=TraderId("BENCH-1"), logging=LoggingConfig(bypass_logging=True), risk_engine=RiskEngineConfig(bypass=True),
            run_analysis=False,
        )
    )
    engine.add_venue(
        VENUE, OmsType.NETTING, AccountType.MARGIN, [Money(1_000_000_000, USDC)], book_type=BookType.L2_MBP,
        latency_model=LatencyModel(base_latency_nanos=LATENCY_NS),
        trade_execution=True, bar_execution=False, use_position_ids=False, frozen_account=True,
    )
    for instrument in instruments:
        engine.add_instrument(instrument)
    return engine


def main(args):
    if len(args) != 2 or args[0] not in ("w4", "w4-replay"):
        print(__doc__.strip().split("\n\n")[1], file=sys.stderr)
        return 2
    workload = args[0]
    markets = common.load_folder(args[1])
    rows = sum(len(m) for m in markets)
    instruments = [make_instrument(i + 1) for i in range(len(markets))]
    before = common.rss_mib()
    objects = to_objects(markets, instruments)
    del markets
    data_mib = common.rss_mib() - before
    engine = make_engine(instruments)
    engine.add_data(objects, validate=False, sort=False)
    strategy = Join(instruments)
    if workload == "w4":
        engine.add_strategy(strategy)
    common.forget_peak()
    start = time.perf_counter()
    engine.run()
    wall_s = time.perf_counter() - start
    common.report(
        "nautilus_trader", VERSION, workload, len(instruments), rows, wall_s, data_mib, strategy.decisions, strategy.submits,
        strategy.fills, round(sum(strategy.net.values()), 1), records=len(objects),
    )
    engine.dispose()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
