/* Settings into a configuration. A key is resolved to what it names, then settings are applied in the order that makes
   sense rather than the one they stand in: which strategies there are, their presets, then every single value. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_schema.h"

typedef enum target_kind {
  TARGET_LIST,    /* strategies */
  TARGET_ELEMENT, /* strategies.0 */
  TARGET_NAME, TARGET_MATCH, TARGET_STRATEGY, TARGET_PRESET, /* of an element */
  TARGET_PARAMS,  /* params */
  TARGET_PARAM,   /* params.size: which parameters exist depends on the strategy */
  TARGET_SECTION, /* risk */
  TARGET_FIELD,   /* risk.max_heat, seed */
  TARGET_ITEMS,   /* venues */
  TARGET_ITEM,    /* venues.0 */
  TARGET_ITEM_FIELD /* venues.0.rest */
} target_kind_t;

typedef struct target {
  target_kind_t kind;
  uint32_t element;
  bool top;                 /* strategy, preset, params at the top: the only strategy */
  const char *leaf;         /* TARGET_PARAM: the parameter's name */
  const pmm_param_t *param; /* TARGET_FIELD */
  size_t offset;            /* of the section's struct in the config */
  const pmm__list_t *list;  /* TARGET_ITEMS and below; element is the item */
} target_t;

typedef struct builder {
  const pmm__settings_t *settings;
  pmm_config_t *config;
  pmm_error_t *err;
  const pmm__setting_t *top, *list; /* a setting of the top form, and of the list: only one form may be used */
  const pmm__setting_t *strategy[PMM_CONFIG_STRATEGIES_MAX], *preset[PMM_CONFIG_STRATEGIES_MAX], *element[PMM_CONFIG_STRATEGIES_MAX];
} builder_t;

/* -- keys -- */
static const char *const element_keys[] = {"strategy", "preset", "params", "name", "match"};
static const target_kind_t element_kinds[] = {TARGET_STRATEGY, TARGET_PRESET, TARGET_PARAMS, TARGET_NAME, TARGET_MATCH};
#define ELEMENT_KEY_CNT 5
#define TOP_KEY_CNT 3 /* of them: a single strategy needs no name and matches everything */

/* Splits "a.b.c" at its first dot: copies "a" to part and returns "b.c", or NULL when nothing follows. */
static const char *split(const char *key, char part[PMM__KEY_MAX + 1]) {
  size_t const len = strcspn(key, ".");
  memcpy(part, key, len);
  part[len] = '\0';
  return key[len] ? key + len + 1 : NULL;
}

static const pmm__section_t *find_section(const char *name) {
  for (size_t i = 0; i < pmm__section_cnt; i++)
    if (strcmp(pmm__sections[i].name, name) == 0) return &pmm__sections[i];
  return NULL;
}

static const pmm__list_t *find_list(const char *name) {
  for (size_t i = 0; i < pmm__list_cnt; i++)
    if (strcmp(pmm__lists[i].name, name) == 0) return &pmm__lists[i];
  return NULL;
}

static const char *nearest_of(const char *const *names, size_t cnt, const char *name) {
  pmm_param_t rows[32] = {0};
  for (size_t i = 0; i < cnt; i++) rows[i].name = names[i];
  return pmm_param_nearest(rows, cnt, name);
}

static const char *nearest_top(const char *name) {
  const char *names[32] = {"seed", "strategies"};
  size_t cnt = 2;
  for (size_t i = 0; i < TOP_KEY_CNT; i++) names[cnt++] = element_keys[i];
  for (size_t i = 0; i < pmm__section_cnt; i++) names[cnt++] = pmm__sections[i].name;
  for (size_t i = 0; i < pmm__list_cnt; i++) names[cnt++] = pmm__lists[i].name;
  return nearest_of(names, cnt, name);
}

static pmm_status_t unknown_key(const builder_t *b, const pmm__setting_t *s, const char *nearest) {
  return pmm__settings_error(b->settings, s, b->err, PMM_NOT_FOUND, "unknown key (did you mean '%s'?)", nearest);
}

static bool is_strategy_param(const char *name) {
  size_t cnt = 0;
  const pmm_strategy_ops_t *const *const table = pmm_strategy_table(&cnt);
  for (size_t i = 0; i < cnt; i++)
    if (pmm_param_find(table[i]->params, table[i]->param_cnt, name)) return true;
  return false;
}

