/* learned.c -- learned.json: [{"venue":"kalshi","market":"RAIN","strategy":"logit","params":"0123456789abcdef","text":"pmm-logit 1 ..."}, ...]. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "state.h"

#define LEARNED_CNT_MAX ((size_t)65536)

/* -- reading -- */
static bool read_one(const pmm_app_state_t *s, const json_t *entry, pmm_live_learned_t *out) {
  const char *venue, *params;
  char *end;
  *out = (pmm_live_learned_t){.venue = UINT32_MAX};
  if (json_unpack((json_t *)entry, "{s:s, s:s, s:s, s:s, s:s%}", "venue", &venue, "market", &out->market, "strategy", &out->strategy, "params", &params, "text", &out->text, &out->len) != 0)
    return false;
  errno = 0;
  out->params = strtoull(params, &end, 16);
  for (uint32_t i = 0; i < s->venue_cnt; i++)
    if (strcmp(s->known[i].key, venue) == 0) out->venue = i;
  return errno == 0 && end != params && *end == '\0';
}

static bool read_all(pmm_app_learned_t *l, const pmm_app_state_t *s) {
  size_t const cnt = json_array_size(l->file);
  if (!json_is_array((json_t *)l->file) || cnt > LEARNED_CNT_MAX || !(l->list = calloc(cnt + 1, sizeof *l->list))) return false;
  for (size_t i = 0; i < cnt; i++) {
    if (!read_one(s, json_array_get(l->file, i), &l->list[l->cnt])) return false;
    l->cnt += l->list[l->cnt].venue != UINT32_MAX; /* not one of a venue that this run does not use */
  }
  return true;
}

void pmm_app_learned_open(pmm_app_learned_t *l, const pmm_app_state_t *s, char *why, size_t cap) {
  char path[4200];
  json_error_t err = {.text = ""};
  *l = (pmm_app_learned_t){0};
  *why = '\0';
  snprintf(path, sizeof path, "%s/learned.json", s->folder);
  if (access(path, F_OK) != 0) return;
  l->file = json_load_file(path, JSON_REJECT_DUPLICATES, &err);
  if (l->file && read_all(l, s)) return;
  snprintf(why, cap, "%.250s: %.100s", path, *err.text ? err.text : "not what strategies learned");
  pmm_app_learned_close(l);
}

void pmm_app_learned_close(pmm_app_learned_t *l) {
  json_decref(l->file);
  free(l->list);
  *l = (pmm_app_learned_t){0};
}

/* -- writing -- */
typedef struct list { const pmm_app_state_t *state; json_t *root; } list_t;

static void add(void *ctx, const pmm_live_learned_t *k) {
  list_t *const out = ctx;
  char params[24];
  if (memchr(k->text, '\0', k->len)) return; /* no text: left out, or the file could not be read again */
  snprintf(params, sizeof params, "%016" PRIx64, k->params);
  json_t *const entry = json_pack("{s:s, s:s, s:s, s:s, s:s%}", "venue", out->state->known[k->venue].key, "market", k->market, "strategy", k->strategy, "params", params, "text", k->text, k->len);
  if (entry) json_array_append_new(out->root, entry); /* nor is what is not UTF-8 */
}

pmm_status_t pmm_app_learned_save(const pmm_app_state_t *s, pmm_live_t *live, pmm_error_t *err) {
  list_t out = {.state = s, .root = json_array()};
  if (!pmm_live_learned(live, add, &out)) {
    json_decref(out.root);
    return PMM_OK;
  }
  char *const text = json_dumps(out.root, JSON_COMPACT);
  json_decref(out.root);
  if (!text) return pmm_error_set(err, PMM_FULL, "out of memory");
  pmm_status_t const st = pmm_app_state_put(s, "learned.json", text, false, err);
  free(text);
  return st;
}
