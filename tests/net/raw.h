/* raw.h -- the other side by hand: a server that says what a script says, in a thread, and a client that sends what it is given. */
#ifndef TESTS_NET_RAW_H
#define TESTS_NET_RAW_H
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "rig.h"

static inline struct sockaddr_in raw_address(int port) {
  return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

/* -- server -- */

typedef struct raw_script {
  const char *answer; size_t len;   /* after the request's blank line; "%A" in it becomes Sec-WebSocket-Accept's value */
  const char *flood; size_t flood_len; /* then this, again and again, until the client has hung up */
  bool cut;                         /* then reset instead of waiting for the client to go */
} raw_script_t;
#define SCRIPT(text) .script = {.answer = (text), .len = sizeof(text) - 1 /* further members and a brace follow */
typedef struct raw_server {
  int fd, port;
  pthread_t thread;
  raw_script_t script;
  int connections;                  /* to serve, then it stops listening */
  int served; size_t flooded;       /* read after raw_stop */
  char request[8192];
} raw_server_t;

void pmm__head_accept(const char *key, char accept[32]);

static void raw_write(int fd, const char *text, size_t len) {
  while (len > 0) {
    ssize_t const n = send(fd, text, len, MSG_NOSIGNAL);
    if (n <= 0) return;
    text += n;
    len -= (size_t)n;
  }
}

static void raw_say(raw_server_t *s, int fd) {
  const char *const mark = s->script.len > 0 ? memmem(s->script.answer, s->script.len, "%A", 2) : NULL;
  const char *const key = strcasestr(s->request, "sec-websocket-key: ");
  if (!mark || !key) { raw_write(fd, s->script.answer, s->script.len); return; }
  char text[32] = "", accept[32];
  snprintf(text, sizeof text, "%.24s", key + 19);
  pmm__head_accept(text, accept);
  raw_write(fd, s->script.answer, (size_t)(mark - s->script.answer));
  raw_write(fd, accept, strlen(accept));
  raw_write(fd, mark + 2, s->script.len - (size_t)(mark + 2 - s->script.answer));
}

static void raw_serve(raw_server_t *s, int fd) {
  size_t len = 0;
  s->request[0] = '\0';
  while (!strstr(s->request, "\r\n\r\n") && len < sizeof s->request - 1) {
    ssize_t const n = recv(fd, s->request + len, sizeof s->request - 1 - len, 0);
    if (n <= 0) { close(fd); return; }
    len += (size_t)n;
    s->request[len] = '\0';
  }
  raw_say(s, fd);
  while (s->script.flood) {
    ssize_t const n = send(fd, s->script.flood, s->script.flood_len, MSG_NOSIGNAL);
    if (n <= 0) break;
    s->flooded += (size_t)n;
  }
  struct linger const reset = {1, 0};
  char rest[4096];
  if (s->script.cut) { /* what the client's side has not got by then would be lost with the connection */
    for (int left = 1; ioctl(fd, SIOCOUTQ, &left) == 0 && left > 0;) sched_yield();
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  } else
    while (recv(fd, rest, sizeof rest, 0) > 0) {}
  close(fd);
}

static void *raw_run(void *ctx) {
  raw_server_t *const s = ctx;
  while (s->served < s->connections) {
    int const fd = accept(s->fd, NULL, NULL);
    if (fd < 0) break;
    raw_serve(s, fd);
    s->served++;
  }
  return NULL;
}

static inline void raw_start(raw_server_t *s, raw_script_t script, int connections) {
  struct sockaddr_in address = raw_address(0);
  socklen_t len = sizeof address;
  memset(s, 0, sizeof *s);
  s->script = script;
  s->connections = connections;
  s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(s->fd, (struct sockaddr *)&address, len), 0);
  assert_int_equal(listen(s->fd, 16), 0);
  getsockname(s->fd, (struct sockaddr *)&address, &len);
  s->port = ntohs(address.sin_port);
  assert_int_equal(pthread_create(&s->thread, NULL, raw_run, s), 0);
}

static inline void raw_stop(raw_server_t *s) {
  shutdown(s->fd, SHUT_RDWR);
  pthread_join(s->thread, NULL);
  close(s->fd);
}

/* -- client -- */

static inline int raw_connect(rig_t *rig) {
  struct sockaddr_in const address = raw_address(pmm_host_port(rig->host));
  int const fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
  fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}

/* Sends while the loop turns; false: the host has hung up before all was sent. */
static inline bool raw_send(rig_t *rig, int fd, const char *text, size_t len) {
  while (len > 0) {
    ssize_t const n = send(fd, text, len, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) return false;
    if (n > 0) { text += n; len -= (size_t)n; }
    pmm_net_step(rig->net, 0);
  }
  return true;
}

/* What comes until the host hangs up, or until `want` stands in it (NULL: only the end counts). True: hung up. */
static inline bool raw_read(rig_t *rig, int fd, const char *want, char *out, size_t cap) {
  size_t len = 0;
  int64_t const until_ns = pmm_net_mono(rig->net) + 60 * PMM_NS_PER_S;
  out[0] = '\0';
  while (pmm_net_mono(rig->net) < until_ns) {
    char chunk[65536];
    ssize_t const n = recv(fd, chunk, sizeof chunk, 0);
    if (n == 0 || (n < 0 && errno != EAGAIN)) return true;
    for (ssize_t i = 0; i < n && len + 1 < cap; i++) out[len++] = chunk[i] ? chunk[i] : '.';
    out[len] = '\0';
    if (want && strstr(out, want)) return false;
    pmm_net_step(rig->net, PMM_NS_PER_MS);
  }
  fail_msg("the host neither answers nor hangs up; so far: %.200s", out);
  return false;
}

/* Resident memory in bytes. */
static inline size_t raw_memory(void) {
  unsigned long pages = 0, resident = 0;
  FILE *const f = fopen("/proc/self/statm", "r");
  if (f) {
    if (fscanf(f, "%lu %lu", &pages, &resident) != 2) resident = 0;
    fclose(f);
  }
  return resident * (size_t)sysconf(_SC_PAGESIZE);
}
#endif
