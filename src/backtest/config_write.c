/* Configurations and their reference, written from the same tables that check them. */
#include <ctype.h>
#include <string.h>

#include "config_schema.h"
#include "pmm/decimal.h"

#define VALUE_COLUMN 32 /* where comments begin in a fresh configuration */

/* A double-quoted scalar, alike in YAML and JSON; control characters never get into a configuration. */
static void print_quoted(FILE *out, const char *text) {
  fputc('"', out);
  for (; *text; text++) {
    if (*text == '"' || *text == '\\') fputc('\\', out);
    fputc(*text, out);
  }
  fputc('"', out);
}

/* "name: value", returning its width. */
static int print_field(FILE *out, const char *indent, const pmm_param_t *param, const void *in) {
  char value[PMM_PARAM_TEXT_MAX];
  size_t const len = pmm_param_print(param, in, value);
  int const key_width = fprintf(out, "%s%s: ", indent, param->name);
  if (param->type != PMM_PARAM_TEXT) return key_width + fprintf(out, "%s", value);
  print_quoted(out, value);
  return key_width + (int)len + 2;
}

static void print_choices(FILE *out, const char *choices, const char *before, const char *after) {
  for (const char *at = choices;; at++) {
    size_t const width = strcspn(at, "|");
    fprintf(out, "%s%.*s%s", before, (int)width, at, after);
    at += width;
    if (!*at) return;
    fputs(", ", out);
  }
}

static bool has_range(const pmm_param_t *param) {
  return param->type != PMM_PARAM_BOOL && param->type != PMM_PARAM_ENUM && param->type != PMM_PARAM_TEXT;
}

/* Limits beyond this only keep arithmetic in bounds; nobody needs to read them. */
#define ENDLESS 1e9

static void print_limit(FILE *out, double limit) { /* 0.000001, not 1e-06 */
  char text[PMM_DECIMAL_BUF];
  int64_t scaled = 0;
  pmm_decimal_from_double(limit, 9, &scaled);
  pmm_decimal_print(scaled, 9, 0, text);
  fputs(text, out);
}

/* "0.1 to 5000 bps", "0 or more contracts". */
static void print_range(FILE *out, const pmm_param_t *param) {
  bool const has_min = param->min > -ENDLESS, has_max = param->max < ENDLESS;
  if (has_min) print_limit(out, param->min);
  if (has_min) fputs(has_max ? " to " : " or more", out);
  if (has_max) print_limit(out, param->max);
  if (has_max && !has_min) fputs(" or less", out);
  if (!has_max && !has_min) fputs("any number", out);
  if (*param->unit) fprintf(out, has_min || has_max ? " %s" : " of %s", param->unit);
}

/* -- the effective configuration -- */
static void write_fields(FILE *out, const char *indent, const pmm_param_t *params, size_t cnt, const void *in) {
  for (size_t i = 0; i < cnt; i++) {
    print_field(out, indent, &params[i], in);
    fputc('\n', out);
  }
}

static void write_strategy(FILE *out, const pmm_config_strategy_t *s) {
  fputs("  - name: ", out);
  print_quoted(out, s->name);
  fputs("\n    match: ", out);
  print_quoted(out, s->match);
  fputs("\n    strategy: ", out);
  print_quoted(out, s->source);
  fputs("\n    params:\n", out);
  write_fields(out, "      ", s->ops->params, s->ops->param_cnt, s->params);
}

static bool is_single(const pmm_config_t *config) {
  const pmm_config_strategy_t *const s = &config->strategy[0];
  return config->strategy_cnt == 1 && strcmp(s->match, "*") == 0 && strcmp(s->name, s->ops->name) == 0;
}

static uint32_t list_len(const pmm_config_t *config, const pmm__list_t *list) {
  return *(const uint32_t *)(const void *)((const char *)config + list->cnt_offset);
}

static void write_list(FILE *out, const pmm_config_t *config, const pmm__list_t *list) {
  uint32_t const len = list_len(config, list);
  if (len) fprintf(out, "%s:\n", list->name);
  for (uint32_t i = 0; i < len; i++) {
    const char *const item = (const char *)config + pmm__list_at(list, i);
    fputs("  -\n", out);
    write_fields(out, "    ", list->params, *list->cnt, item);
  }
}

