/* tape/names.h -- names to dense numbers in order of arrival. Cold: it allocates as it grows. */
#ifndef PMM_TAPE_NAMES_H
#define PMM_TAPE_NAMES_H
#include "pmm/types.h"

#define PMM__NAME_NONE UINT32_MAX

typedef struct pmm__names {
  uint32_t *slot; /* open addressing: number + 1, 0 is free */
  char **name;    /* [number] */
  uint32_t cnt, cap;
} pmm__names_t; /* zeroed: empty */

uint32_t pmm__names_find(const pmm__names_t *names, const char *name, size_t len); /* PMM__NAME_NONE: not there */
pmm_status_t pmm__names_add(pmm__names_t *names, const char *name, size_t len);    /* takes number cnt; PMM_FULL. Not there yet. */
void pmm__names_fini(pmm__names_t *names);
#endif
