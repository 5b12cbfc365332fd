/* settings.c -- tables of what a user can set about venues, feeds and servers; see pmm/settings.h. */
#include "pmm/settings.h"
#include "exchange/row.h"

#define CNT(table) (sizeof table / sizeof table[0])

#define V(...) PMM__ROW(pmm_venue_params_t, __VA_ARGS__)
const pmm_param_t pmm_venue_param_table[] = {
  V(TEXT, name, "name", "", 0, 0, "", NULL, "for logs and reports; empty: the venue's"),
  V(ENUM, venue, "venue", "kalshi", 0, 0, "", "kalshi|polymarket|degen", "which protocol it speaks"),
  V(TEXT, rest, "rest", "", 0, 0, "", NULL, "base URL of its REST interface; empty: the venue's production host"),
  V(TEXT, ws, "ws", "", 0, 0, "", NULL, "base URL of its WebSocket; empty: the venue's production host"),
  V(TEXT, gamma, "gamma", "", 0, 0, "", NULL, "Polymarket: base URL of the catalogue; empty: production, or rest where that is set"),
  V(TEXT, data, "data", "", 0, 0, "", NULL, "Polymarket: base URL of the data interface; empty: production, or rest where that is set"),
  V(TEXT, markets, "markets", "", 0, 0, "", NULL, "what to trade, separated by spaces: ids, tickers or slugs; series:X and event:X stand for all open markets of one"),
  V(TEXT, groups, "groups", "", 0, 0, "", NULL, "ID=GROUP ...: puts markets into an exposure group, so that several venues share it"),
  V(ENUM, open_orders, "open_orders", "cancel", 0, 0, "", "cancel|adopt", "what becomes of our open orders found at the start"),
  V(DURATION, reconcile_ns, "reconcile", "30s", 1, 3600, "s", NULL, "orders, positions, balance and fills are read again this often"),
  V(DURATION, dead_man_ns, "dead_man", "10s", 0, 3600, "s", NULL, "the venue cancels our orders when it has not heard of us for this long, where it can; 0: off"),
  V(DURATION, request_timeout_ns, "request_timeout", "5s", 0.05, 120, "s", NULL, "a request unanswered for this long has an unknown outcome and is looked up"),
  V(DURATION, stale_ns, "stale", "15s", 1, 3600, "s", NULL, "a book without a word for this long is probed by REST, and not trusted until that agrees"),
  V(DURATION, skew_max_ns, "skew_max", "2s", 0.01, 60, "s", NULL, "our clock may differ this much from the venue's before it is an alert"),
  V(INT, batch_max, "batch", "10", 1, 100, "", NULL, "most orders in one request; 1: no batches"),
  V(INT, prepared, "prepared", "16", 0, 4096, "", NULL, "Polymarket: prices and sizes for which signed orders are kept ready, per market and side; 0: none"),
  V(DURATION, prepared_age_ns, "prepared_age", "60s", 1, 86400, "s", NULL, "Polymarket: a signed order kept for longer is not used"),
  V(INT, subaccount, "subaccount", "0", 0, 63, "", NULL, "Kalshi: subaccount; 0: the main one"),
  V(BOOL, yes_price, "yes_price", "false", 0, 0, "", NULL, "Kalshi: ask for NO levels in YES prices (the venue's coming default)"),
  V(INT, chain_id, "chain_id", "137", 1, 1e9, "", NULL, "Polymarket: 137, or 80002 (Amoy)"),
  V(INT, signature_type, "signature_type", "-1", -1, 3, "", NULL, "Polymarket: 0 EOA, 1 proxy, 2 Safe, 3 deposit wallet; -1: POLY_SIGNATURE_TYPE, or 0"),
  V(BOOL, deflate, "deflate", "true", 0, 0, "", NULL, "offer permessage-deflate"),
};
const size_t pmm_venue_param_cnt = CNT(pmm_venue_param_table);