/* A key that stands at the top but belongs into a section is a likelier mistake than a wrong letter. */
static pmm_status_t unknown_top(const builder_t *b, const pmm__setting_t *s, const char *name) {
  const char *home = is_strategy_param(name) ? "params" : NULL;
  for (size_t i = 0; !home && i < pmm__section_cnt; i++)
    if (pmm_param_find(pmm__sections[i].params, *pmm__sections[i].cnt, name)) home = pmm__sections[i].name;
  if (!home) return unknown_key(b, s, nearest_top(name));
  char path[2 * PMM__KEY_MAX];
  snprintf(path, sizeof path, "%s.%s", home, name);
  return unknown_key(b, s, path);
}

static pmm_status_t no_such_depth(const builder_t *b, const pmm__setting_t *s) {
  return pmm__settings_error(b->settings, s, b->err, PMM_NOT_FOUND, "unknown key: nothing lies below a single value");
}

/* "strategy", "params.size" ... of one element; key_cnt says how many of element_keys are allowed here. */
static pmm_status_t resolve_element(const builder_t *b, const pmm__setting_t *s, const char *key, size_t key_cnt, target_t *target) {
  char part[PMM__KEY_MAX + 1];
  const char *const rest = split(key, part);
  size_t i = 0;
  while (i < key_cnt && strcmp(part, element_keys[i]) != 0) i++;
  if (i == key_cnt) return unknown_key(b, s, nearest_of(element_keys, key_cnt, part));
  target->kind = element_kinds[i];
  if (!rest) return PMM_OK;
  if (target->kind != TARGET_PARAMS || strchr(rest, '.')) return no_such_depth(b, s);
  target->kind = TARGET_PARAM;
  target->leaf = rest;
  return PMM_OK;
}

/* "3" and what follows; at: what stands behind the number, NULL for nothing. */
static pmm_status_t resolve_index(const builder_t *b, const pmm__setting_t *s, const char *key, const char *list, const char *first, uint32_t *index,
                                  const char **at) {
  char part[PMM__KEY_MAX + 1];
  const char *const rest = split(key, part);
  size_t const len = strlen(part);
  uint32_t n = 0; /* wraps for nonsense, which is refused below */
  for (size_t i = 0; i < len; i++) n = n * 10 + (uint32_t)(part[i] - '0');
  if (len == 0 || len > 4 || strspn(part, "0123456789") != len)
    return pmm__settings_error(b->settings, s, b->err, PMM_NOT_FOUND, "%s are numbered: %s.0.%s", list, list, rest ? rest : first);
  *index = n;
  *at = rest;
  return PMM_OK;
}

static pmm_status_t resolve_list(const builder_t *b, const pmm__setting_t *s, const char *key, target_t *target) {
  const char *rest = NULL;
  pmm_status_t const st = resolve_index(b, s, key, "strategies", "strategy", &target->element, &rest);
  target->kind = TARGET_ELEMENT;
  if (st != PMM_OK || !rest) return st;
  return resolve_element(b, s, rest, ELEMENT_KEY_CNT, target);
}

static pmm_status_t resolve_section(const builder_t *b, const pmm__setting_t *s, const pmm__section_t *section, const char *key, target_t *target) {
  char part[PMM__KEY_MAX + 1];
  const char *const rest = split(key, part);
  target->kind = TARGET_FIELD;
  target->offset = section->offset;
  target->param = pmm_param_find(section->params, *section->cnt, part);
  if (!target->param) return unknown_key(b, s, pmm_param_nearest(section->params, *section->cnt, part));
  return rest ? no_such_depth(b, s) : PMM_OK;
}

/* "venues", "venues.0", "venues.0.rest". */
static pmm_status_t resolve_items(const builder_t *b, const pmm__setting_t *s, const pmm__list_t *list, const char *key, target_t *target) {
  *target = (target_t){.kind = TARGET_ITEMS, .list = list};
  if (!key) return PMM_OK;
  const char *rest = NULL;
  pmm_status_t const st = resolve_index(b, s, key, list->name, list->params[0].name, &target->element, &rest);
  if (st != PMM_OK) return st;
  target->kind = TARGET_ITEM;
  if (!rest) return PMM_OK;
  char part[PMM__KEY_MAX + 1];
  const char *const more = split(rest, part);
  target->kind = TARGET_ITEM_FIELD;
  target->param = pmm_param_find(list->params, *list->cnt, part);
  if (!target->param) return unknown_key(b, s, pmm_param_nearest(list->params, *list->cnt, part));
  return more ? no_such_depth(b, s) : PMM_OK;
}

