/* Messages, progress and output files of the commands; see app/out.h. */
#include "out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "pmm/config.h"

static void print_error(const char *fmt, va_list args) {
  fflush(stdout); /* keep the order of what a terminal shows */
  fputs("pmm: ", stderr);
  vfprintf(stderr, fmt, args);
  fputc('\n', stderr);
}

void pmm_app_error(const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  print_error(fmt, args);
  va_end(args);
}

int pmm_app_usage(const char *command, const char *fmt, ...) {
  if (fmt) {
    va_list args;
    va_start(args, fmt);
    print_error(fmt, args);
    va_end(args);
  }
  fprintf(stderr, "try 'pmm %s --help'\n", command);
  return PMM_EXIT_USAGE;
}

int pmm_app_finish(int exit_status) {
  bool const failed = fflush(stdout) != 0 || ferror(stdout);
  if (!failed) return exit_status;
  pmm_app_error("standard output: %s", errno ? strerror(errno) : "write failed");
  return exit_status == PMM_EXIT_DONE ? PMM_EXIT_FAILED : exit_status;
}

bool pmm_app_set_add(pmm_app_config_args_t *args, const char *set) {
  const char *const equals = strchr(set, '=');
  if (!equals || equals == set) {
    pmm_app_error("--set %s: not of the form key=value", set);
    return false;
  }
  if (args->set_cnt == PMM_APP_SETS_MAX) {
    pmm_app_error("--set %s: more than %d of them", set, PMM_APP_SETS_MAX);
    return false;
  }
  args->set[args->set_cnt++] = set;
  return true;
}

bool pmm_app_config_load(const pmm_app_config_args_t *args, struct pmm_config *config) {
  pmm_error_t err = {0};
  pmm_status_t const st = args->path ? pmm_config_load(config, args->path, args->set, args->set_cnt, &err)
                                     : pmm_config_parse(config, "defaults", "{}", 2, args->set, args->set_cnt, &err);
  if (st != PMM_OK) pmm_app_error("%s", err.text);
  return st == PMM_OK;
}

/* -- time -- */
static int64_t read_clock(clockid_t clock) {
  struct timespec ts;
  clock_gettime(clock, &ts);
  return (int64_t)ts.tv_sec * PMM_NS_PER_S + ts.tv_nsec;
}

int64_t pmm_app_wall_ns(void) { return read_clock(CLOCK_REALTIME); }
static int64_t clock_ns(void) { return read_clock(CLOCK_MONOTONIC); }

/* -- progress -- */
#define SHOW_AFTER_NS (2 * PMM_NS_PER_S)
#define REDRAW_NS (100 * PMM_NS_PER_MS)
#define BAR_WIDTH 40

void pmm_progress_start(pmm_progress_t *progress, const char *what) {
  *progress = (pmm_progress_t){.what = what, .start_ns = clock_ns(), .on = isatty(STDERR_FILENO) != 0};
}

static void draw(const pmm_progress_t *progress, double share, double gone_s) {
  char bar[BAR_WIDTH + 1];
  int const full = (int)(share * BAR_WIDTH);
  for (int i = 0; i < BAR_WIDTH; i++) bar[i] = i < full ? '#' : '.';
  bar[BAR_WIDTH] = '\0';
  double const left_s = share > 0 ? gone_s * (1 - share) / share : 0;
  fprintf(stderr, "\r%s [%s] %3.0f%%  %.0f s left \033[K", progress->what, bar, share * 100, left_s);
  fflush(stderr);
}

void pmm_progress_step(void *ctx, uint64_t done, uint64_t total) {
  pmm_progress_t *const progress = ctx;
  if (!progress->on) return;
  int64_t const now_ns = clock_ns();
  if (now_ns - progress->start_ns < SHOW_AFTER_NS || now_ns - progress->drawn_ns < REDRAW_NS) return;
  progress->drawn_ns = now_ns;
  progress->shown = true;
  double const gone_s = (double)(now_ns - progress->start_ns) / 1e9;
  if (total == 0) fprintf(stderr, "\r%s %.0f s \033[K", progress->what, gone_s);
  else draw(progress, done < total ? (double)done / (double)total : 1.0, gone_s);
}

void pmm_progress_end(pmm_progress_t *progress) {
  if (progress->shown) fputs("\r\033[K", stderr);
  progress->shown = false;
}

/* -- files -- */
static pmm_status_t io_error(pmm_out_t *out, pmm_error_t *err, int code) {
  pmm_error_set(err, PMM_IO, "%s: %s", out->path ? out->path : "standard output", strerror(code));
  pmm_out_abort(out);
  return PMM_IO;
}

/* A device or a pipe must not be replaced by a file of its name. */
static bool is_special(const char *path) {
  struct stat st;
  return stat(path, &st) == 0 && !S_ISREG(st.st_mode);
}

pmm_status_t pmm_out_open(pmm_out_t *out, const char *path, pmm_error_t *err) {
  *out = (pmm_out_t){0};
  if (strcmp(path, "-") == 0) {
    out->file = stdout;
    return PMM_OK;
  }
  char *const real = realpath(path, NULL); /* a link stays a link: what it points at is replaced */
  out->path = real ? real : strdup(path);
  if (!out->path) return io_error(out, err, ENOMEM);
  if (!is_special(out->path) && asprintf(&out->tmp, "%s.tmp", out->path) < 0) {
    out->tmp = NULL;
    return io_error(out, err, ENOMEM);
  }
  out->file = fopen(out->tmp ? out->tmp : out->path, "we");
  return out->file ? PMM_OK : io_error(out, err, errno);
}

static void forget(pmm_out_t *out) {
  free(out->path);
  free(out->tmp);
  *out = (pmm_out_t){0};
}

pmm_status_t pmm_out_commit(pmm_out_t *out, pmm_error_t *err) {
  errno = 0;
  bool const wrote = fflush(out->file) == 0 && !ferror(out->file);
  if (!wrote) return io_error(out, err, errno ? errno : EIO);
  if (out->file == stdout) return PMM_OK;
  if (out->tmp && fsync(fileno(out->file)) != 0) return io_error(out, err, errno);
  FILE *const file = out->file;
  out->file = NULL;
  if (fclose(file) != 0) return io_error(out, err, errno);
  if (out->tmp && rename(out->tmp, out->path) != 0) return io_error(out, err, errno);
  forget(out);
  return PMM_OK;
}

void pmm_out_abort(pmm_out_t *out) {
  if (out->file && out->file != stdout) fclose(out->file);
  if (out->tmp) unlink(out->tmp);
  forget(out);
}