#define F(...) PMM__ROW(pmm_feed_params_t, __VA_ARGS__)
const pmm_param_t pmm_feed_param_table[] = {
  F(TEXT, name, "name", "", 0, 0, "", NULL, "for logs; empty: the source's"),
  F(ENUM, source, "source", "binance", 0, 0, "", "binance|coinbase|coinbase_advanced|rtds|polybolt|kalshi_index", "which protocol it speaks"),
  F(TEXT, url, "url", "", 0, 0, "", NULL, "base URL; empty: production"),
  F(TEXT, symbol, "symbol", "btcusdt", 0, 0, "", NULL, "in the source's own words: btcusdt, BTC-USD, btc/usd, btcusd, BRTI"),
  F(TEXT, underlying, "underlying", "BTC", 0, 0, "", NULL, "whose price it is; feeds of one underlying are merged"),
  F(TEXT, channel, "channel", "", 0, 0, "", NULL, "stream or channel; empty: the source's usual one"),
  F(BOOL, settlement, "settlement", "false", 0, 0, "", NULL, "this series settles markets on the underlying"),
  F(DURATION, warn_ns, "warn", "0", 0, 3600, "s", NULL, "silent for this long: a warning; 0: the source's own"),
  F(DURATION, stale_ns, "stale", "0", 0, 3600, "s", NULL, "silent for this long: not used; 0: the source's own"),
  F(DURATION, rotate_ns, "rotate", "0", 0, 86400, "s", NULL, "a fresh connection this often; 0: the source's own"),
};
const size_t pmm_feed_param_cnt = CNT(pmm_feed_param_table);

#define M(...) PMM__ROW(pmm_merge_params_t, __VA_ARGS__)
const pmm_param_t pmm_merge_param_table[] = {
  M(F64, max_dev_bps, "max_dev_bps", "50", 0.1, 10000, "bps", NULL, "a source further from the median is dropped, and re-admitted at half"),
  M(INT, quorum, "quorum", "2", 1, 16, "", NULL, "healthy sources needed for a price"),
  M(F64, basis_half_life_s, "basis_half_life", "60", 1, 86400, "s", NULL, "of the offset between a source and the settlement series"),
  M(F64, jump_sigma, "jump_sigma", "12", 1, 1000, "", NULL, "a move of one source alone beyond this many deviations of a second is held"),
  M(DURATION, jump_hold_ns, "jump_hold", "500ms", 0, 60, "s", NULL, "for this long, or until a second source moves"),
  M(DURATION, clock_drift_ns, "clock_drift", "250ms", 0.001, 60, "s", NULL, "a drift of receive minus source time beyond this is an alert"),
  M(BOOL, single_ok, "single_ok", "true", 0, 0, "", NULL, "one source is enough where only one is configured"),
};
const size_t pmm_merge_param_cnt = CNT(pmm_merge_param_table);

#define S(...) PMM__ROW(pmm_serve_params_t, __VA_ARGS__)
const pmm_param_t pmm_serve_param_table[] = {
  S(ENUM, dialect, "dialect", "degen", 0, 0, "", "kalshi|polymarket|degen|binance|coinbase|coinbase_advanced|rtds|polybolt|kalshi_index",
    "whose protocol it speaks: a venue's, or a price feed's"),
  S(TEXT, bind, "bind", "127.0.0.1", 0, 0, "", NULL, "address to listen on"),
  S(INT, port, "port", "0", 0, 65535, "", NULL, "0: any free one"),
  S(TEXT, cert, "cert", "", 0, 0, "", NULL, "TLS certificate chain, PEM; empty: plain"),
  S(TEXT, key, "key", "", 0, 0, "", NULL, "its private key, PEM"),
  S(DURATION, skew_ns, "skew", "0", 0, 3600, "s", NULL, "clock window of signed requests; 0: the venue's"),
  S(DURATION, settle_ns, "settle", "0", 0, 86400, "s", NULL, "from a match to its final settlement; 0: the venue's (Polymarket 4 s, others at once)"),
  S(F64, fail_share, "fail_share", "0", 0, 1, "", NULL, "of trades whose settlement fails"),
  S(DURATION, lag_ns, "lag", "0", 0, 60, "s", NULL, "reads of balances, positions and orders show the state so long ago"),
  S(F64, ghost_share, "ghost_share", "0", 0, 1, "", NULL, "of trades that are told and then undone"),
  S(BOOL, rate_limit, "rate_limit", "true", 0, 0, "", NULL, "the venue's own rate limits"),
  S(DURATION, heartbeat_ns, "heartbeat", "10s", 0, 3600, "s", NULL, "Polymarket: once heartbeats began, orders are cancelled when none came for this long"),
};
const size_t pmm_serve_param_cnt = CNT(pmm_serve_param_table);

