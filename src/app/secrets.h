/* app/secrets.h -- keys and passwords: from a file that only its owner can read, then from the environment. Kept in locked memory, wiped when no longer
   needed, never printed. */
#ifndef PMM_APP_SECRETS_H
#define PMM_APP_SECRETS_H
#include "pmm/venue.h"

typedef struct pmm_app_secrets pmm_app_secrets_t;
/* file: NAME=value lines ("#" begins a comment), NULL or "": none. PMM_IO; PMM_INVAL when group or others may read it, or a line (told by its number,
   never by its text) is no setting. The process will dump no core from here on. */
pmm_status_t pmm_app_secrets_open(pmm_app_secrets_t **secrets, const char *file, pmm_error_t *err);
/* For adapters and servers: valid until secrets are closed. A value of the environment is copied and wiped from there. */
const char *pmm_app_secret(void *secrets, const char *name);
/* Copies what the environment has under these names (NULL-terminated), and wipes it there, also where the file has another value. */
void pmm_app_secrets_take(pmm_app_secrets_t *secrets, const char *const *names);
void pmm_app_secrets_close(pmm_app_secrets_t *secrets);
#endif
