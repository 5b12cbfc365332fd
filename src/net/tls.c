#include "net/tls.h"
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

static pmm_status_t failed(pmm_error_t *err, const char *what) {
  char text[256];
  ERR_error_string_n(ERR_get_error(), text, sizeof text);
  ERR_clear_error();
  return pmm_error_set(err, PMM_IO, "%s: %s", what, text);
}

static void set_common(SSL_CTX *context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  /* Partial writes and a buffer that moves: what does not fit the socket waits in a buffer that grows. */
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context, 1); /* else each record costs two reads, one for its five bytes of header */
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
}

static pmm_status_t read_ca(pmm__loop_t *loop, const char *path, pmm_error_t *err) {
  BIO *const file = BIO_new_file(path, "r");
  if (!file) return failed(err, path);
  loop->ca = sk_X509_new_null();
  X509 *cert;
  while (loop->ca && (cert = PEM_read_bio_X509(file, NULL, NULL, NULL))) sk_X509_push(loop->ca, cert);
  BIO_free(file);
  ERR_clear_error(); /* the end of the file is reported as an error */
  if (!loop->ca || sk_X509_num(loop->ca) == 0) return pmm_error_set(err, PMM_IO, "%s: no certificate in it", path);
  return PMM_OK;
}

bool pmm__tls_trust(const pmm__loop_t *loop, SSL_CTX *context) {
  X509_STORE *const store = SSL_CTX_get_cert_store(context);
  for (int i = 0; loop->ca && i < sk_X509_num(loop->ca); i++)
    if (X509_STORE_add_cert(store, sk_X509_value(loop->ca, i)) != 1) return false;
  return true;
}

pmm_status_t pmm__tls_open(pmm__loop_t *loop, const char *ca_file, pmm_error_t *err) {
  loop->tls = SSL_CTX_new(TLS_client_method());
  if (!loop->tls) return failed(err, "TLS");
  set_common(loop->tls);
  SSL_CTX_set_verify(loop->tls, SSL_VERIFY_PEER, NULL);
  SSL_CTX_set_default_verify_paths(loop->tls); /* a machine without any authorities trusts nobody, which is right */
  if (ca_file) {
    pmm_status_t const st = read_ca(loop, ca_file, err);
    if (st != PMM_OK) return st;
    if (!pmm__tls_trust(loop, loop->tls)) return failed(err, ca_file);
  }
  return PMM_OK;
}

void pmm__tls_close(pmm__loop_t *loop) {
  SSL_CTX_free(loop->tls);
  sk_X509_pop_free(loop->ca, X509_free);
}

static bool set_peer(SSL *ssl, const char *host) {
  unsigned char address[sizeof(struct in6_addr)];
  if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

SSL *pmm__tls_client(pmm__loop_t *loop, int fd, const char *host) {
  static const unsigned char alpn[] = "\x08http/1.1";
  SSL *const ssl = SSL_new(loop->tls);
  if (!ssl) return NULL;
  if (!set_peer(ssl, host) || SSL_set_alpn_protos(ssl, alpn, sizeof alpn - 1) != 0 || SSL_set_fd(ssl, fd) != 1) {
    SSL_free(ssl);
    return NULL;
  }
  SSL_set_connect_state(ssl);
  return ssl;
}

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in, unsigned in_len, void *ctx) {
  (void)ssl;
  (void)ctx;
  static const unsigned char ours[] = "\x08http/1.1";
  unsigned char *chosen;
  if (SSL_select_next_proto(&chosen, out_len, ours, sizeof ours - 1, in, in_len) != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_NOACK;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

pmm_status_t pmm__tls_server(SSL_CTX **out, const char *cert_file, const char *key_file, pmm_error_t *err) {
  SSL_CTX *const context = SSL_CTX_new(TLS_server_method());
  if (!context) return failed(err, "TLS");
  set_common(context);
  SSL_CTX_set_alpn_select_cb(context, choose_alpn, NULL);
  if (SSL_CTX_use_certificate_chain_file(context, cert_file) != 1 || SSL_CTX_use_PrivateKey_file(context, key_file, SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    pmm_status_t const st = failed(err, cert_file);
    SSL_CTX_free(context);
    return st;
  }
  *out = context;
  return PMM_OK;
}