void pmm_config_write(FILE *out, const pmm_config_t *config) {
  write_fields(out, "", &pmm__seed_param, 1, config);
  if (is_single(config)) {
    const pmm_config_strategy_t *const s = &config->strategy[0];
    fputs("strategy: ", out);
    print_quoted(out, s->source);
    fputs("\nparams:\n", out);
    write_fields(out, "  ", s->ops->params, s->ops->param_cnt, s->params);
  } else {
    fputs("strategies:\n", out);
    for (uint32_t i = 0; i < config->strategy_cnt; i++) write_strategy(out, &config->strategy[i]);
  }
  for (size_t i = 0; i < pmm__section_cnt; i++) {
    fprintf(out, "%s:\n", pmm__sections[i].name);
    write_fields(out, "  ", pmm__sections[i].params, *pmm__sections[i].cnt, (const char *)config + pmm__sections[i].offset);
  }
  for (size_t i = 0; i < pmm__list_cnt; i++) write_list(out, config, &pmm__lists[i]);
}

/* -- the same as JSON -- */
static bool is_json_number(pmm_param_type_t type) {
  return type != PMM_PARAM_ENUM && type != PMM_PARAM_TEXT && type != PMM_PARAM_DURATION; /* true and false go unquoted too */
}

static void write_json_fields(FILE *out, const pmm_param_t *params, size_t cnt, const void *in) {
  char value[PMM_PARAM_TEXT_MAX];
  fputc('{', out);
  for (size_t i = 0; i < cnt; i++) {
    fprintf(out, "%s\"%s\":", i ? "," : "", params[i].name);
    pmm_param_print(&params[i], in, value);
    if (is_json_number(params[i].type)) fputs(value, out);
    else print_quoted(out, value);
  }
  fputc('}', out);
}

static void write_json_list(FILE *out, const pmm_config_t *config, const pmm__list_t *list) {
  uint32_t const len = list_len(config, list);
  if (len == 0) return;
  fprintf(out, ",\"%s\":[", list->name);
  for (uint32_t i = 0; i < len; i++) {
    if (i) fputc(',', out);
    write_json_fields(out, list->params, *list->cnt, (const char *)config + pmm__list_at(list, i));
  }
  fputc(']', out);
}

void pmm_config_write_json(FILE *out, const pmm_config_t *config) {
  fprintf(out, "{\"seed\":%llu,\"strategies\":[", (unsigned long long)config->seed);
  for (uint32_t i = 0; i < config->strategy_cnt; i++) {
    const pmm_config_strategy_t *const s = &config->strategy[i];
    fputs(i ? ",{\"name\":" : "{\"name\":", out);
    print_quoted(out, s->name);
    fputs(",\"match\":", out);
    print_quoted(out, s->match);
    fputs(",\"strategy\":", out);
    print_quoted(out, s->source);
    fputs(",\"params\":", out);
    write_json_fields(out, s->ops->params, s->ops->param_cnt, s->params);
    fputc('}', out);
  }
  fputc(']', out);
  for (size_t i = 0; i < pmm__section_cnt; i++) {
    fprintf(out, ",\"%s\":", pmm__sections[i].name);
    write_json_fields(out, pmm__sections[i].params, *pmm__sections[i].cnt, (const char *)config + pmm__sections[i].offset);
  }
  for (size_t i = 0; i < pmm__list_cnt; i++) write_json_list(out, config, &pmm__lists[i]);
  fputs("}\n", out);
}

/* -- a fresh configuration -- */
static void write_comment(FILE *out, const pmm_param_t *param) {
  fprintf(out, "# %s", param->help);
  if (param->type == PMM_PARAM_ENUM || has_range(param)) fputs(" (", out);
  if (param->type == PMM_PARAM_ENUM) print_choices(out, param->choices, "", "");
  if (has_range(param)) print_range(out, param);
  fputs(param->type == PMM_PARAM_ENUM || has_range(param) ? ")\n" : "\n", out);
}

