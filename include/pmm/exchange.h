/* pmm/exchange.h -- the venue's side, in process: a fill simulator over recorded books, a real matching engine for
   synthetic markets, latency models, synthetic traders and random scenarios. Both venues take the engine's actions
   and give account events (ACK .. EXPIRED); neither knows a strategy. Single-threaded, nothing allocated after init. */
#ifndef PMM_EXCHANGE_H
#define PMM_EXCHANGE_H
#include "pmm/arena.h"
#include "pmm/book.h"
#include "pmm/event.h"
#include "pmm/market.h"
#include "pmm/param.h"
#include "pmm/rng.h"

/* ---- fill simulation over recorded data -------------------------------------------------------------------------
   Our orders are not in the recorded book: the simulator keeps for each the quantity ahead of it, moved by trades at its
   price and, by a model, by decreases that no trade explains.
     front         ahead is 0: an optimist's bound
     back          the default: only trades move us forward; ahead also never exceeds what the level still shows
     proportional  a decrease not due to trades falls ahead of us in proportion ahead/level
     power         probability model: the share of such a decrease that was ahead is f(front)/(f(front)+f(back)), f(x) = x^n,
                   front = ahead, back = level - ahead (hftbacktest's PowerProbQueueModel)
     power_share   the same with the share (ahead/level)^n: who stands further back counts for less (its PowerProbQueueFunc3)
   A print at our price fills what exceeds the quantity ahead; a print beyond our price fills us at our price, since we
   had priority over it; in sum never more than the print's quantity, over all our orders. */
typedef enum pmm_queue_model { PMM_QUEUE_FRONT, PMM_QUEUE_BACK, PMM_QUEUE_PROPORTIONAL, PMM_QUEUE_POWER, PMM_QUEUE_POWER_SHARE } pmm_queue_model_t;
typedef enum pmm_cross_fill { PMM_CROSSFILL_AUTO /* markets without trades on the tape */, PMM_CROSSFILL_ALWAYS, PMM_CROSSFILL_NEVER } pmm_cross_fill_t;

/* Whether a YES and a NO of one account become a dollar at once; auto: on every venue but Polymarket. Where they do, Kalshi (and the
   plain simulated venue) knows one signed position only, so that selling what is not held opens the opposite; elsewhere such an
   order is refused. */
typedef enum pmm_netting { PMM_NET_AUTO, PMM_NET_ALWAYS, PMM_NET_NEVER } pmm_netting_t;
static inline bool pmm_net_applies(int32_t net, const pmm_market_t *market) {
  return net == PMM_NET_AUTO ? market->venue != PMM_VENUE_POLYMARKET : net == PMM_NET_ALWAYS;
}

/* Where a recording has no book to fill from, chance fills: at each price (in a book market: at the end of each message, from the mid) a
   resting order at distance d dollars fills wholly with probability 1 - exp(-rate exp(-decay d) dt), dt the time it was exposed since
   the price before, at most max_dt; certainly once the price is through it. auto: markets with prices and no book (PMM_DATA_PRICE).
   Takers trade there at the price plus (buys) or less (sales) the half spread. Draws come from the run's seed, one an order and look,
   bids first, best first. The rate is the user's claim, not the recording's. Form: Avellaneda, Stoikov, Quant. Finance 8(3), 2008. */
typedef enum pmm_fill_model { PMM_FILL_AUTO, PMM_FILL_BOOK, PMM_FILL_BERNOULLI } pmm_fill_model_t;
bool pmm_fill_is_bernoulli(int32_t fill_model, const pmm_market_t *market);

/* Token buckets of requests, full at first; a request that finds too few tokens costs none and is refused with PMM_REJECT_RATE. Figures
   and sources: docs/exchange.md. Kalshi: basic tier. Polymarket: standard tier, orders and cancels apart; amends count as orders. */
typedef enum pmm_rate_limit { PMM_RATE_NONE, PMM_RATE_KALSHI, PMM_RATE_POLYMARKET, PMM_RATE_DEGEN, PMM_RATE_CUSTOM } pmm_rate_limit_t;

/* Fills that settle later wait in the simulator, at most this many; beyond, the one due first is final early. No more than a ledger
   is made for. */
#define PMM_SIM_PENDING_MAX 1000

