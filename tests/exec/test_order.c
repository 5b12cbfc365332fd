/* The automaton: its whole table, and every interleaving of one order's life with a venue behind an unreliable wire. */
#include "exec/venue.h"

/* -- the table, written a second time and by another rule -- */
static pmm_order_state_t rest(bool has_fills) { return has_fills ? PMM_ORDER_PARTLY_FILLED : PMM_ORDER_LIVE; }

/* What must follow, or -1: said per input rather than per state. */
static int expected(pmm_order_state_t s, pmm_order_input_t in, bool fills) {
  bool const asked_cancel = s == PMM_ORDER_PENDING_CANCEL, unknown = s == PMM_ORDER_UNKNOWN, resting = s == PMM_ORDER_LIVE || s == PMM_ORDER_PARTLY_FILLED;
  if (pmm_order_is_terminal(s)) return -1;
  switch (in) {
    case PMM_IN_FILL_ALL: return PMM_ORDER_FILLED;
    case PMM_IN_FILL_PART: return s == PMM_ORDER_PENDING_NEW || resting ? PMM_ORDER_PARTLY_FILLED : (int)s;
    case PMM_IN_CANCELLED: case PMM_IN_GONE: return PMM_ORDER_CANCELLED;
    case PMM_IN_EXPIRED: return PMM_ORDER_EXPIRED;
    case PMM_IN_FOUND: return asked_cancel ? (int)s : (int)rest(fills);
    case PMM_IN_LOST: return unknown ? -1 : PMM_ORDER_UNKNOWN;
    case PMM_IN_ACK: return resting ? -1 : asked_cancel || s == PMM_ORDER_PENDING_AMEND ? (int)s : (int)rest(fills);
    case PMM_IN_REJECT: return s == PMM_ORDER_PENDING_NEW || asked_cancel || unknown ? PMM_ORDER_REJECTED : -1;
    case PMM_IN_CANCEL_SENT: return asked_cancel ? -1 : PMM_ORDER_PENDING_CANCEL;
    case PMM_IN_CANCEL_REJECT: return asked_cancel ? PMM_ORDER_UNKNOWN : -1;
    case PMM_IN_AMEND_SENT: return resting ? PMM_ORDER_PENDING_AMEND : -1;
    case PMM_IN_AMENDED: return s == PMM_ORDER_PENDING_NEW ? -1 : asked_cancel ? (int)s : (int)rest(fills);
    case PMM_IN_AMEND_REJECT: return asked_cancel ? (int)s : s == PMM_ORDER_PENDING_AMEND ? (int)rest(fills) : -1;
    default: return -2;
  }
}

static void test_table(void **state) {
  (void)state;
  for (int s = 0; s < PMM_ORDER_STATE_CNT; s++)
    for (int in = 0; in < PMM_ORDER_INPUT_CNT; in++)
      for (int fills = 0; fills < 2; fills++) {
        pmm_order_state_t next = PMM_ORDER_STATE_CNT;
        pmm_status_t const st = pmm_order_step((pmm_order_state_t)s, (pmm_order_input_t)in, fills, &next);
        int const want = expected((pmm_order_state_t)s, (pmm_order_input_t)in, fills);
        if (want == -1 ? st != PMM_STATE || next != PMM_ORDER_STATE_CNT : st != PMM_OK || (int)next != want)
          fail_msg("%s, input %d, fills %d", pmm_order_state_to_string((pmm_order_state_t)s), in, fills);
      }
  assert_string_equal(pmm_order_state_to_string(PMM_ORDER_PENDING_AMEND), "pending-amend");
  assert_string_equal(pmm_order_state_to_string(PMM_ORDER_STATE_CNT), "unknown state");
}

/* From every state a last word ends the order, and a fill is never refused before the end. */
static void test_last_words(void **state) {
  (void)state;
  static const pmm_order_input_t words[] = {PMM_IN_FILL_ALL, PMM_IN_CANCELLED, PMM_IN_EXPIRED, PMM_IN_GONE};
  for (int s = 0; s < PMM_ORDER_FILLED; s++) {
    pmm_order_state_t next;
    for (size_t k = 0; k < COUNT_OF(words); k++) {
      assert_int_equal(pmm_order_step((pmm_order_state_t)s, words[k], true, &next), PMM_OK);
      assert_true(pmm_order_is_terminal(next));
    }
    assert_int_equal(pmm_order_step((pmm_order_state_t)s, PMM_IN_FILL_PART, true, &next), PMM_OK);
    assert_false(pmm_order_is_terminal(next));
  }
}