static pmm_status_t resolve(const builder_t *b, const pmm__setting_t *s, target_t *target) {
  *target = (target_t){.top = true};
  char part[PMM__KEY_MAX + 1];
  const char *const rest = split(s->key, part);
  if (strcmp(part, "strategies") == 0) {
    target->top = false;
    return rest ? resolve_list(b, s, rest, target) : PMM_OK;
  }
  for (size_t i = 0; i < TOP_KEY_CNT; i++)
    if (strcmp(part, element_keys[i]) == 0) return resolve_element(b, s, s->key, TOP_KEY_CNT, target);
  if (strcmp(part, "seed") == 0) {
    *target = (target_t){.kind = TARGET_FIELD, .param = &pmm__seed_param};
    return rest ? no_such_depth(b, s) : PMM_OK;
  }
  const pmm__list_t *const list = find_list(part);
  if (list) return resolve_items(b, s, list, rest, target);
  const pmm__section_t *const section = find_section(part);
  if (!section) return unknown_top(b, s, part);
  target->kind = TARGET_SECTION;
  return rest ? resolve_section(b, s, section, rest, target) : PMM_OK;
}

/* A value where a section stands in the schema, and the other ways round. */
static pmm_status_t check_node(const builder_t *b, const pmm__setting_t *s, const target_t *target) {
  pmm__node_t const node = s->node;
  if (target->kind == TARGET_LIST || target->kind == TARGET_ITEMS) {
    if (node == PMM__NODE_LIST || (node == PMM__NODE_NULL && target->kind == TARGET_ITEMS)) return PMM_OK;
    return pmm__settings_error(b->settings, s, b->err, PMM_PARSE, "must be a list: lines of '- %s: ...' below it",
                               target->list ? target->list->params[0].name : "strategy");
  }
  bool const is_section = target->kind == TARGET_SECTION || target->kind == TARGET_PARAMS || target->kind == TARGET_ELEMENT || target->kind == TARGET_ITEM;
  if (is_section) { /* an empty one is fine: every line of it may be commented out */
    if (node == PMM__NODE_MAP || (node == PMM__NODE_NULL && target->kind != TARGET_ELEMENT && target->kind != TARGET_ITEM)) return PMM_OK;
    return pmm__settings_error(b->settings, s, b->err, PMM_PARSE, "must be a section: lines of 'key: value' below it");
  }
  if (node == PMM__NODE_VALUE) return PMM_OK;
  return pmm__settings_error(b->settings, s, b->err, PMM_PARSE, "must be a single value, not %s",
                             node == PMM__NODE_MAP ? "a section" : node == PMM__NODE_LIST ? "a list" : "empty (\"\" is an empty text)");
}

/* Errors of the layers below begin with a parameter's name, "size: ...", our keys end with it: the text behind it. */
static const char *skip_name(const char *text) {
  const char *const end = strstr(text, ": ");
  return end ? end + 2 : text;
}

static pmm_status_t param_error(const builder_t *b, const pmm__setting_t *s, const pmm_error_t *why) {
  return pmm__settings_error(b->settings, s, b->err, why->status, "%s", skip_name(why->text));
}

/* -- strategies -- */
static pmm_status_t copy_text(const builder_t *b, const pmm__setting_t *s, char *out, size_t cap) {
  size_t const len = strlen(s->value);
  if (len == 0 || len >= cap)
    return pmm__settings_error(b->settings, s, b->err, PMM_INVAL, "%s (allowed: 1 to %zu bytes)", len ? "text too long" : "empty", cap - 1);
  memcpy(out, s->value, len + 1);
  return PMM_OK;
}

static pmm_status_t begin_element(builder_t *b, const pmm__setting_t *s, uint32_t index) {
  if (index >= PMM_CONFIG_STRATEGIES_MAX)
    return pmm__settings_error(b->settings, s, b->err, PMM_FULL, "too many strategies (allowed: %d)", PMM_CONFIG_STRATEGIES_MAX);
  pmm_config_strategy_t *const element = &b->config->strategy[index];
  memset(element, 0, sizeof *element);
  strcpy(element->match, "*");
  b->config->strategy_cnt = index + 1;
  b->element[index] = s;
  return PMM_OK;
}

