/* state_text.c -- state.json: {"run":7,"killed":false,"day":{"utc_day":20454,"result_e6":-1200000,"trades":3,"streak":1},
   "venues":{"kalshi@127.0.0.1:4000":{"fills_until_ns":1767268800000000000,"values":{"RAIN":4950}}}}. Anything else is refused whole: half a state
   could hide an order or a loss. */
#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include "state.h"

#define RESULT_MAX_E6 INT64_C(1000000000000000) /* a billion dollars */
#define COUNT_MAX INT64_C(1000000000)
#define DAYS_MAX INT64_C(100000)                /* the year 2243 */

/* -- which venue -- */
static void plain_key(const pmm_venue_params_t *v, char out[PMM_APP_VENUE_KEY_MAX]) {
  const char *const scheme = strstr(v->rest, "://"), *const host = scheme ? scheme + 3 : v->rest;
  int const len = (int)strcspn(host, "/?#");
  char sub[32] = "";
  if (v->subaccount) snprintf(sub, sizeof sub, "/%lld", (long long)v->subaccount);
  snprintf(out, PMM_APP_VENUE_KEY_MAX, "%s%s%.*s%s%s%s", pmm_venue_to_string((pmm_venue_t)(v->venue + 1)), len ? "@" : "", len, host, sub, *v->name ? " " : "", v->name);
  size_t const plain = strcspn(out, " "); /* a host has no case, a name may */
  for (size_t i = 0; i < plain; i++) out[i] = (char)tolower((unsigned char)out[i]);
}

void pmm_app_venue_key(const pmm_venue_params_t *venue, uint32_t cnt, uint32_t index, char out[PMM_APP_VENUE_KEY_MAX]) {
  char other[PMM_APP_VENUE_KEY_MAX];
  uint32_t same = 1;
  plain_key(&venue[index], out);
  for (uint32_t i = 0; i < index && i < cnt; i++) {
    plain_key(&venue[i], other);
    same += strcmp(other, out) == 0;
  }
  size_t const len = strlen(out);
  if (same > 1) snprintf(out + len, PMM_APP_VENUE_KEY_MAX - len, " #%u", same); /* only their order tells them apart */
}

/* -- writing -- */
static json_t *values_of(const pmm_app_state_t *s, uint32_t known) {
  json_t *const out = json_object();
  for (uint32_t i = 0; i < s->value_cnt; i++)
    if (s->value[i].known == known) json_object_set_new(out, s->value[i].market, json_integer(s->value[i].yes_e4));
  return out;
}

char *pmm_app_state_write(const pmm_app_state_t *s) {
  json_t *const venues = json_object();
  for (uint32_t i = 0; i < s->known_cnt; i++)
    json_object_set_new(venues, s->known[i].key, json_pack("{s:o, s:o}", "fills_until_ns",
      s->known[i].fills_until_ns == PMM_TIME_NONE ? json_null() : json_integer(s->known[i].fills_until_ns), "values", values_of(s, i)));
  json_t *const root = json_pack("{s:I, s:b, s:{s:I, s:I, s:I, s:I}, s:o}", "run", (json_int_t)s->run_id, "killed", s->killed, "day", "utc_day", (json_int_t)s->day.day,
    "result_e6", (json_int_t)s->day.result_e6, "trades", (json_int_t)s->day.trades, "streak", (json_int_t)s->day.streak, "venues", venues);
  char *const text = root ? json_dumps(root, JSON_COMPACT) : NULL;
  json_decref(root);
  return text;
}

/* -- reading -- */
static bool whole(const json_t *object, const char *key, int64_t least, int64_t most, int64_t *out) {
  const json_t *const v = json_object_get(object, key);
  if (!json_is_integer(v) || json_integer_value(v) < least || json_integer_value(v) > most) return false;
  *out = json_integer_value(v);
  return true;
}

static bool read_day(pmm_app_state_t *s, const json_t *day) {
  return whole(day, "utc_day", 0, DAYS_MAX, &s->day.day) && whole(day, "result_e6", -RESULT_MAX_E6, RESULT_MAX_E6, &s->day.result_e6) &&
         whole(day, "trades", 0, COUNT_MAX, &s->day.trades) && whole(day, "streak", 0, COUNT_MAX, &s->day.streak);
}

static bool read_values(pmm_app_state_t *s, json_t *values, uint32_t known) {
  const char *market;
  json_t *v;
  if (!json_is_object(values)) return false;
  json_object_foreach(values, market, v) {
    if (!json_is_integer(v) || json_integer_value(v) <= 0 || json_integer_value(v) >= PMM_ONE_E4) return false;
    if (strlen(market) >= PMM_ID_MAX || s->value_cnt == PMM_APP_VALUES_MAX) return false;
    pmm_app_value_t *const out = &s->value[s->value_cnt++];
    *out = (pmm_app_value_t){.known = known, .yes_e4 = (int32_t)json_integer_value(v)};
    memcpy(out->market, market, strlen(market) + 1);
  }
  return true;
}

static bool read_venues(pmm_app_state_t *s, json_t *venues) {
  const char *key;
  json_t *v;
  if (!json_is_object(venues)) return false;
  json_object_foreach(venues, key, v) {
    const json_t *const until = json_object_get(v, "fills_until_ns");
    if ((!json_is_integer(until) && !json_is_null(until)) || strlen(key) >= PMM_APP_VENUE_KEY_MAX || s->known_cnt == PMM_APP_KNOWN_MAX) return false;
    pmm_app_known_t *const out = &s->known[s->known_cnt];
    out->fills_until_ns = json_is_integer(until) ? json_integer_value(until) : PMM_TIME_NONE;
    memcpy(out->key, key, strlen(key) + 1);
    if (!read_values(s, json_object_get(v, "values"), s->known_cnt)) return false;
    s->known_cnt++;
  }
  return true;
}

bool pmm_app_state_read(pmm_app_state_t *s, const char *text, size_t len, char *why, size_t cap) {
  json_error_t err = {.text = "not a state file"};
  int64_t run = 0;
  s->known_cnt = s->value_cnt = 0;
  json_t *const root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &err);
  const json_t *const killed = json_object_get(root, "killed");
  bool const ok = whole(root, "run", 0, INT64_MAX - 1, &run) && json_is_boolean(killed) && read_day(s, json_object_get(root, "day")) && read_venues(s, json_object_get(root, "venues"));
  if (ok) {
    s->run_id = (uint64_t)run;
    s->killed = json_is_true(killed);
  }
  snprintf(why, cap, "%s", root ? "not a state file" : err.text);
  json_decref(root);
  return ok;
}