#define L(...) PMM__ROW(pmm_listing_params_t, __VA_ARGS__)
const pmm_param_t pmm_listing_param_table[] = {
  L(TEXT, id, "id", "DEMO", 0, 0, "", NULL, "the market's name"),
  L(TEXT, event, "event", "", 0, 0, "", NULL, "exposure group; empty: its id"),
  L(TEXT, title, "title", "", 0, 0, "", NULL, "what it asks"),
  L(TEXT, dialect, "dialect", "", 0, 0, "", NULL, "listed in this dialect only; empty: in each, with a book of its own"),
  L(PRICE, tick_e4, "tick", "0.01", 0.0001, 0.5, "dollars", NULL, "price step"),
  L(TEXT, grid, "grid", "", 0, 0, "", NULL, "Kalshi's name of a grid with several steps (tapered_deci_cent ...); empty: tick everywhere"),
  L(QTY, min_size_e6, "min_size", "0", 0, 1e6, "contracts", NULL, "smallest order; 0: the dialect's"),
  L(QTY, lot_e6, "lot", "0", 0, 1e6, "contracts", NULL, "sizes are multiples of this; 0: the dialect's"),
  L(ENUM, fees, "fees", "venue", 0, 0, "", "venue|none|kalshi|polymarket|degen", "fee schedule"),
  L(F64, taker_rate, "taker_rate", "-1", -1, 1, "", NULL, "below 0: the schedule's usual"),
  L(F64, maker_rate, "maker_rate", "-1", -1, 1, "", NULL, "below 0: the schedule's usual"),
  L(BOOL, neg_risk, "neg_risk", "false", 0, 0, "", NULL, "Polymarket: signed for the negative-risk exchange"),
  L(BOOL, exchange_v3, "exchange_v3", "false", 0, 0, "", NULL, "Polymarket: a market of the third exchange, for which its orders are signed (Gamma's version v2)"),
  L(TEXT, asset, "asset", "", 0, 0, "", NULL, "underlying; empty: none"),
  L(F64, strike, "strike", "0", 0, 1e9, "dollars", NULL, "YES when the underlying ends above it; 0: none"),
  L(DURATION, duration_ns, "duration", "1h", 0, 31536000, "s", NULL, "from the start to its close; 0: stays open"),
  L(F64, p0, "p0", "0.5", 0.001, 0.999, "", NULL, "where synthetic traders begin"),
  L(TEXT, tape, "tape", "", 0, 0, "", NULL, "FILE[:MARKET]: a recording as background flow instead of synthetic traders"),
};
const size_t pmm_listing_param_cnt = CNT(pmm_listing_param_table);

#define A(...) PMM__ROW(pmm_member_params_t, __VA_ARGS__)
const pmm_param_t pmm_member_param_table[] = {
  A(TEXT, name, "name", "maker", 0, 0, "", NULL, "the account's name"),
  A(CASH, cash_e6, "cash", "10000", 0, 1e9, "dollars", NULL, "deposited at the start"),
  A(TEXT, kalshi_key_id, "kalshi_key_id", "", 0, 0, "", NULL, "KALSHI-ACCESS-KEY it comes with"),
  A(TEXT, kalshi_public_key, "kalshi_public_key", "", 0, 0, "", NULL, "its public key, a PEM file"),
  A(TEXT, polymarket_address, "polymarket_address", "", 0, 0, "", NULL, "the signer's address"),
  A(TEXT, polymarket_funder, "polymarket_funder", "", 0, 0, "", NULL, "the maker's address where it differs (proxy, Safe, deposit wallet)"),
  A(TEXT, degen_secret_env, "degen_secret_env", "", 0, 0, "", NULL, "environment variable with the secret its tokens are signed with; empty: DEGEN_EXCHANGE_SECRET"),
};
const size_t pmm_member_param_cnt = CNT(pmm_member_param_table);

