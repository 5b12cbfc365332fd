/* HTTP/2 over TLS, against Node's server: requests side by side on one connection, bodies with any method, a refused stream and a lost session. */
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include "rig.h"

static const char script[] =
    "const h=require('http2'),f=require('fs');let sessions=0,orders=0;"
    "const s=h.createSecureServer({key:f.readFileSync('key.pem'),cert:f.readFileSync('cert.pem')});"
    "s.on('session',()=>sessions++);"
    "s.on('stream',(t,q)=>{t.on('error',()=>{});let b='';t.on('data',d=>b+=d);t.on('end',()=>{"
    "const p=q[':path'];"
    "if(p==='/cut'){orders++;t.session.destroy();return}"
    "if(p==='/reset'){orders++;t.close(h.constants.NGHTTP2_INTERNAL_ERROR);return}"
    "t.respond({':status':200,'x-sessions':''+sessions,'retry-after':'3'});"
    "const say=()=>t.end(JSON.stringify({method:q[':method'],path:p,body:b,sessions,orders,poly:q['poly_address']||''}));"
    "p==='/late'?setTimeout(say,50):say()})});"
    "s.listen(0,'127.0.0.1',()=>console.log(s.address().port));process.stdin.resume();process.stdin.on('end',()=>process.exit(0));";

static char dir[64];
static pid_t node;
static int port, leash; /* the server ends when this end of its input is closed */

static int start(void **state) {
  (void)state;
  if (system("node --version >/dev/null 2>&1") != 0) return 0; /* the test is skipped */
  char line[512], text[16] = "";
  int in[2], out[2];
  snprintf(dir, sizeof dir, "/tmp/pmm-http2-XXXXXX");
  if (!mkdtemp(dir) || pipe(in) != 0 || pipe(out) != 0) return -1;
  snprintf(line, sizeof line, "cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -subj /CN=x -addext "
           "subjectAltName=IP:127.0.0.1 -days 1 -out cert.pem 2>/dev/null", dir);
  if (system(line) != 0) return -1;
  node = fork();
  if (node == 0) {
    dup2(in[0], 0);
    dup2(out[1], 1);
    close(in[1]);
    close(out[0]);
    if (chdir(dir) == 0) execlp("node", "node", "-e", script, (char *)NULL);
    _exit(127);
  }
  close(in[0]);
  close(out[1]);
  leash = in[1];
  struct pollfd ready = {.fd = out[0], .events = POLLIN};
  if (poll(&ready, 1, 60000) != 1 || read(out[0], text, sizeof text - 1) <= 0) return -1;
  close(out[0]);
  port = atoi(text);
  return port > 0 ? 0 : -1;
}

static int end(void **state) {
  (void)state;
  char line[100];
  if (!node) return 0;
  close(leash);
  waitpid(node, NULL, 0);
  snprintf(line, sizeof line, "rm -rf %s", dir);
  return system(line);
}

static void open_rig(rig_t *rig) {
  char ca[100];
  snprintf(ca, sizeof ca, "%s/cert.pem", dir);
  rig_open(rig, &(pmm_net_config_t){.ca_file = ca}, (pmm_host_config_t){0});
  snprintf(rig->http, sizeof rig->http, "https://127.0.0.1:%d", port);
}

static void test_one_connection(void **state) {
  (void)state;
  if (!node) skip();
  static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
  rig_t rig;
  open_rig(&rig);
  for (size_t i = 0; i < 5; i++) {
    rig_answer_t a = {0};
    pmm_http_request_t const more = {.header = &(pmm_header_t){"POLY_ADDRESS", "0xA"}, .header_cnt = 1};
    rig_send(&rig, &a, methods[i], "/x?a=%2F", "{}", more);
    RIG_UNTIL(&rig, a.cnt == 1);
    char want[200];
    snprintf(want, sizeof want, "{\"method\":\"%s\",\"path\":\"/x?a=%%2F\",\"body\":\"{}\",\"sessions\":1,\"orders\":0,\"poly\":\"0xA\"}", methods[i]);
    assert_string_equal(a.body, want);
    assert_string_equal(a.retry_after, "3");
  }
  rig_answer_t many[20] = {0};
  int done = 0;
  for (uint64_t i = 0; i < 20; i++) rig_send(&rig, many, "GET", "/late", NULL, (pmm_http_request_t){.tag = i});
  for (int i = 0; i < 20; i++) {
    RIG_UNTIL(&rig, many[i].cnt == 1);
    done += strstr(many[i].body, "\"sessions\":1,") != NULL;
  }
  assert_int_equal(done, 20);
  rig_close(&rig);
}

/* The server has read the order and then the connection breaks: once, and its outcome is unknown. */
static void test_never_twice(void **state) {
  (void)state;
  if (!node) skip();
  static const char *const paths[] = {"/cut", "/reset"};
  rig_t rig;
  open_rig(&rig);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(rig_ask(&rig, "GET", "/x", NULL).http, 200); /* warms the connection */
    rig_answer_t const a = rig_ask(&rig, "POST", paths[i], "{}");
    assert_int_equal(a.status, PMM_IO);
    assert_false(a.unsent);
    char want[32];
    snprintf(want, sizeof want, "\"orders\":%d,", i + 1);
    rig_answer_t const after = rig_ask(&rig, "GET", "/x", NULL);
    assert_non_null(strstr(after.body, want));
  }
  rig_close(&rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_one_connection), cmocka_unit_test(test_never_twice)};
  return cmocka_run_group_tests(tests, start, end);
}
