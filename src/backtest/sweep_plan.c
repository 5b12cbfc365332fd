/* sweep_plan.c -- from axes to numbered sets, each with a configuration that has been checked. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "config_schema.h"
#include "pmm/hash.h"
#include "pmm/rng.h"
#include "sweep_impl.h"
#include "pmm/version.h" /* last: a status has the same name */

static pmm_status_t no_memory(pmm_error_t *err) { return pmm_error_set(err, PMM_FULL, "sweep: no memory"); }

/* -- sets -- */
const char *pmm_sweep_value(const pmm_sweep_plan_t *plan, uint32_t set, uint32_t axis) { return plan->value[(size_t)set * plan->axis_cnt + axis]; }

const char *pmm_sweep_name(const pmm_sweep_plan_t *plan, uint32_t set, char *buf, size_t cap) {
  int used = snprintf(buf, cap, "set %u (", set);
  for (uint32_t i = 0; i < plan->axis_cnt && used >= 0 && (size_t)used < cap; i++)
    used += snprintf(buf + used, cap - (size_t)used, "%s%s=%s%s", i ? " " : "", plan->axis[i].key, pmm_sweep_value(plan, set, i), i + 1 == plan->axis_cnt ? ")" : "");
  return buf;
}

static pmm_status_t count_sets(pmm_sweep_plan_t *plan, const pmm_sweep_spec_t *spec, pmm_error_t *err) {
  uint64_t cnt = 1;
  if (spec->draw != PMM_SWEEP_GRID) cnt = spec->draw_cnt;
  for (uint32_t i = 0; spec->draw == PMM_SWEEP_GRID && i < plan->axis_cnt && cnt <= PMM_SWEEP_SETS_MAX; i++) cnt *= plan->axis[i].value_cnt;
  if (cnt < 1 || cnt > PMM_SWEEP_SETS_MAX)
    return pmm_error_set(err, PMM_FULL, "%s (allowed: 1 to %d): %s", cnt ? "too many sets" : "no sets", PMM_SWEEP_SETS_MAX, "fewer values, or --random N or --lhs N");
  plan->set_cnt = (uint32_t)cnt;
  plan->value = calloc(cnt * plan->axis_cnt, sizeof *plan->value);
  plan->sharpe_every_ns = calloc(cnt, sizeof *plan->sharpe_every_ns);
  return plan->value && plan->sharpe_every_ns ? PMM_OK : no_memory(err);
}

/* The last axis turns fastest, as in nested loops. */
static void draw_grid(pmm_sweep_plan_t *plan) {
  for (uint32_t s = 0; s < plan->set_cnt; s++) {
    uint32_t rest = s;
    for (uint32_t a = plan->axis_cnt; a-- > 0;) {
      pmm_sweep_axis_t const *const axis = &plan->axis[a];
      plan->value[(size_t)s * plan->axis_cnt + a] = strdup(axis->value[rest % axis->value_cnt]);
      rest /= axis->value_cnt;
    }
  }
}

static void shuffle(pmm_rng_t *rng, uint32_t *at, uint32_t cnt) {
  for (uint32_t i = 0; i < cnt; i++) at[i] = i;
  for (uint32_t i = cnt; i > 1; i--) {
    uint32_t const k = (uint32_t)pmm_rng_below(rng, i), swap = at[i - 1];
    at[i - 1] = at[k];
    at[k] = swap;
  }
}

/* Latin hypercube: each axis is cut into as many strata as there are sets, and every stratum is drawn from once.
   Source: M. McKay, R. Beckman, W. Conover, "A Comparison of Three Methods for Selecting Values of Input Variables", Technometrics 21(2), 1979. */
static pmm_status_t draw_random(pmm_sweep_plan_t *plan, const pmm_sweep_spec_t *spec, pmm_error_t *err) {
  uint32_t *const stratum = malloc(plan->set_cnt * sizeof *stratum);
  if (!stratum) return no_memory(err);
  pmm_rng_t root;
  pmm_rng_seed(&root, spec->seed);
  for (uint32_t a = 0; a < plan->axis_cnt; a++) {
    pmm_rng_t rng = pmm_rng_fork(&root, a); /* another axis does not move this one's draws */
    shuffle(&rng, stratum, plan->set_cnt);
    for (uint32_t s = 0; s < plan->set_cnt; s++) {
      double const u = pmm_rng_unit(&rng);
      double const q = spec->draw == PMM_SWEEP_LHS ? (stratum[s] + u) / plan->set_cnt : u;
      plan->value[(size_t)s * plan->axis_cnt + a] = pmm__sweep_at(&plan->axis[a], q < 1 ? q : 0x1.fffffffffffffp-1);
    }
  }
  free(stratum);
  return PMM_OK;
}

