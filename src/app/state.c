#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define EPOCH_S INT64_C(1735689600) /* 2025-01-01: seconds since then fit 31 bits until 2093 */
#define STATE_TEXT_MAX ((size_t)1 << 21)

static pmm_status_t io(pmm_error_t *err, const char *path) { return pmm_error_set(err, PMM_IO, "%.300s: %s", path, strerror(errno)); }

static pmm_status_t default_folder(char *out, size_t cap, pmm_error_t *err) {
  const char *const xdg = getenv("XDG_STATE_HOME"), *const home = getenv("HOME");
  int n = -1;
  if (xdg && *xdg == '/') n = snprintf(out, cap, "%s/pmm", xdg);
  else if (home && *home) n = snprintf(out, cap, "%s/.local/state/pmm", home);
  return n > 0 && (size_t)n < cap ? PMM_OK : pmm_error_set(err, PMM_INVAL, "live.state: no home folder to keep state in; name a folder");
}

static pmm_status_t make_folders(const char *path, pmm_error_t *err) {
  char part[4096];
  snprintf(part, sizeof part, "%s", path);
  for (char *at = part + 1;; at++) {
    if (*at && *at != '/') continue;
    char const was = *at;
    *at = '\0';
    if (mkdir(part, 0700) != 0 && errno != EEXIST) return io(err, part);
    *at = was;
    if (!was) return PMM_OK;
  }
}

static void path_in(const pmm_app_state_t *s, const char *name, char *out, size_t cap) { snprintf(out, cap, "%s/%s", s->folder, name); }

static pmm_status_t take_lock(pmm_app_state_t *s, pmm_error_t *err) {
  char path[4200];
  path_in(s, "lock", path, sizeof path);
  s->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (s->lock < 0) return io(err, path);
  if (flock(s->lock, LOCK_EX | LOCK_NB) == 0) return PMM_OK;
  close(s->lock);
  s->lock = -1;
  return pmm_error_set(err, PMM_STATE, "%.300s: another pmm is running with this folder (give each account its own live.state)", path);
}

static pmm_status_t bad_file(const char *path, const char *what, pmm_error_t *err) {
  return pmm_error_set(err, PMM_PARSE, "%.300s: %s; look at it, and remove it only when no order of an earlier run can rest", path, what);
}

/* The folder may hold a link or a device: no more is read than a state of the largest size. */
static pmm_status_t read_file(const char *path, char **text, size_t *len, pmm_error_t *err) {
  FILE *const f = fopen(path, "re");
  *text = f ? malloc(STATE_TEXT_MAX + 1) : NULL;
  if (!f) return io(err, path);
  *len = *text ? fread(*text, 1, STATE_TEXT_MAX + 1, f) : 0;
  pmm_status_t const st = ferror(f) ? io(err, path) : !*text ? pmm_error_set(err, PMM_FULL, "out of memory") : PMM_OK;
  fclose(f);
  return st;
}

static pmm_status_t read_state(pmm_app_state_t *s, pmm_error_t *err) {
  char path[4200], why[160], *text = NULL;
  size_t len = 0;
  path_in(s, "state.json", path, sizeof path);
  if (access(path, F_OK) != 0) return PMM_OK; /* the first run */
  pmm_status_t st = read_file(path, &text, &len, err);
  if (st == PMM_OK && len > STATE_TEXT_MAX) st = bad_file(path, "too large", err);
  if (st == PMM_OK && !pmm_app_state_read(s, text, len, why, sizeof why)) st = bad_file(path, why, err);
  free(text);
  return st;
}

static bool write_whole(int fd, const char *text, bool durable) {
  size_t const len = strlen(text);
  return write(fd, text, len) == (ssize_t)len && write(fd, "\n", 1) == 1 && (!durable || fsync(fd) == 0);
}

static void sync_folder(const char *folder) {
  int const fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  (void)fsync(fd);
  close(fd);
}

pmm_status_t pmm_app_state_put(const pmm_app_state_t *s, const char *name, const char *text, bool durable, pmm_error_t *err) {
  char path[4200], tmp[4200];
  path_in(s, name, path, sizeof path);
  snprintf(tmp, sizeof tmp, "%.4190s.tmp", path);
  int const fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  bool const ok = fd >= 0 && write_whole(fd, text, durable);
  pmm_status_t const st = ok ? PMM_OK : io(err, tmp);
  if (fd >= 0) close(fd);
  if (st != PMM_OK) return st;
  if (rename(tmp, path) != 0) return io(err, path);
  if (durable) sync_folder(s->folder);
  return PMM_OK;
}

pmm_status_t pmm_app_state_save(const pmm_app_state_t *s, bool durable, pmm_error_t *err) {
  char *const text = pmm_app_state_write(s);
  if (!text) return pmm_error_set(err, PMM_FULL, "out of memory");
  pmm_status_t const st = pmm_app_state_put(s, "state.json", text, durable, err);
  free(text);
  return st;
}

