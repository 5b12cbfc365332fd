/* backtest/config_schema.h -- inside of the configuration: its sections, and settings on their way from text to struct.
   YAML and --set are first flattened to settings ("risk.max_heat" = ".3", with their place), then applied together, so
   that order in the file does not matter: strategies first, then presets, then single values. */
#ifndef PMM_CONFIG_SCHEMA_H
#define PMM_CONFIG_SCHEMA_H
#include "pmm/config.h"

#define PMM__CONFIG_BYTES_MAX (1 << 20) /* of a configuration file */
#define PMM__SETTINGS_MAX 4096          /* sixteen strategies with every parameter are a third of this */
#define PMM__KEY_MAX 200                /* of a whole dotted key */
#define PMM__KEY_DEPTH_MAX 5            /* strategies.0.params.size is 4 */

typedef struct pmm__section { const char *name; const pmm_param_t *params; const size_t *cnt; size_t offset; const char *help; } pmm__section_t;
extern const pmm__section_t pmm__sections[];
extern const size_t pmm__section_cnt;
/* A list of sections: venues.0.rest. */
typedef struct pmm__list { const char *name; const pmm_param_t *params; const size_t *cnt; size_t offset, stride, cnt_offset; uint32_t max; const char *help; } pmm__list_t;
extern const pmm__list_t pmm__lists[];
extern const size_t pmm__list_cnt;
extern const pmm_param_t pmm__seed_param;
static inline uint32_t *pmm__list_len(pmm_config_t *config, const pmm__list_t *list) { return (uint32_t *)(void *)((char *)config + list->cnt_offset); }
static inline size_t pmm__list_at(const pmm__list_t *list, uint32_t i) { return list->offset + i * list->stride; } /* offset in the config */

typedef enum pmm__node { PMM__NODE_VALUE, PMM__NODE_NULL, PMM__NODE_MAP, PMM__NODE_LIST } pmm__node_t;
typedef struct pmm__setting {
  char *key, *value;  /* owned; value is "" for a map or list, whose contents follow as settings of their own */
  const char *set;    /* the --set it came from, or NULL: the file */
  int line;           /* in the file, from 1 */
  pmm__node_t node;
} pmm__setting_t;
typedef struct pmm__settings { const char *name; /* of the file, for messages */ pmm__setting_t *item; size_t cnt, cap; } pmm__settings_t;

void pmm__settings_free(pmm__settings_t *settings);
/* PMM_FULL past PMM__SETTINGS_MAX (or out of memory), with err. key_len bytes of key are taken. */
pmm_status_t pmm__settings_add(pmm__settings_t *settings, const char *key, size_t key_len, pmm__node_t node, const char *value, int line,
                               const char *set, pmm_error_t *err);
/* An error at a place: "name:line: key: text" or "--set key=value: key: text". setting may be NULL: only the name. */
pmm_status_t pmm__settings_error(const pmm__settings_t *settings, const pmm__setting_t *setting, pmm_error_t *err, pmm_status_t status,
                                 const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* config_yaml.c: appends the settings of a YAML text. */
pmm_status_t pmm__settings_read_yaml(pmm__settings_t *settings, const char *text, size_t len, pmm_error_t *err);
/* config_apply.c: applies all settings to a config with its defaults. */
pmm_status_t pmm__settings_apply(const pmm__settings_t *settings, pmm_config_t *config, pmm_error_t *err);
/* A strategy with its defaults in place of what element held; name and match are left alone. PMM_INVAL: params too large. */
pmm_status_t pmm__config_use(pmm_config_strategy_t *element, const pmm_strategy_ops_t *ops, pmm_error_t *err);
#endif