/* A list in the file replaces what was there; a --set may also add the next item by naming it. */
static pmm_status_t collect_item(builder_t *b, const pmm__setting_t *s, const target_t *t) {
  uint32_t *const len = pmm__list_len(b->config, t->list);
  if (t->kind == TARGET_ITEMS) {
    *len = 0;
    return PMM_OK;
  }
  if (t->element < *len) return PMM_OK;
  if (t->element >= t->list->max)
    return pmm__settings_error(b->settings, s, b->err, PMM_FULL, "too many %s (allowed: %u)", t->list->name, t->list->max);
  if (t->element > *len) return pmm__settings_error(b->settings, s, b->err, PMM_NOT_FOUND, "no such item (%u in the list)", *len);
  char *const item = (char *)b->config + pmm__list_at(t->list, t->element);
  memset(item, 0, t->list->stride);
  pmm_params_default(t->list->params, *t->list->cnt, item);
  *len = t->element + 1;
  return PMM_OK;
}

/* First pass: the forms used, the elements, what stands in them beside parameters. */
static pmm_status_t collect(builder_t *b, const pmm__setting_t *s, const target_t *t) {
  if (t->kind == TARGET_SECTION || t->kind == TARGET_FIELD) return PMM_OK;
  if (t->list) return collect_item(b, s, t);
  *(t->top ? &b->top : &b->list) = s;
  if (b->top && b->list)
    return pmm__settings_error(b->settings, s, b->err, PMM_INVAL, "'strategies' stands in place of strategy, preset and params (write strategies.0.params...)");
  if (t->kind == TARGET_LIST) {
    b->config->strategy_cnt = 0;
    return PMM_OK;
  }
  if (t->kind == TARGET_ELEMENT) return begin_element(b, s, t->element);
  if (t->element >= b->config->strategy_cnt || (!t->top && !b->element[0])) /* only a --set can name one that is not there */
    return pmm__settings_error(b->settings, s, b->err, PMM_NOT_FOUND, "no such strategy (%u in the list)", b->element[0] ? b->config->strategy_cnt : 0);
  pmm_config_strategy_t *const element = &b->config->strategy[t->element];
  if (t->kind == TARGET_NAME) return copy_text(b, s, element->name, sizeof element->name);
  if (t->kind == TARGET_MATCH) return copy_text(b, s, element->match, sizeof element->match);
  if (t->kind == TARGET_STRATEGY) b->strategy[t->element] = s;
  if (t->kind == TARGET_PRESET) b->preset[t->element] = s;
  return PMM_OK;
}

/* A shared object's path: from the configuration's folder when relative, except for a --set. With a slash, so that the
   loader does not go looking for it. */
static pmm_status_t strategy_source(const builder_t *b, const pmm__setting_t *s, char *out, size_t cap) {
  const char *const name = s->value;
  size_t const len = strlen(name);
  bool const is_path = strchr(name, '/') || (len > 3 && strcmp(name + len - 3, ".so") == 0);
  const char *const slash = s->set ? NULL : strrchr(b->config->path, '/');
  int const folder_len = slash ? (int)(slash - b->config->path) : 1;
  int used = 0;
  if (!is_path || name[0] == '/') used = snprintf(out, cap, "%s", name);
  else used = snprintf(out, cap, "%.*s/%s", folder_len, slash ? b->config->path : ".", name);
  char *const real = is_path ? realpath(out, NULL) : NULL; /* pmm_config_write's output may be read from elsewhere */
  if (real) used = snprintf(out, cap, "%s", real);
  free(real);
  if (used > 0 && (size_t)used < cap) return PMM_OK;
  return pmm__settings_error(b->settings, s, b->err, PMM_INVAL, "%s (allowed: 1 to %zu bytes)", used ? "path too long" : "empty", cap - 1);
}

static pmm_status_t open_strategy(builder_t *b, uint32_t i) {
  const pmm__setting_t *const s = b->strategy[i];
  pmm_config_strategy_t *const element = &b->config->strategy[i];
  if (!s && b->element[i]) return pmm__settings_error(b->settings, b->element[i], b->err, PMM_INVAL, "no 'strategy' in it");
  if (!s) return element->ops ? PMM_OK : pmm__settings_error(b->settings, NULL, b->err, PMM_NOT_FOUND, "the default strategy is missing from this program");
  pmm_status_t st = strategy_source(b, s, element->source, sizeof element->source);
  if (st != PMM_OK) return st;
  pmm_error_t why = {0};
  const pmm_strategy_ops_t *ops = NULL;
  st = pmm_strategy_find(element->source, &ops, &why);
  if (st == PMM_OK) st = pmm__config_use(element, ops, &why);
  if (st != PMM_OK) return param_error(b, s, &why);
  if (!b->element[i]) snprintf(element->name, sizeof element->name, "%s", ops->name);
  return PMM_OK;
}

