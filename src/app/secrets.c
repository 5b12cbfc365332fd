#include "secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define BYTES (1u << 16)
#define NAMES 64

struct pmm_app_secrets {
  char *memory;            /* locked: the file's text, then copies from the environment */
  size_t used;
  struct { const char *name, *value; } entry[NAMES];
  size_t cnt;
};

static void no_core(void) {
  struct rlimit const none = {0, 0};
  (void)setrlimit(RLIMIT_CORE, &none);
  (void)prctl(PR_SET_DUMPABLE, 0);
}

static pmm_status_t check_file(int fd, const char *file, pmm_error_t *err) {
  struct stat st;
  if (fstat(fd, &st) != 0) return pmm_error_set(err, PMM_IO, "%.200s: %s", file, strerror(errno));
  if (!S_ISREG(st.st_mode)) return pmm_error_set(err, PMM_INVAL, "%.200s: not a regular file", file);
  if (st.st_mode & 077) return pmm_error_set(err, PMM_INVAL, "%.200s: others may read it: chmod 600 it first", file);
  if (st.st_uid != geteuid()) return pmm_error_set(err, PMM_INVAL, "%.200s: belongs to somebody else", file);
  if (st.st_size >= BYTES / 2) return pmm_error_set(err, PMM_FULL, "%.200s: larger than such a file may be (allowed: %u bytes)", file, BYTES / 2);
  return PMM_OK;
}

/* Splits one line in place; false when it is neither a setting, a comment nor empty. */
static bool take_line(pmm_app_secrets_t *s, char *line) {
  line += strspn(line, " \t");
  size_t len = strcspn(line, "\r");
  while (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '\t')) len--;
  line[len] = '\0';
  if (*line == '\0' || *line == '#') return true;
  char *const equals = strchr(line, '=');
  if (!equals || equals == line || s->cnt == NAMES) return false;
  *equals = '\0';
  char *value = equals + 1;
  size_t const n = strlen(value);
  if (n >= 2 && (value[0] == '"' || value[0] == '\'') && value[n - 1] == value[0]) {
    value[n - 1] = '\0';
    value++;
  }
  s->entry[s->cnt].name = line;
  s->entry[s->cnt++].value = value;
  return true;
}

static pmm_status_t read_file(pmm_app_secrets_t *s, const char *file, pmm_error_t *err) {
  int const fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return pmm_error_set(err, PMM_IO, "%.200s: %s", file, strerror(errno));
  pmm_status_t st = check_file(fd, file, err);
  while (st == PMM_OK) {
    ssize_t const n = read(fd, s->memory + s->used, BYTES / 2 - s->used);
    if (n < 0) st = pmm_error_set(err, PMM_IO, "%.200s: %s", file, strerror(errno));
    if (n <= 0) break;
    s->used += (size_t)n;
  }
  close(fd);
  s->memory[s->used++] = '\0';
  int number = 1;
  for (char *line = s->memory; st == PMM_OK && line; number++) {
    char *const end = strchr(line, '\n');
    if (end) *end = '\0';
    if (!take_line(s, line)) st = pmm_error_set(err, PMM_INVAL, "%.200s:%d: not of the form NAME=value, or too many of them", file, number);
    line = end ? end + 1 : NULL;
  }
  return st;
}

pmm_status_t pmm_app_secrets_open(pmm_app_secrets_t **secrets, const char *file, pmm_error_t *err) {
  no_core();
  pmm_app_secrets_t *const s = calloc(1, sizeof *s);
  if (!s) return pmm_error_set(err, PMM_FULL, "out of memory");
  s->memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (s->memory == MAP_FAILED) {
    free(s);
    return pmm_error_set(err, PMM_FULL, "out of memory");
  }
  (void)mlock(s->memory, BYTES); /* a limit on locked memory is no reason not to trade */
  (void)madvise(s->memory, BYTES, MADV_DONTDUMP);
  pmm_status_t const st = file && *file ? read_file(s, file, err) : PMM_OK;
  if (st != PMM_OK) { pmm_app_secrets_close(s); return st; }
  *secrets = s;
  return PMM_OK;
}

static void clear_in_environment(const char *name, char *value) {
  explicit_bzero(value, strlen(value));
  unsetenv(name);
}

/* The environment of a process can be read from outside by its owner's other programs: what was taken leaves it. */
static const char *take_from_environment(pmm_app_secrets_t *s, const char *name) {
  char *const value = getenv(name);
  if (!value || !*value || s->cnt == NAMES) return NULL;
  size_t const name_len = strlen(name) + 1, len = strlen(value) + 1;
  if (name_len + len > BYTES - s->used) return NULL;
  char *const at = s->memory + s->used;
  memcpy(at, name, name_len);
  memcpy(at + name_len, value, len);
  s->used += name_len + len;
  s->entry[s->cnt].name = at;
  s->entry[s->cnt].value = at + name_len;
  clear_in_environment(name, value);
  return s->entry[s->cnt++].value;
}

const char *pmm_app_secret(void *secrets, const char *name) {
  pmm_app_secrets_t *const s = secrets;
  for (size_t i = 0; i < s->cnt; i++)
    if (strcmp(s->entry[i].name, name) == 0) return *s->entry[i].value ? s->entry[i].value : NULL;
  return take_from_environment(s, name);
}

void pmm_app_secrets_take(pmm_app_secrets_t *s, const char *const *names) {
  for (; *names; names++) {
    (void)pmm_app_secret(s, *names);
    char *const value = getenv(*names);
    if (value) clear_in_environment(*names, value); /* the file has one of this name, which goes before it */
  }
}

void pmm_app_secrets_close(pmm_app_secrets_t *s) {
  if (!s) return;
  explicit_bzero(s->memory, BYTES);
  munmap(s->memory, BYTES);
  free(s);
}
