/* src/exec/order.c -- the automaton of one order as a table. */
#include "pmm/exec.h"

enum { NO = -1, REST = -2 }; /* not possible here; LIVE or PARTLY_FILLED by has_fills */
#define S(name) PMM_ORDER_##name

static const int8_t STEP[PMM_ORDER_FILLED][PMM_ORDER_INPUT_CNT] = {
  /* A fill may overtake the acknowledgement, and so may an unasked cancel (immediate orders, self-trade prevention). */
  [S(PENDING_NEW)] = {[PMM_IN_ACK] = REST, [PMM_IN_REJECT] = S(REJECTED), [PMM_IN_FILL_PART] = S(PARTLY_FILLED), [PMM_IN_FILL_ALL] = S(FILLED),
    [PMM_IN_CANCEL_SENT] = S(PENDING_CANCEL), [PMM_IN_CANCELLED] = S(CANCELLED), [PMM_IN_CANCEL_REJECT] = NO, [PMM_IN_AMEND_SENT] = NO,
    [PMM_IN_AMENDED] = NO, [PMM_IN_AMEND_REJECT] = NO, [PMM_IN_EXPIRED] = S(EXPIRED), [PMM_IN_LOST] = S(UNKNOWN), [PMM_IN_FOUND] = REST,
    [PMM_IN_GONE] = S(CANCELLED)},
  [S(LIVE)] = {[PMM_IN_ACK] = NO, [PMM_IN_REJECT] = NO, [PMM_IN_FILL_PART] = S(PARTLY_FILLED), [PMM_IN_FILL_ALL] = S(FILLED),
    [PMM_IN_CANCEL_SENT] = S(PENDING_CANCEL), [PMM_IN_CANCELLED] = S(CANCELLED), [PMM_IN_CANCEL_REJECT] = NO, [PMM_IN_AMEND_SENT] = S(PENDING_AMEND),
    [PMM_IN_AMENDED] = REST, [PMM_IN_AMEND_REJECT] = NO, [PMM_IN_EXPIRED] = S(EXPIRED), [PMM_IN_LOST] = S(UNKNOWN), [PMM_IN_FOUND] = REST,
    [PMM_IN_GONE] = S(CANCELLED)},
  [S(PARTLY_FILLED)] = {[PMM_IN_ACK] = NO, [PMM_IN_REJECT] = NO, [PMM_IN_FILL_PART] = S(PARTLY_FILLED), [PMM_IN_FILL_ALL] = S(FILLED),
    [PMM_IN_CANCEL_SENT] = S(PENDING_CANCEL), [PMM_IN_CANCELLED] = S(CANCELLED), [PMM_IN_CANCEL_REJECT] = NO, [PMM_IN_AMEND_SENT] = S(PENDING_AMEND),
    [PMM_IN_AMENDED] = REST, [PMM_IN_AMEND_REJECT] = NO, [PMM_IN_EXPIRED] = S(EXPIRED), [PMM_IN_LOST] = S(UNKNOWN), [PMM_IN_FOUND] = REST,
    [PMM_IN_GONE] = S(CANCELLED)},
  /* Answers to earlier requests may still come before the cancel's own; they do not take the wish back. */
  [S(PENDING_CANCEL)] = {[PMM_IN_ACK] = S(PENDING_CANCEL), [PMM_IN_REJECT] = S(REJECTED), [PMM_IN_FILL_PART] = S(PENDING_CANCEL), [PMM_IN_FILL_ALL] = S(FILLED),
    [PMM_IN_CANCEL_SENT] = NO, [PMM_IN_CANCELLED] = S(CANCELLED), [PMM_IN_CANCEL_REJECT] = S(UNKNOWN), [PMM_IN_AMEND_SENT] = NO,
    [PMM_IN_AMENDED] = S(PENDING_CANCEL), [PMM_IN_AMEND_REJECT] = S(PENDING_CANCEL), [PMM_IN_EXPIRED] = S(EXPIRED), [PMM_IN_LOST] = S(UNKNOWN),
    [PMM_IN_FOUND] = S(PENDING_CANCEL), [PMM_IN_GONE] = S(CANCELLED)},
  [S(PENDING_AMEND)] = {[PMM_IN_ACK] = S(PENDING_AMEND), [PMM_IN_REJECT] = NO, [PMM_IN_FILL_PART] = S(PENDING_AMEND), [PMM_IN_FILL_ALL] = S(FILLED),
    [PMM_IN_CANCEL_SENT] = S(PENDING_CANCEL), [PMM_IN_CANCELLED] = S(CANCELLED), [PMM_IN_CANCEL_REJECT] = NO, [PMM_IN_AMEND_SENT] = NO,
    [PMM_IN_AMENDED] = REST, [PMM_IN_AMEND_REJECT] = REST, [PMM_IN_EXPIRED] = S(EXPIRED), [PMM_IN_LOST] = S(UNKNOWN), [PMM_IN_FOUND] = REST,
    [PMM_IN_GONE] = S(CANCELLED)},
  /* A partial fill does not tell that the rest still stands, so it leaves the doubt. */
  [S(UNKNOWN)] = {[PMM_IN_ACK] = REST, [PMM_IN_REJECT] = S(REJECTED), [PMM_IN_FILL_PART] = S(UNKNOWN), [PMM_IN_FILL_ALL] = S(FILLED),
    [PMM_IN_CANCEL_SENT] = S(PENDING_CANCEL), [PMM_IN_CANCELLED] = S(CANCELLED), [PMM_IN_CANCEL_REJECT] = NO, [PMM_IN_AMEND_SENT] = NO,
    [PMM_IN_AMENDED] = REST, [PMM_IN_AMEND_REJECT] = NO, [PMM_IN_EXPIRED] = S(EXPIRED), [PMM_IN_LOST] = NO, [PMM_IN_FOUND] = REST,
    [PMM_IN_GONE] = S(CANCELLED)},
};

pmm_status_t pmm_order_step(pmm_order_state_t state, pmm_order_input_t input, bool has_fills, pmm_order_state_t *next) {
  if (pmm_order_is_terminal(state)) return PMM_STATE;
  int8_t const to = STEP[state][input];
  if (to == NO) return PMM_STATE;
  *next = to == REST ? (has_fills ? PMM_ORDER_PARTLY_FILLED : PMM_ORDER_LIVE) : (pmm_order_state_t)to;
  return PMM_OK;
}

const char *pmm_order_state_to_string(pmm_order_state_t state) {
  static const char *const text[] = {
#define X(name, text) text,
    PMM_ORDER_STATE_MAP(X)
#undef X
  };
  return (unsigned)state < PMM_ORDER_STATE_CNT ? text[state] : "unknown state";
}
