# Every strategy on every kind of synthetic market, with and without latency: each run ends with the ledger compared to the
# exchange's own books to the micro-dollar, and fails if they differ.
set -eu
fail=0
for strategy in linear adaptive logit digital curve arbitrage; do
  for kind in walk digital; do
    for seed in 1 2 3; do
      for ms in 0 60; do
        "$PMM_BIN" backtest --scenario $kind --seed $seed --quiet --set strategy=$strategy --set scenario.duration=600s \
          --set latency.order=${ms}ms --set latency.response=${ms}ms || { echo "FAILED: $strategy, $kind, seed $seed, latency $ms ms"; fail=1; }
      done
    done
  done
done
exit $fail
