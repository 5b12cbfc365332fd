/* What is read page after page: discovery at the start, the account at takeover and every so often. One step at a time, one request at a time. */
#include <stdio.h>
#include "adapter.h"

static const struct { const char *what; bool keyed;
} steps[] = {
    [K_IDLE] = {"idle", false},
    [K_BOOT_STATUS] = {"exchange status", false},
    [K_BOOT_LIMITS] = {"account limits", true},
    [K_BOOT_COSTS] = {"endpoint costs", false},
    [K_BOOT_MARKETS] = {"markets", false},
    [K_BOOT_SERIES] = {"series", false},
    [K_BOOT_EVENTS] = {"events", false},
    [K_TAKE_CLEAR] = {"open orders", true},
    [K_TAKE_GROUP] = {"order group", true},
    [K_READ_PAST] = {"past orders", true},
    [K_READ_ORDERS] = {"orders", true},
    [K_READ_FILLS] = {"fills", true},
    [K_READ_POSITIONS] = {"positions", true},
    [K_READ_BALANCE] = {"balance", true},
    [K_READ_LOCKED] = {"resting value", true},
    [K_READ_MARKETS] = {"closed markets", false},
};

#define RETRY_MIN_NS PMM_NS_PER_S
#define RETRY_MAX_NS (30 * PMM_NS_PER_S)

static void fail(pmm__kalshi_t *a, const pmm_error_t *err) {
  int64_t wait_ns = RETRY_MIN_NS << (a->failures < 5 ? a->failures : 5);
  a->failures++;
  a->retry_ns = pmm_net_mono(a->net) + pmm_min64(wait_ns, RETRY_MAX_NS);
  pmm__k_notice(a, a->failures > 3 ? PMM_ALERT : PMM_WARN, "read", PMM_NOTICE_NO_MARKET, "%s: %.180s; asked again", steps[a->step].what, err->text);
  if (a->step <= K_BOOT_EVENTS && a->failures == 1) a->sink.failed(a->sink.ctx, err, true);
}

static void on_page(void *ctx, uint64_t tag, const pmm_http_response_t *r) {
  pmm__kalshi_t *const a = ctx;
  pmm_error_t err = {0};
  if (pmm__k_returned(a) || tag != a->step_gen) return;
  a->step_waits = false;
  pmm__k_hear(a, r, PMM_TIME_NONE);
  bool ok = false;
  if (r->status != PMM_OK) (void)pmm_error_set(&err, r->status, "kalshi: %s", r->why ? r->why : pmm_status_to_string(r->status));
  else ok = a->step <= K_BOOT_EVENTS ? pmm__k_boot_answer(a, r, &err) : pmm__k_account_answer(a, r, &err);
  if (ok) a->failures = 0;
  else if (a->step != K_IDLE) fail(a, &err);
}

static void ask(pmm__kalshi_t *a) {
  char path[1536] = "";
  a->retry_ns = 0;
  a->step_gen++;
  pmm__k_account_path(a, path, sizeof path);
  int64_t const mono_ns = pmm_net_mono(a->net);
  bool const allowed = pmm_bucket_take(&a->read_bucket, (double)a->costs.other, PMM_BUCKET_NORMAL, mono_ns);
  bool const create = a->step == K_TAKE_GROUP;
  size_t const len = create ? pmm__k_group_body(a) : 0;
  a->step_waits =
      path[0] && allowed &&
      (create ? pmm__k_send(a, "POST", path, a->body, len, on_page, a->step_gen) : pmm__k_get(a, path, on_page, a->step_gen));
  if (!a->step_waits) a->retry_ns = mono_ns + (allowed ? RETRY_MIN_NS : PMM__K_TICK_NS);
}

void pmm__k_step_again(pmm__kalshi_t *a) { ask(a); }

void pmm__k_step(pmm__kalshi_t *a, pmm__kstep_t step) {
  a->step = (uint8_t)step;
  a->cursor[0] = '\0';
  a->step_started_ns = pmm_net_mono(a->net);
  a->failures = 0;
  a->retry_ns = 0;
  if (step != K_IDLE) ask(a);
}

void pmm__k_steps_tick(pmm__kalshi_t *a, int64_t mono_ns) {
  if (a->step != K_IDLE && !a->step_waits && a->retry_ns && mono_ns >= a->retry_ns) ask(a);
  if (a->step != K_IDLE || !a->taken_over || a->public_only || a->stopped) return;
  if (!a->reconcile_wanted && mono_ns < a->next_reconcile_ns) return;
  a->reconcile_wanted = false;
  a->next_reconcile_ns = mono_ns + a->params.reconcile_ns;
  a->read_started_ns = mono_ns;
  a->activity_at_start = a->activity;
  pmm__k_step(a, K_READ_FILLS);
}
