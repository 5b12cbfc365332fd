/* What Polymarket's recordings have in common. A condition has two tokens whose books mirror each other exactly: a bid
   for NO at b is an ask for YES at 1-b of the same size. Both enter one book in YES space, so the second token's message
   of the same change adds nothing and becomes a MARK. */
#include <stdlib.h>
#include "import.h"

void pmm__polymarket_terms(pmm_market_t *desc) {
  desc->venue = PMM_VENUE_POLYMARKET;
  desc->fees = (pmm_fee_schedule_t){.model = PMM_FEE_POLYMARKET, .exponent = 1, .taker_rate_e6 = 70000, .rebate_share_e6 = 200000};
}

static int64_t length_s(const char *text, size_t len) {
  static const struct {
    const char *name;
    int64_t seconds;
  } lengths[] = {{"5m", 300}, {"15m", 900}, {"1h", 3600}, {"4h", 14400}};
  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
    if (strlen(lengths[i].name) == len && memcmp(lengths[i].name, text, len) == 0) return lengths[i].seconds;
  return 0;
}

bool pmm__polymarket_window(const char *slug, int64_t *open_ns, int64_t *close_ns) {
  static const char infix[] = "-updown-";
  const char *const at = strstr(slug, infix);
  if (!at) return false;
  const char *const length = at + sizeof infix - 1, *const dash = strchr(length, '-');
  if (!dash || dash[1] < '0' || dash[1] > '9') return false;
  char *end;
  int64_t const seconds = length_s(length, (size_t)(dash - length)), start_s = strtoll(dash + 1, &end, 10);
  if (seconds == 0 || *end != '\0' || start_s > INT64_C(4000000000)) return false;
  *open_ns = start_s * PMM_NS_PER_S;
  *close_ns = (start_s + seconds) * PMM_NS_PER_S;
  return true;
}

static pmm_status_t book_side(pmm__import_t *im, const pmm_json_node_t *levels, pmm_side_t side, bool mirrored) {
  for (const pmm_json_node_t *e = pmm_json_first(levels); e; e = pmm_json_next(levels, e)) {
    const pmm_json_node_t *price, *size;
    int32_t price_e4 = 0;
    int64_t qty_e6 = 0;
    pmm_status_t st = pmm__field(im, e, "price", &price);
    if (st == PMM_OK) st = pmm__field(im, e, "size", &size);
    if (st == PMM_OK) st = pmm__price(im, price, "price", &price_e4);
    if (st == PMM_OK) st = pmm__size(im, size, "size", &qty_e6);
    if (st == PMM_OK) st = pmm__full_level(im, side, mirrored ? PMM_ONE_E4 - price_e4 : price_e4, qty_e6, e);
    if (st != PMM_OK) return st;
  }
  return PMM_OK;
}

pmm_status_t pmm__polymarket_book(pmm__import_t *im, const pmm_json_node_t *message, bool mirrored) {
  const pmm_json_node_t *bids, *asks;
  pmm_status_t st = pmm__field(im, message, "bids", &bids);
  if (st == PMM_OK) st = pmm__field(im, message, "asks", &asks);
  if (st == PMM_OK && (bids->type != PMM_JSON_ARRAY || asks->type != PMM_JSON_ARRAY))
    st = pmm__bad(im, message, "bids or asks: not a list");
  if (st != PMM_OK) return st;
  pmm__full_begin(im);
  st = book_side(im, bids, mirrored ? PMM_ASK : PMM_BID, mirrored);
  if (st == PMM_OK) st = book_side(im, asks, mirrored ? PMM_BID : PMM_ASK, mirrored);
  return st == PMM_OK ? pmm__full_end(im) : st;
}

pmm_status_t pmm__polymarket_trade(pmm__import_t *im, bool mirrored, pmm_side_t taker, int32_t price_e4, int64_t qty_e6) {
  im->at->last_taker = mirrored ? pmm_side_opposite(taker) : taker;
  im->at->last_price_e4 = mirrored ? PMM_ONE_E4 - price_e4 : price_e4;
  return pmm__message_add(im, PMM_MD_TRADE, (int)im->at->last_taker, im->at->last_price_e4, qty_e6, 0);
}

pmm_outcome_t pmm__polymarket_decide(pmm__import_t *im, const pmm__imarket_t *m, const char **why) {
  (void)im;
  *why = "recording ends before the close";
  if (m->desc.close_ns != PMM_TIME_NONE && m->last_venue_ns < m->desc.close_ns - 60 * PMM_NS_PER_S) return PMM_OUTCOME_VOID;
  pmm_outcome_t const outcome =
      pmm__outcome_of_book(pmm_ladder_best_e4(&m->book.ladder, PMM_BID), pmm_ladder_best_e4(&m->book.ladder, PMM_ASK));
  *why = outcome == PMM_OUTCOME_VOID ? "last book is not at an end" : NULL;
  return outcome;
}