static pmm_status_t name_elements(builder_t *b) {
  for (uint32_t i = 0; i < b->config->strategy_cnt; i++) {
    pmm_config_strategy_t *const element = &b->config->strategy[i];
    if (!*element->name) snprintf(element->name, sizeof element->name, "%s", element->ops->name);
    for (uint32_t j = 0; j < i; j++)
      if (strcmp(element->name, b->config->strategy[j].name) == 0)
        return pmm__settings_error(b->settings, b->element[i], b->err, PMM_INVAL, "a second strategy named '%s': give each its own 'name'", element->name);
  }
  return PMM_OK;
}

/* -- values -- */
static pmm_status_t set_value(const builder_t *b, const pmm__setting_t *s, const pmm_param_t *param, void *out) {
  pmm_error_t why = {0};
  return pmm_param_set(param, out, s->value, &why) == PMM_OK ? PMM_OK : param_error(b, s, &why);
}

static pmm_status_t apply_preset(const builder_t *b, uint32_t i) {
  const pmm__setting_t *const s = b->preset[i];
  if (!s || !*s->value) return PMM_OK;
  pmm_config_strategy_t *const element = &b->config->strategy[i];
  const pmm_strategy_ops_t *const ops = element->ops;
  pmm_error_t why = {0};
  pmm_status_t const st = pmm_preset_apply(ops->presets, ops->preset_cnt, s->value, ops->params, ops->param_cnt, element->params, &why);
  return st == PMM_OK ? PMM_OK : param_error(b, s, &why);
}

/* Last pass: one value. */
static pmm_status_t apply_value(builder_t *b, const pmm__setting_t *s, const target_t *t) {
  if (t->kind == TARGET_FIELD) return set_value(b, s, t->param, (char *)b->config + t->offset);
  if (t->kind == TARGET_ITEM_FIELD) return set_value(b, s, t->param, (char *)b->config + pmm__list_at(t->list, t->element));
  if (t->kind != TARGET_PARAM) return PMM_OK;
  pmm_config_strategy_t *const element = &b->config->strategy[t->element];
  const pmm_strategy_ops_t *const ops = element->ops;
  const pmm_param_t *const param = pmm_param_find(ops->params, ops->param_cnt, t->leaf);
  if (param) return set_value(b, s, param, element->params);
  const char *const nearest = pmm_param_nearest(ops->params, ops->param_cnt, t->leaf);
  return pmm__settings_error(b->settings, s, b->err, PMM_NOT_FOUND, "strategy %s has no such parameter%s%s%s", ops->name,
                             nearest ? " (did you mean '" : "", nearest ? nearest : "", nearest ? "'?)" : "");
}

/* -- whole -- */
typedef pmm_status_t (*visit_t)(builder_t *b, const pmm__setting_t *s, const target_t *t);

static pmm_status_t for_each(builder_t *b, visit_t visit) {
  for (size_t i = 0; i < b->settings->cnt; i++) {
    const pmm__setting_t *const s = &b->settings->item[i];
    target_t target;
    pmm_status_t st = resolve(b, s, &target);
    if (st == PMM_OK) st = check_node(b, s, &target);
    if (st == PMM_OK) st = visit(b, s, &target);
    if (st != PMM_OK) return st;
  }
  return PMM_OK;
}

/* The setting that gave a key its value, for the place in a message; NULL: it has its default. */
static const pmm__setting_t *find_setting(const builder_t *b, const char *key) {
  for (size_t i = b->settings->cnt; i-- > 0;)
    if (strcmp(b->settings->item[i].key, key) == 0) return &b->settings->item[i];
  return NULL;
}

/* The setting behind a strategy's complaint "min_spread: above max_spread": of the parameter named first or, when that
   has its default, the last one whose name the text holds. */
static const pmm__setting_t *find_culprit(const builder_t *b, uint32_t element, const char *why) {
  char prefix[64], key[PMM__KEY_MAX + 1];
  int const len = b->list ? snprintf(prefix, sizeof prefix, "strategies.%u.params.", element) : snprintf(prefix, sizeof prefix, "params.");
  snprintf(key, sizeof key, "%s%.*s", prefix, (int)strcspn(why, ":"), why);
  const pmm__setting_t *const named = find_setting(b, key);
  if (named) return named;
  for (size_t i = b->settings->cnt; i-- > 0;) {
    const char *const other = b->settings->item[i].key;
    if (strncmp(other, prefix, (size_t)len) == 0 && strstr(why, other + len)) return &b->settings->item[i];
  }
  return NULL;
}

