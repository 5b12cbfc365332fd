/* fuzz_degen.c -- Degen's codec against arbitrary bytes: the first byte chooses what the rest is taken for. What is accepted must be JSON to an
   independent parser, and every value in range; what is refused comes with its place. A message means the same with blanks between its tokens, where
   none of the readers of usual bytes takes it. Tokens are verified, never accepted by chance. */
#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "pmm/degen.h"

#define TEXT_MAX (1 << 20)

static pmm_degen_level_t level[PMM_DEGEN_LEVELS_MAX];
static char text[TEXT_MAX + PMM_JSON_PAD], scratch[PMM_DEGEN_SCRATCH];
static pmm_json_parser_t *parser;
static pmm_error_t err;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void is_json(size_t len) {
  const pmm_json_node_t *root;
  size_t at;
  const char *why;
  if (!parser && !(parser = pmm_json_new())) abort();
  if (pmm_json_parse(parser, text, len, &root, &at, &why) != PMM_OK) abort();
}

static void refused(pmm_status_t st) {
  if ((st != PMM_PARSE && st != PMM_FULL) || !strstr(err.text, "degen: byte ")) abort();
}

static bool price_ok(int32_t price_e4) { return price_e4 > 0 && price_e4 < PMM_ONE_E4; }

static void check_order(const pmm_degen_order_t *o) {
  if (o->is_error) {
    if (!o->code.at) abort();
  } else if (!price_ok(o->price_e4) || o->qty_e6 < 0 || o->filled_e6 < 0 || o->filled_e6 > o->qty_e6 || o->route > PMM_BUY_NO || o->status > PMM_DEGEN_EXPIRED) abort();
}

/* The text with a blank behind whatever is followed by a token. */
static size_t spaced(char *out, size_t len) {
  size_t n = 0;
  bool in_string = false;
  for (size_t i = 0; i < len; i++) {
    out[n++] = text[i];
    if (in_string && text[i] == '\\' && i + 1 < len) out[n++] = text[++i];
    else if (text[i] == '"') in_string = !in_string;
    else if (!in_string && strchr("{[,:", text[i]) && text[i]) out[n++] = ' ';
  }
  return n;
}

static bool same_text(pmm_degen_text_t a, pmm_degen_text_t b) { return !a.at == !b.at && a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0); }

static void same_with_blanks(size_t len, pmm_status_t st, const pmm_degen_msg_t *m) {
  static pmm_degen_level_t other_level[PMM_DEGEN_LEVELS_MAX];
  static char other[2 * TEXT_MAX + PMM_JSON_PAD], other_scratch[PMM_DEGEN_SCRATCH];
  pmm_degen_msg_t o;
  pmm_error_t other_err;
  if (pmm_degen_decode(other, spaced(other, len), &o, other_level, other_scratch, &other_err) != st) abort();
  if (st != PMM_OK) return;
  if (o.kind != m->kind || o.seq != m->seq || o.ts_ns != m->ts_ns || o.level_cnt != m->level_cnt || !same_text(o.market, m->market)) abort();
  for (size_t i = 0; i < m->level_cnt; i++)
    if (level[i].price_e4 != other_level[i].price_e4 || level[i].qty_e6 != other_level[i].qty_e6 || level[i].side != other_level[i].side) abort();
}

static void message(size_t len) {
  pmm_degen_msg_t m;
  pmm_status_t const st = pmm_degen_decode(text, len, &m, level, scratch, &err);
  same_with_blanks(len, st, &m);
  if (st != PMM_OK) {
    refused(st);
    return;
  }
  is_json(len);
  if (m.kind == PMM_DEGEN_BOOK || m.kind == PMM_DEGEN_DELTA)
    for (size_t i = 0; i < m.level_cnt; i++)
      if (!price_ok(level[i].price_e4) || level[i].qty_e6 < 0 || level[i].side > PMM_ASK) abort();
  if (m.kind == PMM_DEGEN_ORDER) check_order(&m.order);
  if (m.kind == PMM_DEGEN_FILL && (!price_ok(m.fill.price_e4) || m.fill.qty_e6 <= 0 || m.fill.seq == 0)) abort();
  if (m.kind == PMM_DEGEN_TRADE && (!price_ok(m.trade.price_e4) || m.trade.qty_e6 <= 0)) abort();
  if (m.kind == PMM_DEGEN_MARKET && (m.info.tick_e4 <= 0 || PMM_ONE_E4 % m.info.tick_e4 != 0 || m.info.id.len == 0)) abort();
}

static void lists(size_t len) {
  static const char *const keys[] = {"orders", "fills", "markets", "positions", "cancelled", NULL};
  for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
    pmm_degen_list_t list;
    pmm_degen_text_t at;
    pmm_degen_order_t o;
    pmm_degen_fill_t f;
    pmm_degen_market_t m;
    pmm_degen_position_t p;
    pmm_degen_balance_t b;
    if (pmm_degen_list_open(text, len, keys[k], &list) != PMM_OK) continue;
    while (pmm_degen_list_next(&list, &at)) {
      if (at.at < text || at.at + at.len > text + len) abort();
      if (pmm_degen_read_order(at, &o, scratch, &err) == PMM_OK) check_order(&o);
      if (pmm_degen_read_fill(at, &f, scratch, &err) == PMM_OK && (!price_ok(f.price_e4) || f.qty_e6 <= 0)) abort();
      (void)pmm_degen_read_market(at, &m, scratch, &err);
      (void)pmm_degen_read_position(at, &p, scratch, &err);
      (void)pmm_degen_read_balance(at, &b, &err);
    }
    if (list.status != PMM_OK) abort(); /* it was checked when it was opened */
  }
}

static void small(size_t len) {
  pmm_degen_text_t const json = {text, (uint32_t)len};
  char out[64], code[40], note[128];
  uint64_t n;
  if (pmm_degen_get_text(json, "cursor", out, sizeof out) == PMM_OK && memchr(out, '\0', sizeof out) == NULL) abort();
  (void)pmm_degen_get_number(json, "last_seq", &n);
  (void)pmm_degen_get_error(json, code, note);
}

static void token(void) {
  char sub[PMM_DEGEN_SUB_BUF];
  (void)pmm_degen_token_is(text);
  if (pmm_degen_token_verify("a secret that no input knows", 28, text, 0, sub) == PMM_OK) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0 || size - 1 > TEXT_MAX) return 0;
  memcpy(text, data + 1, size - 1);
  memset(text + size - 1, 0, PMM_JSON_PAD);
  switch (data[0] & 3) {
  case 0: message(size - 1); break;
  case 1: lists(size - 1); break;
  case 2: small(size - 1); break;
  default: token();
  }
  return 0;
}