typedef struct pmm_sim_params {
  int32_t queue;        /* pmm_queue_model_t */
  double queue_power;
  int32_t cross_fill;   /* at the end of each message: an order whose price the opposite best has reached or passed fills for the
                           lesser of its open size and the quantity shown there up to its price */
  bool through;         /* prints beyond our price fill us (default true); false: only prints at exactly our price */
  bool whole_fills;     /* an order fills wholly or not at all, as hftbacktest does (default false) */
  bool footprint;       /* liquidity our takers or cross fills consumed is not offered again until the level changes (default true) */
  int32_t fees;         /* 0 market's own, 1 none */
  int32_t net_pairs;    /* pmm_netting_t; no setting of its own: the driver passes account.net_pairs on */
  int64_t print_lag_ns; /* a print may follow the level decrease it caused by this much (default 50 ms; where trades are inferred from
                           volume at least 1 s): such a decrease and its print move the queue once. 0: never, as hftbacktest */
  int32_t fill_model;   /* pmm_fill_model_t */
  double bernoulli_rate, bernoulli_decay; /* per second at the price itself; per dollar */
  int64_t bernoulli_max_dt_ns;
  double bernoulli_half_spread;           /* dollars */
  int32_t rate_limit;   /* pmm_rate_limit_t; the next five are those of custom, one bucket for all requests */
  double rate_refill, rate_capacity;      /* tokens a second, tokens */
  double rate_cost_place, rate_cost_cancel, rate_cost_amend;
  int64_t settle_delay_ns;                /* from a fill to PMM_EV_SETTLED; 0 and no share that fails: final at once */
  double settle_fail_share;               /* of fills: PMM_EV_SETTLE_FAILED instead; both per market until a PMM_MD_SETTLEMENT changes them */
  uint64_t seed;        /* of fills by chance and of failures; no setting of its own: the driver derives it from the run's */
} pmm_sim_params_t;
extern const pmm_param_t pmm_sim_param_table[];
extern const size_t pmm_sim_param_cnt;

typedef struct pmm_sim pmm_sim_t;
/* What decides whether a record matters to our orders, kept where an inlined test can read it: the first member of every pmm_sim_t.
   Prices of bids count upward, of asks downward (as negative numbers), so that one comparison serves both sides. */
typedef struct pmm_sim_watch_market {
  int32_t cross_at[2];   /* a level or print of this side (print: the taker's), signed, at or above this reaches our opposite orders */
  int32_t low_e4[2];     /* our own prices of this side lie in [low, low + span] */
  uint32_t span_e4[2];
  uint32_t kinds;        /* other kinds that matter, one bit a kind */
  uint32_t attention;    /* not 0: every level and print matters, such as within a snapshot */
} pmm_sim_watch_market_t;
typedef struct pmm_sim_watch { const pmm_sim_watch_market_t *market; uint32_t market_cnt; } pmm_sim_watch_t;
/* markets, ladders: arrays of market_cnt, borrowed for the simulator's life; ladders[i] is the exchange-side book of market i, kept
   current by the caller, who calls pmm_sim_on_md after applying each record. Grids and life are read from markets[i], which the
   caller keeps current as well (pmm_sim_on_md handles STATUS and TICK for orders only). */
/* PMM_INVAL (no market, a market that pmm_market_check refuses, parameters), PMM_FULL (arena). Copies params. */
pmm_status_t pmm_sim_init(pmm_sim_t **sim, pmm_arena_t *arena, const pmm_sim_params_t *params, pmm_market_t *const *markets,
                          pmm_ladder_t *const *ladders, uint32_t market_cnt, uint32_t orders_max, int64_t cash_e6);
/* Arena bytes that pmm_sim_init takes at most. */
size_t pmm_sim_bytes(uint32_t market_cnt, uint32_t orders_max);
/* The record md took effect at now_ns. Fills are made at once from prints, and at the end of each message
   (PMM_F_LAST on a record of that market) from a book that crosses us. pmm_sim_on_md_fast is the same with the test "does it
   matter to an order of ours" inlined: where it does not, a few loads and no call. False: no event waits to be polled, and nothing else is
   watched for than before. */
