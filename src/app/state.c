#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define EPOCH_S INT64_C(1735689600) /* 2025-01-01: seconds since then fit 31 bits until 2093 */

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

static pmm_status_t read_state(pmm_app_state_t *s, pmm_error_t *err) {
  char path[4200];
  path_in(s, "state.json", path, sizeof path);
  if (access(path, F_OK) != 0) return PMM_OK; /* the first run */
  json_error_t why;
  json_t *const root = json_load_file(path, JSON_REJECT_DUPLICATES, &why);
  if (!root) return bad_file(path, why.text, err);
  const json_t *const run = json_object_get(root, "run"), *const killed = json_object_get(root, "killed"), *const fills = json_object_get(root, "fills_until_ns");
  bool const ok = json_is_integer(run) && json_integer_value(run) >= 0 && json_is_boolean(killed) && json_is_array(fills);
  if (ok) {
    s->run_id = (uint64_t)json_integer_value(run);
    s->killed = json_is_true(killed);
    for (size_t i = 0; i < PMM_VENUES_MAX && i < json_array_size(fills); i++)
      if (json_is_integer(json_array_get(fills, i))) s->fills_until_ns[i] = json_integer_value(json_array_get(fills, i));
  }
  json_decref(root);
  return ok ? PMM_OK : bad_file(path, "not a state file", err);
}

static char *to_text(const pmm_app_state_t *s) {
  json_t *const fills = json_array();
  for (size_t i = 0; i < PMM_VENUES_MAX; i++)
    json_array_append_new(fills, s->fills_until_ns[i] == PMM_TIME_NONE ? json_null() : json_integer(s->fills_until_ns[i]));
  json_t *const root = json_pack("{s:I, s:b, s:o}", "run", (json_int_t)s->run_id, "killed", s->killed, "fills_until_ns", fills);
  char *const text = root ? json_dumps(root, JSON_COMPACT) : NULL;
  json_decref(root);
  return text;
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

pmm_status_t pmm_app_state_save(const pmm_app_state_t *s, bool durable, pmm_error_t *err) {
  char path[4200], tmp[4200];
  path_in(s, "state.json", path, sizeof path);
  path_in(s, "state.json.tmp", tmp, sizeof tmp);
  char *const text = to_text(s);
  if (!text) return pmm_error_set(err, PMM_FULL, "out of memory");
  int const fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  bool ok = fd >= 0 && write_whole(fd, text, durable);
  pmm_status_t const st = ok ? PMM_OK : io(err, tmp);
  free(text);
  if (fd >= 0) close(fd);
  if (st != PMM_OK) return st;
  if (rename(tmp, path) != 0) return io(err, path);
  if (durable) sync_folder(s->folder);
  return PMM_OK;
}

pmm_status_t pmm_app_state_open(pmm_app_state_t *s, const char *folder, int64_t now_ns, pmm_error_t *err) {
  *s = (pmm_app_state_t){.lock = -1};
  for (size_t i = 0; i < PMM_VENUES_MAX; i++) s->fills_until_ns[i] = PMM_TIME_NONE;
  pmm_status_t st = PMM_OK;
  if (!*folder) st = default_folder(s->folder, sizeof s->folder, err);
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
}
