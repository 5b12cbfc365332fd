/* report.h -- what the programs of this folder share: options, running means with their standard errors, and checks that print as a
   table or as JSON. A check holds when a figure lies within two standard errors of what it should be. */
#ifndef LITERATURE_REPORT_H
#define LITERATURE_REPORT_H
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "pmm/pmm.h"

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

/* -- running mean and deviation (B. Welford, Technometrics 4(3), 1962) -- */
typedef struct stat { double n, mean, m2; } stat_t;
static inline void stat_add(stat_t *s, double x) {
  double const d = x - s->mean;
  s->mean += d / ++s->n;
  s->m2 += d * (x - s->mean);
}
static inline double stat_std(const stat_t *s) { return s->n > 1 ? sqrt(s->m2 / (s->n - 1)) : 0; }
static inline double stat_se(const stat_t *s) { return s->n > 1 ? stat_std(s) / sqrt(s->n) : INFINITY; }

/* -- checks: within two standard errors is "ok", which one in twenty misses by chance; beyond four, or beyond two when strict, a check
   fails and with it the program. Tests are strict, with fixed seeds. -- */
typedef struct report { bool json, strict; json_t *checks; int failed; } report_t;

/* miss: how far on the wrong side, in standard errors. */
static inline void report_line(report_t *r, double miss, const char *what, double got, const char *relation, double want, double se) {
  bool const fails = !(miss <= (r->strict ? 2 : 4));
  r->failed += fails;
  if (!r->json) {
    printf("%-4s %s: %.6g, %s %.6g", fails ? "FAIL" : miss <= 2 ? "ok" : "far", what, got, relation, want);
    if (se > 0) printf(" (%+.2f s.e. of %.2g)", (got - want) / se, se);
    putchar('\n');
    return;
  }
  if (!r->checks) r->checks = json_array();
  json_array_append_new(r->checks, json_pack("{s:s, s:f, s:s, s:f, s:f, s:b}", "what", what, "got", got, "relation", relation, "want", want, "se", se, "ok", miss <= 2));
}
static inline void check_equal(report_t *r, const char *what, double got, double want, double se) {
  report_line(r, fabs(got - want) / se, what, got, "should be", want, se);
}
static inline void check_at_least(report_t *r, const char *what, double got, double want, double se) {
  report_line(r, (want - got) / se, what, got, "at least", want, se);
}
/* Without chance in it. */
static inline void check_at_most(report_t *r, const char *what, double got, double most) {
  report_line(r, got <= most ? 0 : INFINITY, what, got, "at most", most, 0);
}

/* Prints the object (which it takes, checks added) when JSON is wanted; the exit status. */
static inline int report_end(report_t *r, json_t *object) {
  if (r->json) {
    if (r->checks) json_object_set_new(object, "checks", r->checks);
    char *const text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(10));
    puts(text);
    free(text);
  }
  json_decref(object);
  if (r->failed) fprintf(stderr, "%d of the checks failed\n", r->failed);
  return r->failed ? 1 : 0;
}

/* -- options: --name NUMBER, --flag; every program has --seed, --strict, --json and --help -- */
#define JSON_FLAG(report) {"json", &(report).json, "one line of JSON"}
#define STRICT_FLAG(report) {"strict", &(report).strict, "fail when a figure lies beyond two standard errors of theory, not four"}
typedef struct number { const char *name; double *out; double min, max; const char *help; } number_t;
typedef struct flag { const char *name; bool *out; const char *help; } flag_t;

static inline void usage(FILE *out, const char *program, const char *purpose, const number_t *numbers, size_t number_cnt, const flag_t *flags, size_t flag_cnt) {
  fprintf(out, "usage: %s [options]\n%s\n", program, purpose);
  for (size_t i = 0; i < number_cnt; i++) fprintf(out, "  --%-10s %s (default %g)\n", numbers[i].name, numbers[i].help, *numbers[i].out);
  for (size_t i = 0; i < flag_cnt; i++) fprintf(out, "  --%-10s %s\n", flags[i].name, flags[i].help);
}

/* Leaves the process with 0 after --help and 2 after a mistake. */
static inline void read_options(int argc, char **argv, const char *purpose, const number_t *numbers, size_t number_cnt, const flag_t *flags, size_t flag_cnt) {
  for (int i = 1; i < argc; i++) {
    const char *const name = argv[i][0] == '-' && argv[i][1] == '-' ? argv[i] + 2 : "";
    if (strcmp(name, "help") == 0) {
      usage(stdout, argv[0], purpose, numbers, number_cnt, flags, flag_cnt);
      exit(0);
    }
    bool known = false;
    for (size_t k = 0; k < flag_cnt && !known; k++)
      if (strcmp(name, flags[k].name) == 0) known = *flags[k].out = true;
    for (size_t k = 0; k < number_cnt && !known; k++) {
      if (strcmp(name, numbers[k].name) != 0) continue;
      char *end = NULL;
      double const value = i + 1 < argc ? strtod(argv[i + 1], &end) : NAN;
      if (!end || *end || end == argv[i + 1] || !(value >= numbers[k].min && value <= numbers[k].max)) {
        fprintf(stderr, "%s: --%s: a number from %g to %g is needed\n", argv[0], name, numbers[k].min, numbers[k].max);
        exit(2);
      }
      *numbers[k].out = value;
      known = true;
      i++;
    }
    if (known) continue;
    fprintf(stderr, "%s: %s: unknown option\n", argv[0], argv[i]);
    usage(stderr, argv[0], purpose, numbers, number_cnt, flags, flag_cnt);
    exit(2);
  }
}
#endif
