/* TLS: what is trusted goes through, for requests and for streams; self-signed, expired and wrong-host certificates are refused, by both, on
   loopback as well. The certificates are made here, by the openssl program. */
#include <unistd.h>
#include "rig.h"

static char dir[64];

static void shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void shell(const char *fmt, ...) {
  char line[1024], whole[1200];
  va_list args;
  va_start(args, fmt);
  vsnprintf(line, sizeof line, fmt, args);
  va_end(args);
  snprintf(whole, sizeof whole, "cd %s && (%s) >>log 2>&1", dir, line);
  if (system(whole) != 0) fail_msg("%s: see %s/log", line, dir);
}

/* A certificate of the test's own authority: NAME.pem and NAME.key. when: options of `openssl x509` or `ca`. */
static void issue(const char *name, const char *san, const char *when) {
  shell("printf 'subjectAltName=%s\\nbasicConstraints=CA:FALSE\\n' > %s.ext", san, name);
  shell("openssl ecparam -name prime256v1 -genkey -noout -out %s.key", name);
  shell("openssl req -new -key %s.key -subj /CN=%s -out %s.csr", name, name, name);
  shell("openssl ca -batch -config ca.cnf -in %s.csr -out %s.pem -extfile %s.ext -notext %s", name, name, name, when);
}

static int make(void **state) {
  (void)state;
  snprintf(dir, sizeof dir, "/tmp/pmm-tls-XXXXXX");
  if (!mkdtemp(dir)) return -1;
  shell("openssl ecparam -name prime256v1 -genkey -noout -out ca.key");
  shell("openssl req -x509 -new -key ca.key -subj /CN=pmm-test-ca -days 2 -out ca.pem");
  shell("touch index.txt; echo 01 > serial; printf '[ca]\\ndefault_ca=d\\n[d]\\ndir=.\\ndatabase=index.txt\\nnew_certs_dir=.\\nserial=serial\\n"
        "certificate=ca.pem\\nprivate_key=ca.key\\ndefault_md=sha256\\npolicy=p\\nunique_subject=no\\n[p]\\ncommonName=supplied\\n' > ca.cnf");
  issue("good", "IP:127.0.0.1", "-days 1");
  issue("name", "DNS:localhost", "-days 1");
  issue("expired", "IP:127.0.0.1", "-startdate 20200101000000Z -enddate 20210101000000Z");
  shell("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout self.key -subj /CN=self -addext subjectAltName=IP:127.0.0.1 -days 1 -out self.pem");
  return 0;
}

static int clean(void **state) {
  (void)state;
  char line[100];
  snprintf(line, sizeof line, "rm -rf %s", dir);
  return system(line);
}

static void open_tls(rig_t *rig, const char *name, const char *trusted) {
  char cert[128], key[128], ca[128];
  snprintf(cert, sizeof cert, "%s/%s.pem", dir, name);
  snprintf(key, sizeof key, "%s/%s.key", dir, name);
  snprintf(ca, sizeof ca, "%s/%s.pem", dir, trusted ? trusted : "");
  pmm_net_config_t const config = {.ca_file = trusted ? ca : NULL};
  rig_open(rig, &config, (pmm_host_config_t){.cert_file = cert, .key_file = key});
}

static void test_trusted(void **state) {
  (void)state;
  rig_t rig;
  rig_client_t c = {0};
  open_tls(&rig, "good", "ca");
  for (int i = 0; i < 3; i++) {
    rig_answer_t const a = rig_ask(&rig, "POST", "/x", "body");
    assert_int_equal(a.http, 200);
    assert_string_equal(a.body, "body");
  }
  rig_answer_t const large = rig_ask(&rig, "GET", "/large?5000000", NULL);
  assert_int_equal(large.len, 5000000);
  rig_connect(&rig, &c, "/greet", (pmm_ws_config_t){0});
  RIG_UNTIL(&rig, c.messages == 1);
  assert_int_equal(pmm_ws_send(c.ws, c.conn, "large 3000000", 13), PMM_OK);
  RIG_UNTIL(&rig, c.messages == 2);
  assert_int_equal(c.len, 3000000);
  char *const text = calloc(1, 900001);
  memset(text, 'y', 900000);
  assert_int_equal(pmm_ws_send(c.ws, c.conn, text, 900000), PMM_OK); /* more than a socket takes at once */
  RIG_UNTIL(&rig, c.messages == 3);
  assert_int_equal(c.len, 900000);
  free(text);
  pmm_ws_close(c.ws);
  RIG_UNTIL(&rig, rig.service.closed == 1);
  rig_close(&rig);
}