bool pmm_sim_on_md(pmm_sim_t *sim, int64_t now_ns, const pmm_md_t *md);
static inline bool pmm_sim_watch_matters(const pmm_sim_watch_market_t *w, const pmm_md_t *md) {
  if (md->kind != PMM_MD_LEVEL && md->kind != PMM_MD_TRADE) return w->kinds >> (md->kind & 31) & 1;
  int32_t const side = md->side & 1, signed_e4 = (md->price_e4 ^ -side) + side;
  bool const reaches = signed_e4 >= w->cross_at[side], ours = (uint32_t)md->price_e4 - (uint32_t)w->low_e4[side] <= w->span_e4[side];
  return reaches | (ours & (md->kind == PMM_MD_LEVEL)) | (w->attention != 0);
}
/* The same for a record known to be a LEVEL. */
static inline bool pmm_sim_watch_level(const pmm_sim_watch_market_t *w, const pmm_md_t *md) {
  int32_t const side = md->side & 1, signed_e4 = (md->price_e4 ^ -side) + side;
  return (signed_e4 >= w->cross_at[side]) | ((uint32_t)md->price_e4 - (uint32_t)w->low_e4[side] <= w->span_e4[side]) | (w->attention != 0);
}
static inline bool pmm_sim_matters(const pmm_sim_t *sim, const pmm_md_t *md) {
  const pmm_sim_watch_t *const watch = (const pmm_sim_watch_t *)(const void *)sim;
  return md->market < watch->market_cnt && pmm_sim_watch_matters(&watch->market[md->market], md);
}
static inline void pmm_sim_on_md_fast(pmm_sim_t *sim, int64_t now_ns, const pmm_md_t *md) {
  if (__builtin_expect(pmm_sim_matters(sim, md), 0)) pmm_sim_on_md(sim, now_ns, md);
}
/* An action reaches the venue at now_ns. Marketable orders take from the book level by level (post-only: rejected). Escrow: buys
   lock cost plus fee bound, sells lock contracts; PMM_EV_REJECT otherwise. Amend down keeps the place. What the phase of the market
   (PMM_MD_PHASE) does not allow is refused with PMM_REJECT_PHASE: new orders and amends in cancel-only, in post-only orders that are
   not and amends of such unless they only shrink. Phases stop requests, not fills: what was printed was traded. */
void pmm_sim_on_action(pmm_sim_t *sim, int64_t now_ns, const pmm_action_t *action);
/* GTD orders run out, fills settle or fail. A fill is PMM_SETTLE_PENDING until then: what it bought can be neither sold nor netted, what it
   sold is cash at once. A failure undoes cash, fee and contracts exactly; if the account's orders then lock more cash than there is, the
   newest that lock any are cancelled (PMM_REJECT_FUNDS). A market that resolves meanwhile pays out what is pending as well, and a later
   failure takes that back. False: nothing was due. */
bool pmm_sim_advance(pmm_sim_t *sim, int64_t now_ns);
/* Account events in the order they happened, md.recv_ns = md.exch_ns = when; false when there is none. Poll dry after each call: the
   queue has room for all that one call can cause, not for two. An order that trades on arrival has its fills before the ACK of what rests. */
bool pmm_sim_poll(pmm_sim_t *sim, pmm_event_t *event);
/* When the simulator next wants pmm_sim_advance by itself (a fill turning final or failing); PMM_NS_MAX: not at all. */
int64_t pmm_sim_next(const pmm_sim_t *sim);
/* Orders of ours that rest in a market, as the venue has them: bids first, in no further order; up to cap, returns how many. */
typedef struct pmm_sim_order { uint64_t order_id; int64_t open_e6, placed_ns; int32_t price_e4; uint8_t side; } pmm_sim_order_t;
size_t pmm_sim_orders(const pmm_sim_t *sim, uint32_t market, pmm_sim_order_t *out, size_t cap);
/* Quantity ahead of an order, -1 when it does not rest or the recording cannot tell. */
int64_t pmm_sim_ahead(const pmm_sim_t *sim, uint64_t order_id);
/* The venue's own books of the account, kept apart from the ledger so that the two can be compared. */
int64_t pmm_sim_cash(const pmm_sim_t *sim);
void pmm_sim_holding(const pmm_sim_t *sim, uint32_t market, int64_t *yes_e6, int64_t *no_e6);
typedef struct pmm_sim_stats {
  uint64_t maker_fills, taker_fills, cross_fills, through_fills, inferred_fills, bernoulli_fills; /* the last four are maker fills, too */
  uint64_t rejects, rate_refused /* requests of any kind */, settled, settle_failed;
  int64_t maker_e6, taker_e6, cross_e6, inferred_e6, bernoulli_e6; /* failed fills stay counted */
} pmm_sim_stats_t;
const pmm_sim_stats_t *pmm_sim_stats(const pmm_sim_t *sim);