static void write_defaults(FILE *out, const char *indent, const pmm_param_t *params, size_t cnt, const void *in) {
  for (size_t i = 0; i < cnt; i++) {
    int const width = print_field(out, indent, &params[i], in);
    fprintf(out, "%*s", width < VALUE_COLUMN ? VALUE_COLUMN - width : 1, "");
    write_comment(out, &params[i]);
  }
}

static void write_presets_comment(FILE *out, const pmm_strategy_ops_t *ops) {
  if (ops->preset_cnt == 0) return;
  fputs("# preset: ", out);
  for (size_t i = 0; i < ops->preset_cnt; i++) fprintf(out, "%s%s", i ? " | " : "", ops->presets[i].name);
  fputs("   # a preset sets several parameters; delete their lines below, which would win over it\n", out);
}

void pmm_config_write_init(FILE *out, const pmm_strategy_ops_t *ops) {
  static _Thread_local pmm_config_t config; /* 300 KB: too much for a stack */
  pmm_config_default(&config);
  pmm__config_use(&config.strategy[0], ops, NULL);
  fprintf(out, "# A configuration of pmm for the strategy %s: %s.\n", ops->name, ops->help);
  fputs("# Every value is the default; lines may be deleted. 'pmm config check -c FILE' checks it, 'pmm config reference' explains it,\n"
        "# --set key=value (such as --set risk.max_heat=.3) overrides a value for one run.\n\n", out);
  write_defaults(out, "", &pmm__seed_param, 1, &config);
  fprintf(out, "\nstrategy: %s\n", ops->name);
  write_presets_comment(out, ops);
  fputs("params:\n", out);
  write_defaults(out, "  ", ops->params, ops->param_cnt, config.strategy[0].params);
  for (size_t i = 0; i < pmm__section_cnt; i++) {
    const pmm__section_t *const section = &pmm__sections[i];
    fprintf(out, "\n# %s\n%s:\n", section->help, section->name);
    write_defaults(out, "  ", section->params, *section->cnt, (const char *)&config + section->offset);
  }
  fputs("\n# Lists for trading live (venues, feeds) and for an exchange of your own (serve, listings, members), one '-' an item:\n"
        "# 'pmm config reference' has their keys, examples/ whole configurations.\n", out);
}

/* -- the reference, in Markdown -- */
static const char *type_name(pmm_param_type_t type) {
  switch (type) {
  case PMM_PARAM_F64: return "number";
  case PMM_PARAM_INT: return "whole number";
  case PMM_PARAM_BOOL: return "true, false";
  case PMM_PARAM_ENUM: return "choice";
  case PMM_PARAM_QTY: return "contracts";
  case PMM_PARAM_CASH: return "dollars";
  case PMM_PARAM_PRICE: return "price";
  case PMM_PARAM_DURATION: return "duration";
  default: return "text";
  }
}

static void reference_row(FILE *out, const char *prefix, const pmm_param_t *param) {
  fprintf(out, "| `%s%s` | %s | ", prefix, param->name, type_name(param->type));
  if (*param->def) fprintf(out, "`%s` | ", param->def);
  else fputs("empty | ", out);
  if (param->type == PMM_PARAM_ENUM) print_choices(out, param->choices, "`", "`");
  else if (has_range(param)) print_range(out, param);
  fputs(" | ", out);
  for (const char *at = param->help; *at; at++) fprintf(out, *at == '|' ? "\\%c" : "%c", *at);
  fputs(" |\n", out);
}

static void reference_table(FILE *out, const char *prefix, const pmm_param_t *params, size_t cnt) {
  fputs("\n| key | type | default | allowed | meaning |\n|---|---|---|---|---|\n", out);
  for (size_t i = 0; i < cnt; i++) reference_row(out, prefix, &params[i]);
}