pmm_status_t pmm_app_state_open(pmm_app_state_t *s, const char *folder, int64_t now_ns, pmm_error_t *err) {
  *s = (pmm_app_state_t){.lock = -1};
  s->value = calloc(PMM_APP_VALUES_MAX, sizeof *s->value);
  s->old = calloc(PMM_APP_VALUES_MAX, sizeof *s->old);
  s->before = calloc(PMM_APP_VALUES_MAX, sizeof *s->before);
  pmm_status_t st = PMM_OK;
  if (!s->value || !s->old || !s->before) st = pmm_error_set(err, PMM_FULL, "out of memory");
  else if (!*folder) st = default_folder(s->folder, sizeof s->folder, err);
  else if (snprintf(s->folder, sizeof s->folder, "%s", folder) >= (int)sizeof s->folder) st = pmm_error_set(err, PMM_INVAL, "live.state: name too long");
  if (st == PMM_OK) st = make_folders(s->folder, err);
  if (st == PMM_OK) st = take_lock(s, err);
  if (st == PMM_OK) st = read_state(s, err);
  int64_t const by_time = now_ns / PMM_NS_PER_S - EPOCH_S;
  if (st == PMM_OK) s->run_id = (uint64_t)pmm_max64((int64_t)s->run_id + 1, pmm_max64(by_time, 1));
  if (st == PMM_OK && s->run_id > INT32_MAX) st = pmm_error_set(err, PMM_OVERFLOW, "%.300s: run counter beyond its range", s->folder);
  if (st == PMM_OK) st = pmm_app_state_save(s, true, err);
  if (st != PMM_OK) pmm_app_state_close(s);
  return st;
}

void pmm_app_state_close(pmm_app_state_t *s) {
  if (s->lock >= 0) close(s->lock);
  s->lock = -1;
  free(s->value);
  free(s->old);
  free(s->before);
  s->value = s->old = NULL;
  s->before = NULL;
}

/* -- venues, by what they are -- */
static uint32_t find(const pmm_app_state_t *s, const char *key) {
  uint32_t i = 0;
  while (i < s->known_cnt && strcmp(s->known[i].key, key) != 0) i++;
  return i;
}

/* Those in use come first, so that what falls off the end was not in use for longest. */
void pmm_app_state_venues(pmm_app_state_t *s, const pmm_venue_params_t *venue, uint32_t cnt) {
  pmm_app_known_t known[PMM_APP_KNOWN_MAX];
  uint32_t moved[PMM_APP_KNOWN_MAX], n = 0;
  memset(moved, 0xff, sizeof moved);
  for (; n < cnt && n < PMM_VENUES_MAX; n++) {
    pmm_app_known_t *const k = &known[n];
    pmm_app_venue_key(venue, cnt, n, k->key);
    uint32_t const was = find(s, k->key);
    k->fills_until_ns = was < s->known_cnt ? s->known[was].fills_until_ns : PMM_TIME_NONE;
    if (was < s->known_cnt) moved[was] = n;
  }
  s->venue_cnt = n;
  for (uint32_t i = 0; i < s->known_cnt && n < PMM_APP_KNOWN_MAX; i++) {
    if (moved[i] != UINT32_MAX) continue;
    known[n] = s->known[i];
    moved[i] = n++;
  }
  uint32_t values = 0;
  for (uint32_t i = 0; i < s->value_cnt; i++) {
    if (moved[s->value[i].known] == UINT32_MAX) continue;
    s->value[values] = s->value[i];
    s->value[values].known = moved[s->value[i].known];
    values++;
  }
  memcpy(s->known, known, n * sizeof *known);
  s->known_cnt = n;
  s->value_cnt = values;
}

void pmm_app_state_before(pmm_app_state_t *s, pmm_live_kept_t *out) {
  *out = (pmm_live_kept_t){.killed = s->killed, .day = s->day, .value = s->before};
  for (uint32_t i = 0; i < PMM_VENUES_MAX; i++) out->fills_until_ns[i] = i < s->venue_cnt ? s->known[i].fills_until_ns : PMM_TIME_NONE;
  memcpy(s->old, s->value, s->value_cnt * sizeof *s->value); /* pmm_app_state_take writes over the original */
  for (uint32_t i = 0; i < s->value_cnt; i++)
    if (s->old[i].known < s->venue_cnt) s->before[out->value_cnt++] = (pmm_live_value_t){.venue = s->old[i].known, .market = s->old[i].market, .yes_e4 = s->old[i].yes_e4};
}

/* What venues that this run does not use left stays. */
void pmm_app_state_take(pmm_app_state_t *s, const pmm_live_kept_t *kept) {
  uint32_t n = 0;
  s->killed = kept->killed;
  s->day = kept->day;
  for (uint32_t i = 0; i < s->venue_cnt; i++) s->known[i].fills_until_ns = kept->fills_until_ns[i];
  for (uint32_t i = 0; i < s->value_cnt; i++)
    if (s->value[i].known >= s->venue_cnt) s->value[n++] = s->value[i];
  for (size_t i = 0; i < kept->value_cnt && n < PMM_APP_VALUES_MAX; i++, n++) {
    s->value[n] = (pmm_app_value_t){.known = kept->value[i].venue, .yes_e4 = kept->value[i].yes_e4};
    snprintf(s->value[n].market, sizeof s->value[n].market, "%s", kept->value[i].market);
  }
  s->value_cnt = n;
}