/* ---- latency ------------------------------------------------------------------------------------------------- */
typedef enum pmm_latency_model { PMM_LATENCY_CONSTANT, PMM_LATENCY_NORMAL, PMM_LATENCY_RECORDED } pmm_latency_model_t;
typedef struct pmm_latency {
  int32_t model;
  int64_t mean_ns, std_ns, min_ns;
  const int64_t *sample_ns; size_t sample_cnt; /* recorded: drawn uniformly; caller's memory */
  pmm_rng_t rng;
} pmm_latency_t;
/* PMM_INVAL: negative mean or deviation, recorded without samples or with a negative one. */
pmm_status_t pmm_latency_init(pmm_latency_t *latency, pmm_latency_model_t model, int64_t mean_ns, int64_t std_ns, int64_t min_ns,
                              const int64_t *sample_ns, size_t sample_cnt, uint64_t seed);
int64_t pmm_latency_next(pmm_latency_t *latency); /* >= 0 */

/* ---- matching engine ----------------------------------------------------------------------------------------------
   Price-time priority over one YES-space book per market; orders of many accounts, worded as buy/sell YES/NO. A YES bid meets a
   NO bid by minting a pair, two sales by merging one. A trade happens at the resting order's price. */
typedef enum pmm_stp { PMM_STP_NONE, PMM_STP_CANCEL_TAKER, PMM_STP_CANCEL_MAKER } pmm_stp_t;
typedef struct pmm_match_params {
  int32_t stp;            /* Kalshi taker_at_cross = CANCEL_TAKER, Degen = CANCEL_MAKER, Polymarket = NONE */
  bool net_pairs;         /* a YES and a NO of one account become a dollar at once */
  uint32_t accounts_max, orders_max;
  uint64_t client_ids_max; /* client order ids remembered for duplicates, per engine */
  uint32_t markets_max;   /* room for markets added later; 0: none */
  bool forget_ids;        /* an id is free again once its order has ended: whoever stands before the engine keeps watch over duplicates */
  bool tell_nets;         /* a pair that becomes a dollar is told: PMM_EV_DEPOSIT, qty_e6 pairs, amount_e6 dollars */
} pmm_match_params_t;
#define PMM_ACCOUNT_PUBLIC UINT32_MAX
/* In pmm_action_t.flags of a PLACE: this order's own rule, as taker, in place of the engine's. */
#define PMM_ACT_STP(stp) ((uint8_t)((1 + (unsigned)(stp)) << 4))
typedef struct pmm_match pmm_match_t;
/* PMM_INVAL (parameters, a market that pmm_market_check refuses), PMM_FULL (arena). */
pmm_status_t pmm_match_init(pmm_match_t **match, pmm_arena_t *arena, const pmm_match_params_t *params, const pmm_market_t *markets, uint32_t market_cnt);
pmm_status_t pmm_match_account(pmm_match_t *match, int64_t cash_e6, uint32_t *account); /* PMM_FULL */
size_t pmm_match_bytes(const pmm_match_params_t *params, uint32_t market_cnt); /* arena bytes that pmm_match_init takes at most */
/* Requests; answers come through poll. PLACE honours post-only, reduce-only (cut to the position at entry; an
   immediate order tells the cut with its CANCELLED, a resting one by the quantity of its ACK), GTC, GTD, IOC, FOK. Amend: a
   smaller size at the same price keeps its place; anything else goes to the back and may trade. Fills of an order that trades on
   arrival come before its ACK, which is sent only if something rests. A client order id is used up by any well-formed request. */