static pmm_status_t draw(pmm_sweep_plan_t *plan, const pmm_sweep_spec_t *spec, pmm_error_t *err) {
  pmm_status_t st = count_sets(plan, spec, err);
  if (st != PMM_OK) return st;
  if (spec->draw == PMM_SWEEP_GRID) draw_grid(plan);
  else st = draw_random(plan, spec, err);
  for (size_t i = 0; st == PMM_OK && i < (size_t)plan->set_cnt * plan->axis_cnt; i++)
    if (!plan->value[i]) st = no_memory(err);
  return st;
}

/* -- configurations -- */
pmm_status_t pmm_sweep_config(const pmm_sweep_plan_t *plan, uint32_t set, pmm_config_t *config, pmm_error_t *err) {
  size_t const cnt = plan->fixed_cnt + plan->axis_cnt;
  const char **const sets = calloc(cnt, sizeof *sets);
  char *own[PMM_SWEEP_AXES_MAX] = {0};
  pmm_status_t st = sets ? PMM_OK : no_memory(err);
  for (size_t i = 0; st == PMM_OK && i < plan->fixed_cnt; i++) sets[i] = plan->fixed[i];
  for (uint32_t i = 0; st == PMM_OK && i < plan->axis_cnt; i++) {
    if (asprintf(&own[i], "%s=%s", plan->axis[i].key, pmm_sweep_value(plan, set, i)) < 0) { own[i] = NULL; st = no_memory(err); }
    else sets[plan->fixed_cnt + i] = own[i];
  }
  if (st == PMM_OK) st = pmm_config_parse(config, plan->config_name, plan->config_text, plan->config_len, sets, cnt, err);
  for (uint32_t i = 0; i < plan->axis_cnt; i++) free(own[i]);
  free(sets);
  return st;
}

static pmm_status_t mix_file(const char *path, uint64_t *hash, pmm_error_t *err) {
  uint64_t of_file = 0;
  if (!*path) return PMM_OK;
  pmm_status_t const st = pmm__sweep_hash_file(path, &of_file, err);
  *hash = pmm_hash_mix(*hash, of_file);
  return st;
}

/* What a configuration only points at decides results too. */
static pmm_status_t hash_files(const pmm_config_t *c, uint64_t *hash, pmm_error_t *err) {
  pmm_status_t st = PMM_OK;
  for (uint32_t i = 0; st == PMM_OK && i < c->strategy_cnt; i++)
    if (strchr(c->strategy[i].source, '/')) st = mix_file(c->strategy[i].source, hash, err);
  if (st == PMM_OK) st = mix_file(c->latency.samples, hash, err);
  if (st == PMM_OK) st = mix_file(c->latency.response_samples, hash, err);
  return st == PMM_OK ? mix_file(c->script.file, hash, err) : st;
}

static pmm_status_t hash_config(const pmm_config_t *c, uint64_t *hash, pmm_error_t *err) {
  char *text = NULL;
  size_t len = 0;
  FILE *const f = open_memstream(&text, &len);
  if (!f) return no_memory(err);
  pmm_config_write_json(f, c);
  bool const written = fclose(f) == 0;
  if (written) *hash = pmm_hash64(text, len, *hash);
  free(text);
  return written ? hash_files(c, hash, err) : no_memory(err);
}

static pmm_status_t check_set(pmm_sweep_plan_t *plan, uint32_t set, pmm_config_t *config, pmm_error_t *err) {
  pmm_error_t why = {0};
  pmm_status_t st = pmm_sweep_config(plan, set, config, &why);
  if (st == PMM_OK) st = hash_config(config, &plan->hash, &why);
  char name[160];
  if (st != PMM_OK) return pmm_error_set(err, st, "%s: %s", pmm_sweep_name(plan, set, name, sizeof name), why.text);
  plan->sharpe_every_ns[set] = config->engine.sharpe_every_ns;
  return PMM_OK;
}

