/* venue/orders.h -- our orders as an adapter sees them, and the fills already told. One table for every venue: found by pmm's order id and by
   the venue's id text, both O(1); nothing is allocated after opening. An order that is over stays until its place is needed, the one
   longest over first, so that late answers and fills still find it. */
#ifndef PMM_VENUE_ORDERS_H
#define PMM_VENUE_ORDERS_H
#include "pmm/event.h"

#define PMM__VID_MAX 80 /* a venue's id text with its NUL */
#define PMM__ORDER_NONE UINT32_MAX

typedef enum pmm__asked { PMM__ASKED_PLACE = 1, PMM__ASKED_CANCEL = 2, PMM__ASKED_AMEND = 4, PMM__ASKED_STATE = 8 } pmm__asked_t; /* requests under way, as bits */
typedef enum pmm__vstage {
  PMM__V_SENT,     /* not heard of yet */
  PMM__V_RESTS,
  PMM__V_OVER      /* filled, cancelled, refused, gone */
} pmm__vstage_t;

typedef struct pmm__vorder {
  uint64_t order_id;            /* pmm's; never 0 */
  uint32_t market;              /* the adapter's own index */
  uint8_t route, tif, flags, stage;
  uint8_t asked;                /* pmm__asked_t */
  bool lost;                    /* a request's outcome is unknown: being looked up */
  bool told_end;                /* the engine has been told that it is over */
  int32_t price_e4;             /* YES space */
  int64_t qty_e6, filled_e6;    /* in all; filled as told to the engine */
  int64_t venue_filled_e6;      /* filled as the venue says; fills that make up the difference are under way */
  int64_t sent_ns, heard_ns;    /* monotonic: last request, last word of it */
  uint64_t tag;                 /* the adapter's own */
  char vid[PMM__VID_MAX];       /* the venue's id; "" not known yet */
  uint32_t prev, next;          /* of the list of orders that are over, oldest first, or of those that are not */
} pmm__vorder_t;
static inline int64_t pmm__vorder_open(const pmm__vorder_t *o) { return pmm_max64(o->qty_e6 - o->filled_e6, 0); }

typedef struct pmm__orders pmm__orders_t;
/* PMM_FULL (out of memory), PMM_INVAL (cap 0 or above 2^24). */
pmm_status_t pmm__orders_new(pmm__orders_t **orders, uint32_t cap);
void pmm__orders_free(pmm__orders_t *orders);
/* A new order, zeroed but for its id. PMM_EXISTS; PMM_FULL: every place is taken by an order that is not over. */
pmm_status_t pmm__orders_add(pmm__orders_t *orders, uint64_t order_id, uint32_t *idx);
pmm__vorder_t *pmm__orders_at(pmm__orders_t *orders, uint32_t idx);
uint32_t pmm__orders_find(const pmm__orders_t *orders, uint64_t order_id);                   /* PMM__ORDER_NONE */
uint32_t pmm__orders_find_vid(const pmm__orders_t *orders, const char *vid, size_t len);     /* PMM__ORDER_NONE */
/* Names the venue's id; the same again is fine. PMM_EXISTS (another order has it), PMM_STATE (it has another), PMM_FULL (too long). */
pmm_status_t pmm__orders_name(pmm__orders_t *orders, uint32_t idx, const char *vid, size_t len);
void pmm__orders_over(pmm__orders_t *orders, uint32_t idx);   /* stage becomes PMM__V_OVER; its place may be given away */
/* Orders that are not over, oldest first: for (i = first; i != NONE; i = next); the one at hand may become over meanwhile if next is taken before. */
uint32_t pmm__orders_first(const pmm__orders_t *orders);
uint32_t pmm__orders_next(const pmm__orders_t *orders, uint32_t idx);
uint32_t pmm__orders_live_cnt(const pmm__orders_t *orders);
bool pmm__orders_check(const pmm__orders_t *orders);          /* every invariant from scratch; slow: tests */

/* Fills told: a set of the last so many ids (text, compared as 128-bit hashes: the text itself may be as long as it likes). */
typedef struct pmm__seen pmm__seen_t;
pmm_status_t pmm__seen_new(pmm__seen_t **seen, uint32_t cap);
void pmm__seen_free(pmm__seen_t *seen);
bool pmm__seen_note(pmm__seen_t *seen, const char *text, size_t len); /* true: for the first time */
#endif
