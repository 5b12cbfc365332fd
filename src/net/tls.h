/* net/tls.h -- OpenSSL contexts. A peer's certificate is always checked: its chain against the system's authorities and those of ca_file,
   its name or address against the host of the URL. There is no way to leave that out. */
#ifndef PMM_NET_TLS_H
#define PMM_NET_TLS_H
#include "net/loop.h"

pmm_status_t pmm__tls_open(pmm__loop_t *loop, const char *ca_file, pmm_error_t *err); /* fills loop->tls and ->ca */
void pmm__tls_close(pmm__loop_t *loop);
bool pmm__tls_trust(const pmm__loop_t *loop, SSL_CTX *context);  /* adds the authorities of ca_file */
SSL *pmm__tls_client(pmm__loop_t *loop, int fd, const char *host); /* NULL: out of memory */
/* A server's context; PMM_IO: a file cannot be read, or the key is not the certificate's. */
pmm_status_t pmm__tls_server(SSL_CTX **context, const char *cert_file, const char *key_file, pmm_error_t *err);
#endif
