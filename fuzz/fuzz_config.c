/* Configuration text: whatever it is, loading ends with a configuration that can be written and read back, or with a
   message. The first line may carry a --set ("#set key=value"). Paths are kept away from the loader: no strategy in the
   input may name a shared object. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pmm/config.h"

static pmm_config_t config, again;

/* "#set key=value\n" at the start, copied to set; returns the bytes it takes. */
static size_t take_set(const char *text, size_t len, char *set, size_t cap) {
  if (len < 5 || memcmp(text, "#set ", 5) != 0) return 0;
  const char *const end = memchr(text, '\n', len);
  size_t const width = end ? (size_t)(end - text) : len;
  snprintf(set, cap, "%.*s", (int)(width - 5), text + 5);
  return end ? width + 1 : width;
}

static bool names_a_path(const char *text, size_t len) {
  return memchr(text, '/', len) || memmem(text, len, ".so", 3) || memmem(text, len, "\\", 1);
}

static void must_read_back(void (*write)(FILE *, const pmm_config_t *)) {
  char *text = NULL;
  size_t len = 0;
  FILE *const out = open_memstream(&text, &len);
  write(out, &config);
  fclose(out);
  if (pmm_config_parse(&again, "written", text, len, NULL, 0, NULL) != PMM_OK || again.strategy_cnt != config.strategy_cnt) abort();
  if (memcmp(&config.account, &again.account, sizeof config - offsetof(pmm_config_t, account)) != 0) abort();
  free(text);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
  const char *const text = (const char *)data;
  if (names_a_path(text, size)) return 0;
  char set[256] = "";
  const char *const sets[] = {set};
  size_t const skip = take_set(text, size, set, sizeof set);
  pmm_error_t err = {0};
  pmm_status_t const st = pmm_config_parse(&config, "fuzz.yaml", text + skip, size - skip, sets, *set != '\0', &err);
  if (st != PMM_OK && (err.status != st || !*err.text)) abort(); /* an error that says nothing */
  if (st != PMM_OK) return 0;
  must_read_back(pmm_config_write);
  must_read_back(pmm_config_write_json);
  return 0;
}