static pmm_status_t check_strategy(const builder_t *b, uint32_t i) {
  const pmm_config_strategy_t *const element = &b->config->strategy[i];
  pmm_error_t why = {0};
  pmm_status_t const st = element->ops->check ? element->ops->check(element->params, &why) : PMM_OK;
  if (st == PMM_OK) return PMM_OK;
  const char *const text = *why.text ? why.text : pmm_status_to_string(st);
  const pmm__setting_t *const s = find_culprit(b, i, text);
  size_t const name_len = strcspn(text, ":"), key_len = s ? strlen(s->key) : 0;
  bool const said = key_len > name_len && memcmp(s->key + key_len - name_len, text, name_len) == 0; /* the key names it already */
  return pmm__settings_error(b->settings, s, b->err, st, "%s", said ? skip_name(text) : text);
}

/* What the tables' ranges cannot say. The place is that of the first key named. */
static pmm_status_t check_sections(const builder_t *b) {
  const pmm_config_t *const c = b->config;
  const struct { bool bad; const char *key, *reason; } checks[] = {
    {*c->latency.samples && c->latency.model != PMM_LATENCY_RECORDED, "latency.samples", "has no effect without latency.model: recorded"},
    {*c->latency.response_samples && c->latency.model != PMM_LATENCY_RECORDED, "latency.response_samples", "has no effect without latency.model: recorded"},
    {c->latency.feed_ns != 0 && c->latency.feed != PMM_FEED_CONSTANT, "latency.feed_delay", "has no effect without latency.feed: constant"},
    {c->rewards.every_ns > c->rewards.period_ns, "rewards.every", "longer than rewards.period"},
    {c->exchange.rate_limit == PMM_RATE_CUSTOM && c->exchange.rate_cost_place > c->exchange.rate_capacity, "exchange.rate_cost_place", "more than exchange.rate_capacity ever holds"},
    {c->exchange.rate_limit == PMM_RATE_CUSTOM && c->exchange.rate_cost_cancel > c->exchange.rate_capacity, "exchange.rate_cost_cancel", "more than exchange.rate_capacity ever holds"},
    {c->exchange.rate_limit == PMM_RATE_CUSTOM && c->exchange.rate_cost_amend > c->exchange.rate_capacity, "exchange.rate_cost_amend", "more than exchange.rate_capacity ever holds"},
    {c->scenario.step_ns > c->scenario.duration_ns, "scenario.step", "longer than scenario.duration"},
    {c->risk.max_order_rate > 0 && c->risk.cancel_reserve >= c->risk.max_order_burst, "risk.cancel_reserve",
     "leaves no order of risk.max_order_burst"},
  };
  for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
    if (!checks[i].bad) continue;
    const pmm__setting_t *const s = find_setting(b, checks[i].key);
    if (s) return pmm__settings_error(b->settings, s, b->err, PMM_INVAL, "%s", checks[i].reason);
    return pmm__settings_error(b->settings, NULL, b->err, PMM_INVAL, "%s: %s", checks[i].key, checks[i].reason);
  }
  return PMM_OK;
}

static pmm_status_t for_each_element(builder_t *b) {
  pmm_status_t st = PMM_OK;
  for (uint32_t i = 0; st == PMM_OK && i < b->config->strategy_cnt; i++) st = open_strategy(b, i);
  for (uint32_t i = 0; st == PMM_OK && i < b->config->strategy_cnt; i++) st = apply_preset(b, i);
  return st == PMM_OK ? name_elements(b) : st;
}

pmm_status_t pmm__settings_apply(const pmm__settings_t *settings, pmm_config_t *config, pmm_error_t *err) {
  builder_t b = {.settings = settings, .config = config, .err = err};
  pmm_status_t st = for_each(&b, collect);
  if (st == PMM_OK && config->strategy_cnt == 0)
    st = pmm__settings_error(settings, b.list, err, PMM_INVAL, "needs at least one strategy");
  if (st == PMM_OK) st = for_each_element(&b);
  if (st == PMM_OK) st = for_each(&b, apply_value);
  for (uint32_t i = 0; st == PMM_OK && i < config->strategy_cnt; i++) st = check_strategy(&b, i);
  return st == PMM_OK ? check_sections(&b) : st;
}
