#!/usr/bin/env python3
"""hftbacktest (the Python package) on the standing workloads of bench/README.md. Prints one JSON line.

usage: run_hftbacktest.py w1|w1-replay|w2 W1.csv [SETS.json]

The strategy is compiled by numba, and run once over the first rows, before the clock starts.
"""

import json
import sys
import time

import numpy as np
from hftbacktest import (
    BUY, BUY_EVENT, DEPTH_EVENT, EXCH_EVENT, GTX, LIMIT, LOCAL_EVENT, SELL_EVENT, TRADE_EVENT,
    BacktestAsset, ROIVectorMarketDepthBacktest,
)
from hftbacktest.types import event_dtype
from numba import njit

import common

VERSION = "2.4.4"
LATENCY_NS = 5_000_000
W1 = {"max_position": 1000, "size": 20, "interval_ms": 10}


def to_events(rows):
    events = np.zeros(len(rows), event_dtype)
    side = np.where(rows.side.to_numpy() > 0, BUY_EVENT, SELL_EVENT)
    kind = np.where(rows.trade.to_numpy(), TRADE_EVENT, DEPTH_EVENT)
    events["ev"] = (side | kind | EXCH_EVENT | LOCAL_EVENT).astype(np.uint64)
    events["exch_ts"] = rows.exch_us.to_numpy() * 1000
    events["local_ts"] = rows.local_us.to_numpy() * 1000
    events["px"] = rows.price_cents.to_numpy() / 100
    events["qty"] = rows.qty.to_numpy()
    return events


def build(events):
    asset = (
        BacktestAsset()
        .data(events)
        .linear_asset(1.0)
        .constant_order_latency(LATENCY_NS, LATENCY_NS)
        .power_prob_queue_model3(2.0)
        .no_partial_fill_exchange()
        .trading_value_fee_model(0.0, 0.0)
        .tick_size(0.01)
        .lot_size(1.0)
        .roi_lb(0.0)
        .roi_ub(1.0)
    )
    return ROIVectorMarketDepthBacktest([asset])


@njit
def quote(bot, interval_ns, max_position, lots):
    decisions = submits = order_id = 0
    cancels = np.zeros(64, np.uint64)
    while bot.elapse(interval_ns) == 0:
        decisions += 1
        bot.clear_inactive_orders(0)
        depth = bot.depth(0)
        bid, ask = depth.best_bid_tick, depth.best_ask_tick
        if bid < 1 or ask > 99 or bid >= ask:
            continue
        position = bot.position(0)
        want_buy = position < max_position
        want_sell = position > -max_position
        count = 0
        values = bot.orders(0).values()
        while values.has_next():
            order = values.get()
            if order.side == BUY and order.price_tick == bid:
                want_buy = False
            elif order.side != BUY and order.price_tick == ask:
                want_sell = False
            elif order.cancellable:
                cancels[count] = order.order_id
                count += 1
        for i in range(count):
            bot.cancel(0, cancels[i], False)
        if want_buy:
            order_id += 1
            submits += 1
            bot.submit_buy_order(0, order_id, bid * 0.01, lots, GTX, LIMIT, False)
        if want_sell:
            order_id += 1
            submits += 1
            bot.submit_sell_order(0, order_id, ask * 0.01, lots, GTX, LIMIT, False)
    return decisions, submits


@njit
def replay(bot):
    # The package has no run to the end: one step longer than any recording.
    bot.elapse(1_000_000_000_000_000_000)


def run(events, params):
    """Returns seconds, decisions, submits, fills and final position of one run; params None is replay only."""
    bot = build(events)
    start = time.perf_counter()
    if params is None:
        replay(bot)
        decisions = submits = 0
    else:
        decisions, submits = quote(bot, params["interval_ms"] * 1_000_000, float(params["max_position"]), float(params["size"]))
    wall_s = time.perf_counter() - start
    state = bot.state_values(0)
    fills, position = int(state.num_trades), float(state.position)
    bot.close()
    return np.array([wall_s, decisions, submits, fills, position])


def main(args):
    if len(args) != (3 if args[:1] == ["w2"] else 2) or args[0] not in ("w1", "w1-replay", "w2"):
        print(__doc__.strip().split("\n\n")[1], file=sys.stderr)
        return 2
    workload = args[0]
    events = to_events(common.load(args[1]))
    sets = [W1] if workload == "w1" else [None]
    if workload == "w2":
        try:
            sets = json.load(open(args[2]))["sets"]
        except (OSError, ValueError, KeyError) as error:
            common.fail(f"{args[2]}: {error}")
    run(events[:2000], sets[0])
    common.forget_peak()
    total = sum(run(events, params) for params in sets)
    common.report(
        "hftbacktest-python", VERSION, workload, 1, len(events) * len(sets), float(total[0]), events.nbytes / 2**20,
        int(total[1]), int(total[2]), int(total[3]), float(total[4]),
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
