/* pmm/venue.h -- an adapter to a venue: what the engine asks for becomes requests, what the venue says becomes records and events. One table of
   functions for every venue; adapters know no strategy, no engine and no socket (pmm/net.h stands between).

   Life: open -> discovered (the markets it will trade) -> start (the driver knows their indices) -> takeover (what the account holds; open
   orders cancelled or adopted) -> ready <-> not ready -> stop (every order cancelled, confirmed) -> stopped -> close.

   Rules every adapter keeps:
   - An order's identity on the venue is known before it is sent (client order id, or the order's hash), derived from pmm_action_t.order_id,
     which is unique for ever within an account. It is never used twice.
   - An answer that leaves open whether a request took effect (deadline, broken connection, 5xx) gives PMM_EV_LOST and a look-up by that
     identity; the truth follows as PMM_EV_ORDER_STATE and fills. Nothing is sent again blindly.
   - A fill is reported once, by its trade id, whichever way it came first: private channel, answer, REST. md.price_e4 is in YES space, amount_e6
     the venue's own fee. ref_id = pmm_venue_ref(id text).
   - Every reconcile_s open orders, positions, balance and fills since the last known are read again; what differs is reported, orders nobody
     knows are cancelled, fills that were missed are delivered.
   - Cancels go first through the rate budget, with a reserve kept for cancelling everything.
   - While not ready, its books are not to be trusted: it has sent PMM_MD_GAP for every market concerned, and resends each book from a
     PMM_MD_CLEAR once it has it whole.
   Single-threaded; callbacks come from the net's loop, never from inside a call of the driver's, except where it says so. */
#ifndef PMM_VENUE_H
#define PMM_VENUE_H
#include "pmm/event.h"
#include "pmm/market.h"
#include "pmm/net.h"
#include "pmm/settings.h"

#define PMM_VENUE_MARKETS_MAX 4096
#define PMM_VENUE_ORDERS_MAX 16384       /* open, or closed within the last minutes */
#define PMM_ORDERS_LEFT_UNKNOWN UINT32_MAX

typedef struct pmm_holding_report { uint32_t market; int64_t yes_e6, no_e6, yes_cost_e6, no_cost_e6; /* costs: -1 unknown */ } pmm_holding_report_t;
typedef struct pmm_order_report {        /* an open order found at the start, adopted */
  uint64_t order_id;                     /* to be used from now on: one of pmm's own earlier runs, or an alias with PMM_ORDER_ALIAS set */
  uint32_t market; uint8_t route;        /* pmm_route_t */
  int32_t price_e4; int64_t open_e6, filled_e6; /* YES space */
  int64_t placed_ns;
} pmm_order_report_t;
#define PMM_ORDER_ALIAS (UINT64_C(1) << 63)

typedef struct pmm_account_report {      /* the account as the venue has it */
  bool takeover;                         /* the first one, before ready; else a reconciliation */
  int64_t at_ns;                         /* wall time as of which */
  int64_t cash_e6, locked_e6;            /* all cash, and the part of it behind orders (-1: not told) */
  const pmm_holding_report_t *holding; size_t holding_cnt; /* every market of ours that is not zero, and no other */
  const pmm_order_report_t *order; size_t order_cnt;       /* takeover only */
  uint64_t in_flight;                    /* requests and fills under way while it was read: > 0, the driver does not judge differences */
} pmm_account_report_t;

typedef struct pmm_venue_sink {          /* the driver's side; every function must be set */
  void *ctx;
  /* Once, after open: the markets in the adapter's own order (local index), asset named where the venue tells it, underlying PMM_UNDER_NONE.
     failed: the venue could not be reached or knows no such
     market; the adapter keeps trying only when retrying is true. */
  void (*discovered)(void *ctx, const pmm_market_t *market, uint32_t cnt);
  void (*failed)(void *ctx, const pmm_error_t *err, bool retrying);
  void (*md)(void *ctx, const pmm_md_t *md, size_t cnt);           /* market = first + local; recv_ns = pmm_net_now when it came in */
  void (*account)(void *ctx, const pmm_event_t *event);            /* ACK .. ORDER_STATE, DEPOSIT */
  void (*report)(void *ctx, const pmm_account_report_t *report);
  void (*ready)(void *ctx, bool ready, const char *why);
  /* After stop. 0: a look at the venue after the last request showed that nothing of ours rests; else how many are known or feared to, or
     PMM_ORDERS_LEFT_UNKNOWN when none is known but the venue could not be asked in time. */
  void (*stopped)(void *ctx, uint32_t orders_left);
  pmm_notice_sink_t notices;
} pmm_venue_sink_t;

/* A secret by name ("KALSHI_API_KEY_ID"); NULL when the user gave none. Valid until open returns; adapters keep key material only, and wipe it. */
typedef struct pmm_secrets { const char *(*get)(void *ctx, const char *name); void *ctx; } pmm_secrets_t;

typedef struct pmm_adapter pmm_adapter_t;
typedef struct pmm_venue_ops {
  pmm_venue_t venue;
  const char *const *secrets;            /* names it looks at, NULL-terminated, for messages and documentation */
  /* Checks settings and secrets, allocates all it needs, begins discovery. PMM_INVAL / PMM_NOT_FOUND (a missing secret, by name) with err. With
     public_only no secret is needed and only market data flows (record, paper). */
  pmm_status_t (*open)(pmm_adapter_t **adapter, pmm_net_t *net, const pmm_venue_params_t *params, const pmm_secrets_t *secrets, bool public_only,
                       uint64_t run_id, const pmm_venue_sink_t *sink, pmm_error_t *err);
  void (*start)(pmm_adapter_t *adapter, uint32_t first_market, int64_t fills_since_ns); /* fills older than that are known; PMM_TIME_NONE: from now on */
  /* The hot path: no allocation, no waiting. Actions are in the order wanted; what the rate budget holds back waits here, cancels first; an
     action that can never be sent is answered with PMM_EV_REJECT or _CANCEL_REJECT at once (from inside this call). */
  void (*submit)(pmm_adapter_t *adapter, const pmm_action_t *action, size_t cnt);
  void (*cancel_all)(pmm_adapter_t *adapter);   /* everything of ours in its markets, known or not, by the venue's own means */
  void (*reconcile)(pmm_adapter_t *adapter);    /* now instead of at the next beat */
  void (*stop)(pmm_adapter_t *adapter, int64_t deadline_mono_ns); /* cancel_all, confirmed by a look; then sink->stopped */
  void (*close)(pmm_adapter_t *adapter);        /* frees it; no callback afterwards */
} pmm_venue_ops_t;
/* NULL for a venue without an adapter (sim). */
const pmm_venue_ops_t *pmm_venue_ops(pmm_venue_t venue);
extern const pmm_venue_ops_t pmm_kalshi_ops, pmm_polymarket_ops, pmm_degen_ops;

/* A venue's id text (order, trade) as the 64 bits events carry: XXH3, never 0. */
uint64_t pmm_venue_ref(const char *text, size_t len);
#endif