/* -- every interleaving of one order's life --
   A life is a row of choices: what we ask, what the venue does, what the wire delivers, repeats or loses. All rows up to a
   depth are walked; after each the world falls quiet, says its last word, and everything must add up. */
typedef struct life {
  world_t w;
  venue_t v;
  uint64_t id;
  int64_t bought, paid, fees; /* fills delivered, by hand */
  int64_t before;             /* bought in earlier lives */
  uint64_t seen[64];
  int seen_cnt;
  bool canary;                /* one fill in the books is not the venue's */
  bool wrong;
} life_t;

static bool is_new_fill(life_t *l, const pmm_event_t *ev) {
  for (int i = 0; i < l->seen_cnt; i++)
    if (l->seen[i] == ev->ref_id) return false;
  l->seen[l->seen_cnt++] = ev->ref_id;
  return true;
}

static void deliver(life_t *l, pmm_event_t ev) {
  bool const counts = ev.md.kind == PMM_EV_FILL && is_new_fill(l, &ev);
  pmm_status_t const st = world_event(&l->w, ev);
  if (counts) {
    if (st != PMM_OK) l->wrong = true; /* a fill of an order that is not over was refused */
    l->bought += ev.md.qty_e6 + l->canary;
    l->paid += pmm_notional_ceil(ev.md.price_e4, ev.md.qty_e6);
    l->fees += ev.amount_e6;
  } else if (ev.md.kind == PMM_EV_FILL && st != PMM_STATE) {
    l->wrong = true; /* a fill counted twice */
  }
}

enum { CHOICES_MAX = 24 };
typedef void (*choice_t)(life_t *l, int arg);
typedef struct choices { choice_t act[CHOICES_MAX]; int arg[CHOICES_MAX], cnt; } choices_t;

static void add(choices_t *c, choice_t act, int arg) {
  c->act[c->cnt] = act;
  c->arg[c->cnt++] = arg;
}

static void do_process(life_t *l, int at) { venue_process(&l->v, at); }
static void do_lose_request(life_t *l, int at) { venue_lose_request(&l->v, at); }
static void do_refuse(life_t *l, int at) { venue_refuse(&l->v, at); }
static void do_deliver(life_t *l, int at) { deliver(l, venue_pop_event(&l->v, at)); }
static void do_repeat(life_t *l, int at) { deliver(l, l->v.event[at]); }
static void do_lose_event(life_t *l, int at) { venue_lose_event(&l->v, at); }
static void do_fill_part(life_t *l, int arg) { (void)arg; venue_fill(&l->v, &l->v.order[0], QTY(1), 500); }
static void do_fill_all(life_t *l, int arg) { (void)arg; venue_fill(&l->v, &l->v.order[0], venue_open(&l->v.order[0]), 500); }
static void do_expire(life_t *l, int arg) { (void)arg; venue_expire(&l->v, &l->v.order[0]); }
static void do_want(life_t *l, int contracts) {
  char text[32] = "";
  if (contracts) snprintf(text, sizeof text, "b.5000x%d", contracts);
  world_want(&l->w, text);
  const pmm_order_t *const o = pmm_exec_find(l->w.exec, l->id);
  if (contracts && (!o || pmm_order_open(o) <= QTY(contracts))) return; /* only shrinking: this is one order's life */
  world_quote(&l->w, 0);
  venue_take(&l->v, &l->w);
}

static choices_t choices(life_t *l) {
  choices_t c = {.cnt = 0};
  const pmm_order_t *const o = pmm_exec_find(l->w.exec, l->id);
  if (o && o->state != PMM_ORDER_PENDING_CANCEL) add(&c, do_want, 0);
  if (o && (o->state == PMM_ORDER_LIVE || o->state == PMM_ORDER_PARTLY_FILLED) && pmm_order_open(o) > QTY(2)) add(&c, do_want, 2);
  if (l->v.request_cnt > 0) {
    add(&c, do_process, 0);
    add(&c, do_lose_request, 0);
    if (l->v.request[0].kind == PMM_ACT_PLACE) add(&c, do_refuse, 0);
  }
  if (l->v.order_cnt > 0 && l->v.order[0].alive) {
    if (venue_open(&l->v.order[0]) > QTY(1)) add(&c, do_fill_part, 0);
    add(&c, do_fill_all, 0);
    add(&c, do_expire, 0);
  }
  for (int i = 0; i < l->v.event_cnt && i < 3; i++) add(&c, do_deliver, i);
  if (l->v.event_cnt > 0) {
    add(&c, do_repeat, 0);
    if (!is_trade_event(&l->v.event[0])) add(&c, do_lose_event, 0);
  }
  return c;
}