#define X(...) PMM__ROW(pmm_faults_params_t, __VA_ARGS__)
const pmm_param_t pmm_faults_param_table[] = {
  X(INT, seed, "seed", "1", 0, 9007199254740992.0, "", NULL, "the same seed gives the same faults"),
  X(DURATION, delay_ns, "delay", "0", 0, 60, "s", NULL, "answers and messages are late by this"),
  X(DURATION, delay_jitter_ns, "delay_jitter", "0", 0, 60, "s", NULL, "and by up to this more"),
  X(F64, drop_request, "drop_request", "0", 0, 1, "", NULL, "share of requests that never arrive"),
  X(F64, drop_answer, "drop_answer", "0", 0, 1, "", NULL, "share of requests that are handled and whose answer is lost"),
  X(F64, error_5xx, "error_5xx", "0", 0, 1, "", NULL, "share of requests refused with 500, 502, 503 or 504"),
  X(F64, error_5xx_after, "error_5xx_after", "0", 0, 1, "", NULL, "share of requests handled and then answered so"),
  X(F64, rate_limited, "rate_limited", "0", 0, 1, "", NULL, "share of requests answered 429"),
  X(F64, restart_425, "restart_425", "0", 0, 1, "", NULL, "share of requests answered 425, as while a venue restarts"),
  X(F64, duplicate, "duplicate", "0", 0, 1, "", NULL, "share of socket messages sent twice"),
  X(F64, reorder, "reorder", "0", 0, 1, "", NULL, "share of socket messages sent after the next one"),
  X(F64, lose, "lose", "0", 0, 1, "", NULL, "share of socket messages not sent: a gap"),
  X(F64, disconnect_per_s, "disconnect_rate", "0", 0, 1000, "1/s", NULL, "how often a socket is cut"),
  X(F64, mute_per_s, "mute_rate", "0", 0, 1000, "1/s", NULL, "how often a socket falls silent"),
  X(DURATION, mute_ns, "mute", "30s", 0, 3600, "s", NULL, "and for how long"),
  X(F64, slow_read_per_s, "slow_rate", "0", 0, 1000, "1/s", NULL, "how often what clients send is left unread"),
  X(DURATION, slow_ns, "slow", "5s", 0, 3600, "s", NULL, "and for how long"),
};
const size_t pmm_faults_param_cnt = CNT(pmm_faults_param_table);

#define R(...) PMM__ROW(pmm_live_params_t, __VA_ARGS__)
const pmm_param_t pmm_live_param_table[] = {
  R(TEXT, state, "state", "", 0, 0, "", NULL, "folder for what must survive a restart; empty: ~/.local/state/pmm"),
  R(TEXT, secrets, "secrets", "", 0, 0, "", NULL, "a file of NAME=value lines that only its owner can read, beside the environment; empty: none"),
  R(TEXT, ca, "ca", "", 0, 0, "", NULL, "PEM file of further trusted authorities; empty: the system's only"),
  R(TEXT, record, "record", "", 0, 0, "", NULL, "folder for tapes of everything seen; empty: none"),
  R(DURATION, record_every_ns, "record_every", "1h", 10, 604800, "s", NULL, "a new tape this often"),
  R(DURATION, shutdown_ns, "shutdown", "4s", 0.1, 60, "s", NULL, "time for cancelling everything at the end"),
  R(F64, difference_dollars, "difference", "0.000001", 0, 1e6, "dollars", NULL, "ledger against venue: more than this is a difference"),
  R(BOOL, difference_stops, "difference_stops", "true", 0, 0, "", NULL, "a lasting difference pulls the kill switch"),
};
const size_t pmm_live_param_cnt = CNT(pmm_live_param_table);