void pmm_match_submit(pmm_match_t *match, uint32_t account, int64_t now_ns, const pmm_action_t *action);
/* Life cycle: halt keeps orders (cancels still work), close expires them, resolve pays out: payout_yes_e6 for a YES, the rest of a dollar
   for a NO. PMM_STATE for an impossible move, PMM_INVAL for a payout that does not fit the outcome (yes 1e6, no 0, void 0 .. 1e6). */
pmm_status_t pmm_match_life(pmm_match_t *match, uint32_t market, int64_t now_ns, pmm_life_t life, pmm_outcome_t outcome, int64_t payout_yes_e6);
bool pmm_match_payout_fits(pmm_outcome_t outcome, int64_t payout_yes_e6);
pmm_status_t pmm_match_regrid(pmm_match_t *match, uint32_t market, int64_t now_ns, int32_t tick_e4); /* orders off the new grid are cancelled */
void pmm_match_advance(pmm_match_t *match, int64_t now_ns); /* GTD expiry, market open and close times; submit does it as well */
/* Everything that happened, in order: public market data (account PMM_ACCOUNT_PUBLIC: LEVEL, TRADE, STATUS, TICK with PMM_F_LAST) and
   account events. false when there is none. The queue holds at least what one call can cause (PMM_FULL is impossible by construction);
   poll dry between calls. */
bool pmm_match_poll(pmm_match_t *match, uint32_t *account, pmm_event_t *event);
const pmm_ladder_t *pmm_match_ladder(const pmm_match_t *match, uint32_t market);
const pmm_market_t *pmm_match_market(const pmm_match_t *match, uint32_t market);
int64_t pmm_match_cash(const pmm_match_t *match, uint32_t account, int64_t *locked_e6);
void pmm_match_holding(const pmm_match_t *match, uint32_t account, uint32_t market, int64_t *yes_e6, int64_t *no_e6, int64_t *yes_locked_e6, int64_t *no_locked_e6);
int64_t pmm_match_ahead(const pmm_match_t *match, uint32_t account, uint64_t order_id); /* -1: not resting */
int64_t pmm_match_open(const pmm_match_t *match, uint32_t account, uint64_t order_id);  /* likewise */

/* -- for whoever runs the engine for many accounts over a long time (pmm/place.h) -- */
pmm_status_t pmm_match_market_add(pmm_match_t *match, const pmm_market_t *market, uint32_t *index); /* PMM_INVAL, PMM_FULL (markets_max) */
uint32_t pmm_match_market_cnt(const pmm_match_t *match);
pmm_status_t pmm_match_deposit(pmm_match_t *match, uint32_t account, int64_t amount_e6); /* negative: PMM_FUNDS beyond free cash */
/* qty pairs of free contracts into dollars, or (negative) dollars into pairs; PMM_FUNDS. */
pmm_status_t pmm_match_merge(pmm_match_t *match, uint32_t account, uint32_t market, int64_t qty_e6);
/* What a PLACE would be refused for, by the account and the book as they are; nothing changes. */
pmm_reject_t pmm_match_dry(pmm_match_t *match, uint32_t account, int64_t now_ns, const pmm_action_t *action);
/* How much an immediate buy (market, route, price_e4, flags) gets for at most spend_e6, in whole lots, and what that costs; *enough: the book,
   not the money, ended it when false. Walks the orders it would meet. */
int64_t pmm_match_afford(const pmm_match_t *match, uint32_t account, const pmm_action_t *action, int64_t spend_e6, int64_t *cost_e6, bool *enough);
/* A resting order's end moved, PMM_NS_MAX: it has none any more. PMM_NOT_FOUND, PMM_INVAL (not in the future). */
pmm_status_t pmm_match_expire(pmm_match_t *match, uint32_t account, uint64_t order_id, int64_t expire_ns, int64_t now_ns);
int64_t pmm_match_next_ns(const pmm_match_t *match); /* when the engine next changes something by itself; PMM_NS_MAX */
/* From the next trade on its fills are PMM_SETTLE_PENDING: what is bought can be neither sold nor netted until the trade is settled. Each
   pending trade must be settled, by telling its two legs as their fills did; ok false undoes both to the bit (cash may go below zero).
   A market must not resolve while one of its trades is pending. */
