#!/bin/sh
# A running `pmm live` that is killed, stopped, or cut off from the exchange: its orders leave the book when the venue's switch says so, on each dialect.
# Then it is started again, or let go on.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib_live.sh"

# What each venue's switch allows, with venues.N.dead_man 4 s. Kalshi: every order expires by itself 1 s after dead_man, renewed at half of its time.
# Polymarket: 10 s after the last heartbeat, looked at every 5 s; a heartbeat every 5 s. Degen: a heartbeat promises the next within dead_man.
dead_man=4s
allowed_ms() { case $1 in kalshi) echo 5000 ;; polymarket) echo 15000 ;; degen) echo 4000 ;; esac; }
slack_ms=1500 # of a loaded machine: asking three exchanges for nine accounts takes its time

# A relay that can be unplugged: stopped, it keeps its sockets open and moves nothing.
cat >"$tmp/relay.js" <<'END'
const net = require('net');
const to = Number(process.argv[2]);
const server = net.createServer(near => {
  const far = net.connect(to, '127.0.0.1');
  for (const [a, b] of [[near, far], [far, near]]) { a.pipe(b); a.on('error', () => b.destroy()); a.on('close', () => b.destroy()); }
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
END

secrets_of killed 1; secrets_of stopped 2; secrets_of cut 3
exchange_config "{id: A}, {id: B}, {id: C}" "$quiet" "$(member killed 1; member stopped 2; member cut 3)"
exchange --verbose

start_one() { # ACCOUNT MARKET DIALECT [URL]
  live_config "$1-$3" "$3" "$1" "$2" "$4"
  live "$1-$3" --set "venues.0.dead_man=$dead_man"
  eval "pid_$1_$3=\$pid"
}
pid_of() { eval "echo \$pid_$1_$2"; }

for d in $dialects; do
  start_one killed A "$d"
  start_one stopped B "$d"
  url=$(url_of "$d")
  background "relay-$d" node "$tmp/relay.js" "${url##*:}"
  eval "pid_relay_$d=\$pid"
  until_ms 10000 has_lines "$tmp/relay-$d.out" 1 || fail "no relay"
  start_one cut C "$d" "http://127.0.0.1:$(cat "$tmp/relay-$d.out")"
done
for d in $dialects; do
  for a in killed stopped cut; do
    waits_for "$a-$d" '"code":"ready"'
    until_ms 20000 is_resting "$d" "$a" || fail "$a on $d: no order rests: $(tail -c 600 "$tmp/$a-$d.err")"
  done
done

# -- all at once: SIGKILL, SIGSTOP, and the cable pulled --
sleep 5.5 # longer than any switch's time from the first order on: only what is renewed still rests
for d in $dialects; do
  for a in killed stopped cut; do is_resting "$d" "$a" || fail "$a on $d: its orders are gone although it runs: $(tail -c 600 "$tmp/$a-$d.err")"; done
  kill -9 "$(pid_of killed "$d")"
  kill -STOP "$(pid_of stopped "$d")"
  kill -STOP "$(pid_of relay "$d")"
  eval "gone_at_$d=$(now_ms)"
done
for d in kalshi degen polymarket; do
  eval "began=\$gone_at_$d"
  for a in killed stopped cut; do is_resting "$d" "$a" && touch "$tmp/rested-$a-$d"; done
done
for d in degen kalshi polymarket; do
  eval "began=\$gone_at_$d"
  left=$(($(allowed_ms "$d") + slack_ms - ($(now_ms) - began)))
  for a in killed stopped cut; do
    until_ms "$left" is_empty "$d" "$a" || fail "$a on $d: $(resting "$d" "$a") orders rest $(($(now_ms) - began)) ms after it went, $(allowed_ms "$d") ms are allowed"
    [ -e "$tmp/rested-$a-$d" ] || echo "note: $a on $d: the orders had gone before they were looked at"
    echo "$a on $d: no order $(($(now_ms) - began)) ms after it went; allowed: $(allowed_ms "$d")"
  done
  checks "$d"
done

# -- going on: a process that was stopped, and one whose network is back, quote again, and end with nothing left --
for d in $dialects; do
  kill -CONT "$(pid_of stopped "$d")" "$(pid_of relay "$d")"
done
for d in $dialects; do
  for a in stopped cut; do
    until_ms 40000 is_resting "$d" "$a" || fail "$a on $d: does not quote again: $(tail -c 900 "$tmp/$a-$d.err")"
  done
done
for d in $dialects; do
  for a in stopped cut; do
    ends "$a-$d" "$(pid_of "$a" "$d")" INT 0
    is_empty "$d" "$a" || fail "$a on $d: orders left"
    log_has "$tmp/$a-$d.err" difference && fail "$a on $d: its ledger differs: $(grep difference "$tmp/$a-$d.err")"
  done
done
finish
