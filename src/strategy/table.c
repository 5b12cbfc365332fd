/* The table of strategies, the loader of a user's own, and the few helpers of the interface itself. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "quoting.h"

static const pmm_strategy_ops_t *const built_in[] = {
  &pmm__strategy_linear, &pmm__strategy_adaptive, &pmm__strategy_logit, &pmm__strategy_digital, &pmm__strategy_curve, &pmm__strategy_arbitrage};

void pmm_signals_none(pmm_signals_t *signals) {
  *signals = (pmm_signals_t){NAN, NAN, NAN, NAN, NAN, NAN, -1};
}

const char *pmm_quote_action_to_string(pmm_quote_action_t action) {
  switch (action) {
  case PMM_QUOTE_QUOTE: return "quote";
  case PMM_QUOTE_PAUSE: return "pause";
  case PMM_QUOTE_EXIT: return "exit";
  case PMM_QUOTE_KEEP: return "keep";
  case PMM_QUOTE_TAKE: return "take";
  }
  return "unknown action";
}

/* Field by field: the level arrays are most of the struct and their counts say how much of them holds. */
void pmm_quotes_clear(pmm_quotes_t *quotes) {
  quotes->action = PMM_QUOTE_QUOTE;
  quotes->fair = NAN;
  quotes->bid_cnt = quotes->ask_cnt = 0;
  quotes->exit_side = PMM_BID;
  quotes->exit_qty_e6 = 0;
  quotes->exit_limit = NAN;
  quotes->take[PMM_BID] = quotes->take[PMM_ASK] = (pmm_level_t){0, 0};
  quotes->raw_bid = quotes->raw_ask = quotes->raw_spread = NAN;
  quotes->resize_tolerance = 0;
  quotes->cash_floor_e6 = 0;
  quotes->reason_cnt = 0;
  quotes->why = NULL;
}

void pmm_quotes_reason(pmm_quotes_t *quotes, const char *name, double value) {
  if (quotes->reason_cnt < PMM_REASONS_MAX) quotes->reason[quotes->reason_cnt++] = (pmm_reason_t){name, value};
}

int64_t pmm_position_settle(const pmm_position_t *position, int64_t payout_yes_e6) {
  int64_t const yes = pmm_muldiv_floor(position->yes_e6, payout_yes_e6, PMM_ONE_E6);
  int64_t const no = pmm_muldiv_floor(position->no_e6, PMM_ONE_E6 - payout_yes_e6, PMM_ONE_E6);
  return yes + no - position->yes_cost_e6 - position->no_cost_e6;
}

const pmm_strategy_ops_t *const *pmm_strategy_table(size_t *cnt) {
  if (cnt) *cnt = PMM__CNT(built_in);
  return built_in;
}

static bool is_path(const char *name) {
  size_t const len = strlen(name);
  return strchr(name, '/') || (len > 3 && strcmp(name + len - 3, ".so") == 0);
}

/* Everything a wrong table could make the engine trip over is checked here, once. */
static const char *fault_of(const pmm_strategy_ops_t *ops) {
  if (!ops->name || !*ops->name) return "it has no name";
  if (!ops->on_view) return "it has no on_view";
  if (ops->state_size == 0 || ops->state_size > (size_t)1 << 30) return "its state_size is not between 1 and 2^30";
  if ((ops->param_cnt && !ops->params) || ops->params_size > (size_t)1 << 20) return "its parameter table has no rows or its struct is over 1 MiB";
  for (size_t i = 0; i < ops->param_cnt; i++) {
    const pmm_param_t *const p = &ops->params[i];
    if (!p->name || !p->def || !p->unit || !p->help) return "a parameter lacks its name, default, unit or help";
    if (p->type > PMM_PARAM_TEXT || (p->type == PMM_PARAM_ENUM && !p->choices)) return "a parameter has no known type or no choices";
    if (p->offset >= ops->params_size) return "a parameter lies outside params_size";
    if (pmm_param_find(ops->params, i, p->name)) return "two parameters have one name";
    _Alignas(16) char scratch[PMM_PARAM_TEXT_MAX];
    pmm_param_t alone = *p;
    alone.offset = 0;
    if (pmm_param_set(&alone, scratch, p->def, NULL) != PMM_OK) return "a parameter's default is outside its own range";
  }
  return NULL;
}

static pmm_status_t load(const char *name, const pmm_strategy_ops_t **ops, pmm_error_t *err) {
  char path[4096]; /* dlopen searches the library path for a bare name; a user means the working directory */
  int const len = snprintf(path, sizeof path, "%s%s", strchr(name, '/') ? "" : "./", name);
  if (len >= (int)sizeof path) return pmm_error_set(err, PMM_INVAL, "strategy: path too long");
  void *const handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!handle) return pmm_error_set(err, PMM_IO, "strategy: cannot load %s: %s", path, dlerror());
  const pmm_strategy_ops_t *const loaded = dlsym(handle, PMM_STRATEGY_SYMBOL);
  pmm_status_t st = PMM_OK;
  if (!loaded) st = pmm_error_set(err, PMM_IO, "strategy: %s does not export '" PMM_STRATEGY_SYMBOL "'", path);
  else if (loaded->abi != PMM_STRATEGY_ABI)
    st = pmm_error_set(err, PMM_VERSION, "strategy: %s was built for interface %u, this is interface %d", path, loaded->abi, PMM_STRATEGY_ABI);
  else if (fault_of(loaded))
    st = pmm_error_set(err, PMM_INVAL, "strategy: %s is not usable: %s", path, fault_of(loaded));
  if (st != PMM_OK) {
    dlclose(handle);
    return st;
  }
  *ops = loaded; /* the handle stays open: its code is in use until the process ends */
  return PMM_OK;
}

pmm_status_t pmm_strategy_find(const char *name, const pmm_strategy_ops_t **ops, pmm_error_t *err) {
  for (size_t i = 0; i < PMM__CNT(built_in); i++)
    if (strcmp(built_in[i]->name, name) == 0) {
      *ops = built_in[i];
      return PMM_OK;
    }
  if (is_path(name)) return load(name, ops, err);
  char known[256] = "";
  size_t used = 0;
  for (size_t i = 0; i < PMM__CNT(built_in); i++)
    used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", built_in[i]->name);
  return pmm_error_set(err, PMM_NOT_FOUND, "strategy: no '%.64s' (known: %s, or the path of a shared object)", name, known);
}