static pmm_status_t check_sets(pmm_sweep_plan_t *plan, pmm_error_t *err) {
  pmm_config_t *const config = aligned_alloc(_Alignof(pmm_config_t), sizeof *config);
  pmm_status_t st = config ? PMM_OK : no_memory(err);
  for (uint32_t s = 0; st == PMM_OK && s < plan->set_cnt; s++) st = check_set(plan, s, config, err);
  free(config);
  return st;
}

/* -- the file: read once, so that what was checked is what runs -- */
static pmm_status_t read_config(pmm_sweep_plan_t *plan, const char *path, pmm_error_t *err) {
  plan->config_name = strdup(path ? path : "defaults");
  plan->config_text = calloc(1, PMM__CONFIG_BYTES_MAX + 2);
  if (!plan->config_name || !plan->config_text) return no_memory(err);
  if (!path) {
    strcpy(plan->config_text, "{}");
    plan->config_len = 2;
    return PMM_OK;
  }
  FILE *const f = fopen(path, "re");
  if (!f) return pmm_error_set(err, PMM_IO, "%.200s: %s", path, strerror(errno));
  plan->config_len = fread(plan->config_text, 1, PMM__CONFIG_BYTES_MAX + 1, f);
  int const code = ferror(f) ? errno : 0;
  fclose(f);
  if (code) return pmm_error_set(err, PMM_IO, "%.200s: %s", path, strerror(code));
  if (plan->config_len == 0) return pmm_error_set(err, PMM_PARSE, "%.200s: the file is empty ('pmm config init' writes one)", path);
  return PMM_OK;
}

static pmm_status_t check_spec(const pmm_sweep_spec_t *spec, pmm_error_t *err) {
  if (spec->tape_cnt == 0) return pmm_error_set(err, PMM_INVAL, "no tape");
  if (spec->fold_cnt > PMM_SWEEP_FOLDS_MAX) return pmm_error_set(err, PMM_INVAL, "--folds %u: at most %d", spec->fold_cnt, PMM_SWEEP_FOLDS_MAX);
  if (!(spec->holdout >= 0 && spec->holdout < 1)) return pmm_error_set(err, PMM_INVAL, "--holdout %g: not a share from 0 to below 1", spec->holdout);
  return PMM_OK;
}

pmm_status_t pmm_sweep_plan_open(pmm_sweep_plan_t **out, const pmm_sweep_spec_t *spec, pmm_error_t *err) {
  pmm_sweep_plan_t *const plan = calloc(1, sizeof *plan);
  if (!plan) return no_memory(err);
  plan->hash = pmm_hash64(PMM_VERSION, strlen(PMM_VERSION), 0);
  pmm_status_t st = check_spec(spec, err);
  if (st == PMM_OK) st = read_config(plan, spec->config_path, err);
  if (st == PMM_OK) st = pmm__sweep_axes(plan, spec, err);
  if (st == PMM_OK) st = draw(plan, spec, err);
  if (st == PMM_OK) st = check_sets(plan, err);
  if (st == PMM_OK) *out = plan;
  else pmm_sweep_plan_close(plan);
  return st;
}

void pmm_sweep_plan_close(pmm_sweep_plan_t *plan) {
  if (!plan) return;
  for (size_t i = 0; plan->value && i < (size_t)plan->set_cnt * plan->axis_cnt; i++) free(plan->value[i]);
  for (uint32_t i = 0; i < plan->axis_cnt; i++) pmm__sweep_axis_free(&plan->axis[i]);
  for (size_t i = 0; i < plan->fixed_cnt; i++) free(plan->fixed[i]);
  for (size_t i = 0; plan->tape && i < plan->tape_cnt; i++) free(plan->tape[i]);
  for (uint32_t i = 0; i < plan->part_cnt; i++) free(plan->part[i].tape);
  free(plan->value);
  free(plan->sharpe_every_ns);
  free(plan->fixed);
  free(plan->tape);
  free(plan->part);
  free(plan->config_name);
  free(plan->config_text);
  free(plan);
}
