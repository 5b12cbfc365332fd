/* fuzz_polymarket.c -- the Polymarket codec against arbitrary bytes. The first byte chooses what they are: a frame of either channel (the scanner
   and the full parser must say the same of each message), or an answer of REST given to every reader. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "venue/polymarket/rest.h"

#define YES "45936375922793925919605092352922707796689801895417366600539442410775071099958"
#define NO "86520121088881862182423437128238697252500151785248183602134095101149900014256"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static pmm_poly_tokens_t *tokens;
static pmm_poly_codec_t *codec;
static pmm_json_parser_t *json;

static void open_once(void) {
  if (codec) return;
  tokens = pmm_poly_tokens_new(1);
  pmm_poly_tokens_add(tokens, YES, strlen(YES), 0, false);
  pmm_poly_tokens_add(tokens, NO, strlen(NO), 0, true);
  codec = pmm_poly_codec_new(tokens);
  json = pmm_json_new();
}

static void check_records(const pmm_poly_msg_t *msg) {
  for (uint32_t i = 0; i < msg->md_cnt; i++) {
    const pmm_md_t *const md = &msg->md[i];
    assert(md->market == 0);
    assert(md->qty_e6 >= 0);
    assert((md->kind != PMM_MD_LEVEL && md->kind != PMM_MD_TRADE) || (md->price_e4 > 0 && md->price_e4 < PMM_ONE_E4));
    assert(((md->flags & PMM_F_LAST) != 0) == (i + 1 == msg->md_cnt));
  }
}

static void one_message(const char *text, size_t len) {
  static pmm_md_t kept[PMM_POLY_RECORDS_MAX];
  pmm_poly_msg_t fast = {0}, slow = {0};
  pmm_error_t fast_err = {0}, slow_err = {0};
  pmm_status_t const st = pmm_poly_decode(codec, text, len, 1, 2, &fast, &fast_err);
  if (st == PMM_OK) check_records(&fast);
  if (fast.md_cnt > 0) memcpy(kept, fast.md, fast.md_cnt * sizeof *kept);
  pmm_status_t const again = pmm_poly_decode_slow(codec, text, len, 1, 2, &slow, &slow_err);
  assert(st == again);
  if (st != PMM_OK) return;
  assert(fast.kind == slow.kind && fast.market == slow.market && fast.exch_ns == slow.exch_ns && fast.md_cnt == slow.md_cnt && fast.hash == slow.hash);
  assert(slow.md_cnt == 0 || memcmp(kept, slow.md, slow.md_cnt * sizeof *kept) == 0);
  if (fast.kind == PMM_POLY_ORDER) assert(memcmp(&fast.order, &slow.order, sizeof fast.order) == 0);
}

static void one_frame(const char *text, size_t len) {
  const char *message;
  size_t message_len, at = 0;
  while (pmm_poly_frame_next(text, len, &at, &message, &message_len) == PMM_OK) one_message(message, message_len);
}

static void note_cancel(void *ctx, const pmm_poly_word_t *id, pmm_poly_cancelled_t what) { (void)ctx, (void)id, (void)what; }

static void one_answer(const char *text, size_t len) {
  const pmm_json_node_t *root = NULL, *data;
  size_t at;
  const char *why;
  pmm_error_t err;
  pmm_poly_answer_t answer;
  pmm_poly_listing_t listing;
  pmm_poly_credentials_t credentials;
  pmm_poly_position_t position;
  pmm_poly_user_order_t order;
  pmm_poly_user_trade_t trade;
  pmm_poly_msg_t msg;
  int64_t a, b;
  int32_t n;
  int version;
  bool flag;
  char cursor[PMM_POLY_CURSOR_MAX], id[PMM_POLY_KEY_MAX];
  (void)pmm_poly_read_time(text, len, &a);
  if (pmm_json_parse(json, text, len, &root, &at, &why) != PMM_OK) root = NULL;
  pmm_poly_read_refusal(400, root, text, len, &answer, &n);
  if (!root) return;
  if (pmm_poly_read_market(root, &listing, &err) == PMM_OK) assert(pmm_market_check(&listing.market, &err) == PMM_OK);
  if (pmm_poly_read_compact(root, "0x01", &listing, &err) == PMM_OK) assert(pmm_market_check(&listing.market, &err) == PMM_OK);
  if (pmm_poly_read_gamma(root, &listing, &err) == PMM_OK) assert(pmm_market_check(&listing.market, &err) == PMM_OK);
  (void)pmm_poly_read_tick_size(root, &n, &err);
  (void)pmm_poly_read_neg_risk(root, &flag, &err);
  (void)pmm_poly_read_fee_rate(root, &n, &err);
  (void)pmm_poly_read_version(root, &version, &err);
  (void)pmm_poly_read_balance(root, &a, &b, &err);
  (void)pmm_poly_read_credentials(root, &credentials, &err);
  (void)pmm_poly_read_heartbeat(root, id, &err);
  (void)pmm_poly_read_position(root, tokens, &position, &err);
  (void)pmm_poly_read_answer(root, &answer, &err);
  (void)pmm_poly_read_cancels(root, note_cancel, NULL, &err);
  (void)pmm_poly_read_book(codec, root, 1, &msg, &err);
  if (pmm_poly_read_page(root, &data, cursor, &err) != PMM_OK) return;
  for (const pmm_json_node_t *e = pmm_json_first(data); e; e = pmm_json_next(data, e)) {
    (void)pmm_poly_read_order(codec, e, &order, &err);
    (void)pmm_poly_read_trade(codec, e, &trade, &err);
    (void)pmm_poly_read_position(e, tokens, &position, &err);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  open_once();
  char *const text = malloc(size + PMM_JSON_PAD); /* of its own size, so that the sanitizer sees a byte read too many */
  memcpy(text, data + 1, size - 1);
  memset(text + size - 1, data[0], PMM_JSON_PAD); /* what follows must not matter */
  if (data[0] & 1) one_frame(text, size - 1);
  else one_answer(text, size - 1);
  free(text);
  return 0;
}