/* A self-signed certificate that the user lists is trusted. */
static void test_listed(void **state) {
  (void)state;
  rig_t rig;
  rig_client_t c = {0};
  open_tls(&rig, "self", "self");
  assert_int_equal(rig_ask(&rig, "GET", "/x", NULL).http, 200);
  rig_connect(&rig, &c, "/greet", (pmm_ws_config_t){0});
  RIG_UNTIL(&rig, c.messages == 1);
  pmm_ws_close(c.ws);
  rig_close(&rig);
}

static void test_by_name(void **state) {
  (void)state;
  rig_t rig;
  rig_client_t c = {0};
  char url[64];
  open_tls(&rig, "name", "ca");
  snprintf(url, sizeof url, "https://localhost:%d/x", pmm_host_port(rig.host));
  rig_answer_t a = {0};
  rig_send(&rig, &a, "GET", url, NULL, (pmm_http_request_t){0});
  RIG_UNTIL(&rig, a.cnt == 1);
  assert_int_equal(a.http, 200);
  snprintf(url, sizeof url, "wss://localhost:%d/greet", pmm_host_port(rig.host));
  rig_connect(&rig, &c, url, (pmm_ws_config_t){0});
  RIG_UNTIL(&rig, c.messages == 1);
  pmm_ws_close(c.ws);
  rig_close(&rig);
}

static void test_refused(void **state) {
  (void)state;
  static const struct { const char *cert, *trusted, *why; } rows[] = {
      {"self", NULL, "self-signed"}, {"self", "ca", "self-signed"}, {"good", NULL, "unable to get local issuer"},
      {"expired", "ca", "expired"},  {"name", "ca", "mismatch"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    rig_t rig;
    rig_client_t c = {.answer_ns = -1};
    open_tls(&rig, rows[i].cert, rows[i].trusted);
    rig_answer_t a = {0};
    rig_send(&rig, &a, "POST", "/x", "secret", (pmm_http_request_t){.retries = 3});
    RIG_UNTIL(&rig, a.cnt == 1);
    assert_int_equal(a.status, PMM_IO);
    assert_true(a.unsent);
    rig_connect(&rig, &c, "/", (pmm_ws_config_t){0});
    RIG_UNTIL(&rig, c.closed == 1);
    assert_int_equal(c.code, 1006);
    assert_int_equal(c.opened, 0);
    if (!strstr(c.why, rows[i].why)) fail_msg("%s: %s", rows[i].cert, c.why);
    assert_true(rig_noticed(&rig, "disconnected"));
    assert_int_equal(rig.service.calls + rig.service.upgrades, 0);
    pmm_ws_close(c.ws);
    rig_close(&rig);
  }
}

static void test_files(void **state) {
  (void)state;
  pmm_error_t err;
  pmm_net_t *net;
  assert_int_equal(pmm_net_open(&net, &(pmm_net_config_t){.ca_file = "/nowhere/ca.pem"}, &err), PMM_IO);
  char key[128], cert[128];
  snprintf(key, sizeof key, "%s/name.key", dir);
  snprintf(cert, sizeof cert, "%s/good.pem", dir);
  assert_int_equal(pmm_net_open(&net, &(pmm_net_config_t){.ca_file = key}, &err), PMM_IO); /* no certificate in it */
  assert_int_equal(pmm_net_open(&net, &(pmm_net_config_t){0}, &err), PMM_OK);
  rig_service_t service = {.base = {.ops = &rig_ops}};
  pmm_host_t *host;
  assert_int_equal(pmm_host_open(&host, net, &service.base, &(pmm_host_config_t){.cert_file = cert, .key_file = key}, &err), PMM_IO);
  assert_int_equal(pmm_host_open(&host, net, &service.base, &(pmm_host_config_t){.cert_file = cert}, &err), PMM_INVAL);
  pmm_net_close(net);
}

/* Clients that speak no TLS at all, or stop in the middle of it, end after the head's time. */
static void test_not_tls(void **state) {
  (void)state;
  rig_t rig;
  open_tls(&rig, "good", "ca");
  char url[64];
  snprintf(url, sizeof url, "http://127.0.0.1:%d/x", pmm_host_port(rig.host));
  rig_answer_t a = {0};
  rig_send(&rig, &a, "GET", url, NULL, (pmm_http_request_t){0});
  RIG_UNTIL(&rig, a.cnt == 1);
  assert_int_equal(a.status, PMM_IO);
  assert_int_equal(rig.service.calls, 0);
  rig_close(&rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_trusted), cmocka_unit_test(test_listed), cmocka_unit_test(test_by_name),
                                     cmocka_unit_test(test_refused), cmocka_unit_test(test_files),  cmocka_unit_test(test_not_tls)};
  return cmocka_run_group_tests(tests, make, clean);
}