static void begin(life_t *l) {
  l->v.order_cnt = l->v.request_cnt = l->v.event_cnt = 0;
  l->seen_cnt = 0;
  l->before = l->bought;
  world_want(&l->w, "b.5000x4");
  world_quote(&l->w, 0);
  assert_int_equal(l->w.out.cnt, 1);
  l->id = l->w.action[0].order_id;
  venue_take(&l->v, &l->w);
}

/* The wire becomes reliable and all that is under way arrives. */
static void quiet(life_t *l) {
  while (l->v.request_cnt > 0 || l->v.event_cnt > 0) {
    while (l->v.request_cnt > 0) venue_process(&l->v, 0);
    while (l->v.event_cnt > 0) deliver(l, venue_pop_event(&l->v, 0));
  }
}

static bool end(life_t *l) {
  quiet(l);
  for (int round = 0; round < 4 && pmm_exec_open_cnt(l->w.exec, 0) > 0; round++) {
    venue_tell(&l->v, l->id); /* reconciled, cancelled, and told about again */
    quiet(l);
    l->w.out.cnt = 0;
    pmm_exec_cancel_slot(l->w.exec, 0, l->w.ctx.now_ns, &l->w.out);
    venue_take(&l->v, &l->w);
    quiet(l);
  }
  pmm_error_t err;
  pmm_position_t const p = world_position(&l->w, 0);
  bool const all_came = l->bought - l->before == (l->v.order_cnt ? l->v.order[0].filled : 0);
  return !l->wrong && all_came && pmm_exec_open_cnt(l->w.exec, 0) == 0 && pmm_ledger_reserved(l->w.ledger) == 0 && p.yes_locked_e6 == 0 &&
         p.yes_e6 == l->bought && p.yes_cost_e6 == l->paid && p.fees_e6 == l->fees && pmm_exec_check(l->w.exec, &err) == PMM_OK &&
         pmm_ledger_check(l->w.ledger, &err) == PMM_OK;
}

/* One life by its row of choices; tells how many there were at each step. Returns whether all added up. */
static bool live(life_t *l, const int *row, int depth, int *cnt) {
  begin(l);
  for (int i = 0; i < depth; i++) {
    choices_t const c = choices(l);
    cnt[i] = c.cnt;
    if (c.cnt == 0) break;
    c.act[row[i]](l, c.arg[row[i]]);
    pmm_error_t err;
    if (pmm_exec_check(l->w.exec, &err) != PMM_OK || pmm_ledger_check(l->w.ledger, &err) != PMM_OK) l->wrong = true;
  }
  return end(l);
}

static void print_row(const int *row, int depth) {
  printf("choices:");
  for (int i = 0; i < depth; i++) printf(" %d", row[i]);
  printf("\n");
}

static void start_over(life_t *l, bool canary) {
  memset(l, 0, sizeof *l);
  world_options_t o = world_options();
  o.exec.amend = true;
  o.cash_e6 = INT64_C(1000000000000);
  world_init(&l->w, &o);
  l->canary = canary;
}

/* Walks all rows of the given depth like an odometer; returns how many, or 0 when one did not add up. */
static uint64_t walk(int depth, bool canary) {
  static life_t l;
  int row[16] = {0}, cnt[16];
  uint64_t lives = 0;
  start_over(&l, canary);
  for (;;) {
    memset(cnt, 0, sizeof cnt);
    if (!live(&l, row, depth, cnt)) {
      if (!canary) print_row(row, depth);
      return 0;
    }
    lives++;
    int i = depth - 1;
    while (i >= 0 && row[i] + 1 >= cnt[i]) row[i--] = 0;
    if (i < 0) return lives;
    row[i]++;
    if (lives % 10000 == 0) start_over(&l, canary); /* before what piled up meets a limit */
  }
}

static void test_every_interleaving(void **state) {
  (void)state;
  int const depth = (int)check_env_u64("PMM_TEST_DEPTH", 7);
  uint64_t const lives = walk(depth, false);
  printf("depth %d: %llu lives\n", depth, (unsigned long long)lives);
  assert_true(lives > 1000);
}

static void test_canary(void **state) {
  (void)state;
  assert_int_equal(walk(5, true), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_table), cmocka_unit_test(test_last_words), cmocka_unit_test(test_every_interleaving), cmocka_unit_test(test_canary),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
