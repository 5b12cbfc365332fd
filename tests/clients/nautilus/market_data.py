"""nautilus_trader's Polymarket data client, unmodified, against `pmm exchange`: instruments over REST, both tokens' books, quotes and trades over the
market channel. The market must have background traders. Its books, kept from messages alone, must be the exchange's own several times.

    market_data.py URL SLUG
"""

import json
import sys
import time
import urllib.request
from datetime import timedelta

from nautilus_trader.adapters.polymarket import POLYMARKET
from nautilus_trader.adapters.polymarket import PolymarketDataClientConfig
from nautilus_trader.adapters.polymarket import PolymarketLiveDataClientFactory
from nautilus_trader.adapters.polymarket import get_polymarket_instrument_id
from nautilus_trader.common.actor import Actor
from nautilus_trader.config import ActorConfig
from nautilus_trader.config import InstrumentProviderConfig
from nautilus_trader.config import LoggingConfig
from nautilus_trader.config import TradingNodeConfig
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.enums import BookType

AGREE_WANTED = 5  # comparisons in which both tokens' books are the exchange's
SECONDS_MAX = 60


def get(url):
    with urllib.request.urlopen(url, timeout=5) as answer:
        return json.load(answer)


def sides(levels):
    return {(round(float(p), 6), round(float(s), 6)) for p, s in levels}


class Watcher(Actor):
    """Subscribes to both tokens and compares its books with the exchange's once a while."""

    def __init__(self, url, instrument_ids, tokens, done):
        super().__init__(ActorConfig())
        self.url, self.instrument_ids, self.tokens, self.done = url, instrument_ids, tokens, done
        self.seen = {"deltas": 0, "quotes": 0, "trades": 0, "compared": 0, "agreed": 0}

    def on_start(self):
        for instrument_id in self.instrument_ids:
            self.subscribe_order_book_deltas(instrument_id, book_type=BookType.L2_MBP)
            self.subscribe_quote_ticks(instrument_id)
            self.subscribe_trade_ticks(instrument_id)
        self.clock.set_timer("compare", timedelta(milliseconds=300), callback=self.on_compare)

    def on_order_book_deltas(self, deltas):
        self.seen["deltas"] += 1

    def on_quote_tick(self, tick):
        self.seen["quotes"] += 1

    def on_trade_tick(self, tick):
        self.seen["trades"] += 1

    def same(self, instrument_id, token):
        book = self.cache.order_book(instrument_id)
        if book is None:
            return False
        want = get(f"{self.url}/book?token_id={token}")
        for mine, theirs in ((book.bids(), want["bids"]), (book.asks(), want["asks"])):
            if sides((l.price, l.size()) for l in mine) != sides((l["price"], l["size"]) for l in theirs):
                return False
        return True

    def on_compare(self, event):
        if self.seen["deltas"] == 0:
            return
        self.seen["compared"] += 1
        # A message may be under way while the exchange is asked: then the two differ until it has come.
        if all(self.same(i, t) for i, t in zip(self.instrument_ids, self.tokens)):
            self.seen["agreed"] += 1
        if self.seen["agreed"] >= AGREE_WANTED and self.seen["trades"] > 0 and self.seen["quotes"] > 0:
            self.done()


def main():
    url, slug = sys.argv[1:3]
    market = next(m for m in get(f"{url}/markets")["data"] if m["market_slug"] == slug)
    tokens = [t["token_id"] for t in market["tokens"]]
    ids = [get_polymarket_instrument_id(market["condition_id"], t) for t in tokens]
    config = TradingNodeConfig(
        trader_id="WATCHER-001",
        logging=LoggingConfig(log_level="WARNING"),
        data_clients={
            POLYMARKET: PolymarketDataClientConfig(
                instrument_provider=InstrumentProviderConfig(load_ids=frozenset(str(i) for i in ids)),
                base_url_http=url,
                base_url_ws=url.replace("http", "ws", 1) + "/ws/",
                ws_connection_initial_delay_secs=0.2,
                # A public development account: nothing is signed with it, the client only wants to have one.
                private_key="0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
                funder="0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
                api_key="none",
                api_secret="none",
                passphrase="none",
            ),
        },
        timeout_connection=20,
        timeout_disconnection=2,
        timeout_post_stop=0.1,
    )
    node = TradingNode(config=config)
    node.add_data_client_factory(POLYMARKET, PolymarketLiveDataClientFactory)
    node.build()
    loop = node.get_event_loop()
    watcher = Watcher(url, ids, tokens, lambda: loop.call_soon_threadsafe(node.stop))
    node.trader.add_actor(watcher)
    began = time.monotonic()
    loop.call_later(SECONDS_MAX, node.stop)
    node.run()
    node.dispose()
    print("nautilus:", json.dumps(watcher.seen), f"{time.monotonic() - began:.1f} s")
    seen = watcher.seen
    return 0 if seen["agreed"] >= AGREE_WANTED and seen["trades"] > 0 and seen["quotes"] > 0 else 1


sys.exit(main())
