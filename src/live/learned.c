/* learned.c -- what strategies have learned, from one run to the next. It counts only for the same strategy with the same parameters in the same market:
   numbers found under other ones would be trusted for what they are not. */
#include <string.h>
#include "live_impl.h"
#include "pmm/hash.h"

/* One word for a strategy's name and every parameter as a user would write it. */
static uint64_t fingerprint(const pmm_slot_config_t *slot) {
  char text[PMM_PARAM_TEXT_MAX];
  uint64_t h = pmm_hash64(slot->ops->name, strlen(slot->ops->name), PMM_STRATEGY_ABI);
  for (size_t i = 0; i < slot->ops->param_cnt; i++) {
    const pmm_param_t *const p = &slot->ops->params[i];
    size_t const len = pmm_param_print(p, slot->params, text);
    h = pmm_hash64(text, len, pmm_hash64(p->name, strlen(p->name), h));
  }
  return h;
}

static pmm_live_learned_t about(const pmm_live_t *l, uint32_t slot) {
  const pmm_slot_config_t *const s = &l->setup.slot[slot];
  const pmm__live_venue_t *const v = &l->venue[l->wallet[s->market]];
  return (pmm_live_learned_t){.venue = v->index, .market = v->market[s->market - v->first_market].id, .strategy = s->name, .params = fingerprint(s)};
}

static const pmm_live_learned_t *find(const pmm_live_t *l, const pmm_live_learned_t *want) {
  for (size_t i = 0; i < l->cfg.learned_cnt; i++) {
    const pmm_live_learned_t *const k = &l->cfg.learned[i];
    if (k->venue == want->venue && strcmp(k->market, want->market) == 0 && strcmp(k->strategy, want->strategy) == 0) return k;
  }
  return NULL;
}

static void take(pmm_live_t *l, uint32_t slot) {
  pmm_live_learned_t const want = about(l, slot);
  const pmm_live_learned_t *const have = find(l, &want);
  pmm_error_t err = {0};
  if (!have) return;
  if (have->params != want.params) {
    pmm__live_note(l, PMM_NOTE, "learned", l->setup.slot[slot].market, "%s in %.80s begins anew: its parameters are not those with which it learned", want.strategy, want.market);
    return;
  }
  if (pmm_engine_load(l->setup.engine, slot, pmm_net_now(l->net), have->text, have->len, &err) != PMM_OK)
    pmm__live_note(l, PMM_WARN, "learned", l->setup.slot[slot].market, "%s in %.80s begins anew: %.120s", want.strategy, want.market, err.text);
  else pmm__live_note(l, PMM_NOTE, "learned", l->setup.slot[slot].market, "%s in %.80s goes on with what it learned%s%.80s", want.strategy, want.market, *err.text ? "; " : "", err.text);
}

void pmm__learned_open(pmm_live_t *l) {
  for (uint32_t i = 0; l->cfg.learned_cnt > 0 && i < l->setup.slot_cnt; i++)
    if (l->setup.slot[i].ops->load) take(l, i);
}

bool pmm_live_learned(pmm_live_t *l, void (*fn)(void *ctx, const pmm_live_learned_t *learned), void *ctx) {
  char text[PMM_LIVE_LEARNED_MAX];
  for (uint32_t i = 0; l->has_setup && i < l->setup.slot_cnt; i++) {
    size_t const len = pmm_engine_save(l->setup.engine, i, text, sizeof text);
    if (len == 0) continue;
    pmm_live_learned_t k = about(l, i);
    k.text = text;
    k.len = len;
    fn(ctx, &k);
  }
  return l->has_setup;
}