void pmm_match_pending(pmm_match_t *match, bool pending);
typedef struct pmm_match_leg { uint32_t account; uint8_t route; int64_t fee_e6; } pmm_match_leg_t;
void pmm_match_settle(pmm_match_t *match, uint32_t market, int32_t price_e4, int64_t qty_e6, const pmm_match_leg_t leg[2], bool ok);

/* Conservation: all cash + collateral behind pairs + fees and rounding taken = deposits; YES issued = NO issued; ladder = orders;
   locks = orders. PMM_CORRUPT with err naming what fails. Slow: tests. */
pmm_status_t pmm_match_check(const pmm_match_t *match, pmm_error_t *err);

/* ---- scenarios: the truth that synthetic markets follow ----------------------------------------------------------- */
typedef enum pmm_scenario_kind { PMM_SCENARIO_WALK, PMM_SCENARIO_DIGITAL } pmm_scenario_kind_t;
typedef struct pmm_scenario_params {
  int32_t kind;
  double p0;              /* walk: first probability */
  double volatility;      /* walk: log-odds per sqrt(hour); digital: annual volatility of the underlying */
  double jump_rate;       /* per hour */
  double jump_std;        /* log-odds, or log-price */
  double spot, strike;    /* digital */
  int64_t duration_ns, step_ns;
} pmm_scenario_params_t;
extern const pmm_param_t pmm_scenario_param_table[];
extern const size_t pmm_scenario_param_cnt;
typedef struct pmm_scenario {
  pmm_scenario_params_t params;
  pmm_rng_t rng;
  int64_t at_ns, start_ns, end_ns;
  double p;               /* true probability now: a martingale; 0 or 1 at the end */
  double spot;            /* digital: underlying now */
  double x;               /* walk: log-odds */
  bool outcome_yes;       /* walk: drawn first; the walk is the belief of somebody who learns it by and by. digital: known at the end */
  bool done;
} pmm_scenario_t;
/* PMM_INVAL: p0 outside (0,1), negative volatility or jumps, spot or strike not positive, times not positive. */
pmm_status_t pmm_scenario_init(pmm_scenario_t *scenario, const pmm_scenario_params_t *params, int64_t start_ns, uint64_t seed);
/* One step on; false once the end is reached (then outcome_yes and p in {0,1} hold). */
bool pmm_scenario_step(pmm_scenario_t *scenario);

/* ---- synthetic traders on a matching engine ----------------------------------------------------------------------- */
typedef struct pmm_traders_params {
  int64_t noise, informed, momentum, reference; /* how many of each */
  double noise_rate, informed_rate, momentum_rate, reference_rate; /* actions a second, each trader (Poisson) */
  double size_mean;       /* contracts, exponential */
  double informed_edge;   /* trades when the book is this far (dollars) from the truth */
  double reference_half_spread; /* reference makers quote truth -/+ this, with a delay */
  int64_t reference_delay_ns;
} pmm_traders_params_t;
extern const pmm_param_t pmm_traders_param_table[];
extern const size_t pmm_traders_param_cnt;
typedef struct pmm_traders pmm_traders_t;
/* Opens accounts on the engine for one market, each with PMM_TRADER_CASH_E6. PMM_INVAL (parameters), PMM_FULL (arena, or no room on the engine). */
#define PMM_TRADER_CASH_E6 INT64_C(1000000000000) /* a million dollars: they stop for other reasons than money */
pmm_status_t pmm_traders_init(pmm_traders_t **traders, pmm_arena_t *arena, const pmm_traders_params_t *params, pmm_match_t *match, uint32_t market, int64_t start_ns, uint64_t seed);
/* Lets every trader act whose time has come up to now_ns, in the order of their times, the truth being true_p. Same seed, same orders.
   Stops early when the engine's event queue could not hold the next answer: poll dry and call again while pmm_traders_next_ns <= now_ns. */
void pmm_traders_step(pmm_traders_t *traders, int64_t now_ns, double true_p);
/* The traders' own account events must be handed back here (any other is ignored). */
void pmm_traders_on_event(pmm_traders_t *traders, uint32_t account, const pmm_event_t *event);
int64_t pmm_traders_next_ns(const pmm_traders_t *traders); /* when the next one wants to act; PMM_NS_MAX: nobody ever */
#endif