static void reference_strategy(FILE *out, const pmm_strategy_ops_t *ops) {
  fprintf(out, "\n### `%s`\n\n%c%s.\n", ops->name, toupper((unsigned char)*ops->help), *ops->help ? ops->help + 1 : "");
  reference_table(out, "params.", ops->params, ops->param_cnt);
  for (size_t i = 0; i < ops->preset_cnt; i++) {
    fprintf(out, "%s- preset `%s`: %s:", i ? "" : "\n", ops->presets[i].name, ops->presets[i].help);
    for (const char *const *set = ops->presets[i].set; *set; set++) fprintf(out, "%s `%s`", set == ops->presets[i].set ? "" : ",", *set);
    fputc('\n', out);
  }
}

static const char intro[] =
  "# Configuration reference\n\n"
  "Written by `pmm config reference` from the tables that check a configuration; a test holds the two together.\n\n"
  "A configuration is YAML (JSON is YAML too): sections of `key: value` lines. Every key has a default, so `{}` is a complete\n"
  "configuration. `pmm config init STRATEGY` writes one with every key, `pmm config check -c FILE` checks one and prints what is\n"
  "in force. `--set key=value` overrides one value with its dotted key: `--set params.spread_bps=80 --set risk.max_heat=.3`.\n\n"
  "An unknown key, a wrong type or a value out of range is an error with file and line that names the nearest valid key.\n"
  "Durations are written `250ms`, `1.5s`, `10m`, `2h`, `3d`; a bare number is seconds. Contracts, dollars and prices are\n"
  "exact decimals. Anchors, aliases, merge keys, tags and a second document are refused, as is a file over 1 MiB. There are no secrets in a\n"
  "configuration.\n\n"
  "## Strategies\n\n"
  "One strategy for every market stands at the top:\n\n"
  "```yaml\nstrategy: linear\npreset: ...      # where the strategy has presets; params win over it wherever they stand\nparams:\n  size: 5\n```\n\n"
  "or several, matched to markets by a glob on the market's id. A market that several match is quoted by each, with an\n"
  "inventory of its own:\n\n"
  "```yaml\nstrategies:\n  - strategy: digital\n    match: \"KXBTC*\"\n    params: {size: 20}\n"
  "  - name: wide         # default: the strategy's name; must be unique\n    strategy: ./mine.so  # your own, from this file's folder\n    match: \"*\"         # the default\n```\n\n"
  "| key | meaning |\n|---|---|\n"
  "| `strategy`, `strategies.N.strategy` | a name from below, or the path of a shared object (contains `/` or ends in `.so`) |\n"
  "| `preset`, `strategies.N.preset` | a named set of parameters of the strategy |\n"
  "| `params.*`, `strategies.N.params.*` | its parameters |\n"
  "| `strategies.N.match` | glob on market ids (`*`, `?`, `[...]`) |\n"
  "| `strategies.N.name` | name in reports |\n";

void pmm_config_write_reference(FILE *out) {
  fputs(intro, out);
  size_t cnt = 0;
  const pmm_strategy_ops_t *const *const table = pmm_strategy_table(&cnt);
  for (size_t i = 0; i < cnt; i++) reference_strategy(out, table[i]);
  fputs("\n## Everything else\n", out);
  reference_table(out, "", &pmm__seed_param, 1);
  for (size_t i = 0; i < pmm__section_cnt; i++) {
    const pmm__section_t *const section = &pmm__sections[i];
    fprintf(out, "\n### `%s`\n\n%s\n", section->name, section->help);
    char prefix[64];
    snprintf(prefix, sizeof prefix, "%s.", section->name);
    reference_table(out, prefix, section->params, *section->cnt);
  }
  fputs("\n## Lists\n\nEach item is a section of its own, written with a dash; `--set venues.0.rest=...` overrides a value of the first, and adds the item\n"
        "where the list ends before it.\n\n```yaml\nvenues:\n  - venue: kalshi\n    markets: \"series:KXBTC15M\"\n  - venue: polymarket\n    markets: btc-updown-15m\n```\n", out);
  for (size_t i = 0; i < pmm__list_cnt; i++) {
    const pmm__list_t *const list = &pmm__lists[i];
    fprintf(out, "\n### `%s`\n\n%s At most %u.\n", list->name, list->help, list->max);
    char prefix[64];
    snprintf(prefix, sizeof prefix, "%s.N.", list->name);
    reference_table(out, prefix, list->params, *list->cnt);
  }
}
