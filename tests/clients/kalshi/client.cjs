// Kalshi's official client (npm kalshi-typescript), unmodified, against `pmm exchange`: every call's effect is looked up in the exchange's ledger.
// Usage: node client.cjs keys FOLDER         writes the key pairs of alice and bob there: NAME.pem is public, NAME.key private
//        node client.cjs run FOLDER URL TOKEN  goes through the calls; alice and bob start with 10000 dollars each
'use strict';
const assert = require('node:assert');
const { generateKeyPairSync } = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const axios = require('axios');
const k = require('kalshi-typescript');

const [mode, folder, base, token] = process.argv.slice(2);
const A = 'KXT-26NOV20-A', B = 'KXT-26NOV20-B';
const SUM = 20000; // dollars of both members

function makeKeys(name) {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  fs.writeFileSync(path.join(folder, `${name}.pem`), publicKey.export({ type: 'spki', format: 'pem' }));
  fs.writeFileSync(path.join(folder, `${name}.key`), privateKey.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 });
}

const member = (name) => ({ keyId: `${name}-key`, privateKeyPem: fs.readFileSync(path.join(folder, `${name}.key`), 'utf8') });

// Each API object signs through the axios it is given: two keys in one process need one each.
function client(who) {
  const cfg = new k.Configuration({ ...(who ? { apiKey: who.keyId, privateKeyPem: who.privateKeyPem } : {}), basePath: `${base}/trade-api/v2` });
  const make = (Api) => new Api(cfg, undefined, axios.create());
  return { exchange: make(k.ExchangeApi), market: make(k.MarketApi), events: make(k.EventsApi), orders: make(k.OrdersApi), portfolio: make(k.PortfolioApi),
           groups: make(k.OrderGroupsApi), account: make(k.AccountApi), historical: make(k.HistoricalApi) };
}

async function refused(promise, status, code) {
  try { await promise; } catch (e) {
    assert.equal(e.response && e.response.status, status, e.message);
    if (code) assert.equal((e.response.data.error || e.response.data).code, code);
    return;
  }
  assert.fail(`not refused with ${status}`);
}

const bid = (price, count, more) => ({ ticker: A, side: 'bid', count, price, time_in_force: 'good_till_canceled', self_trade_prevention_type: 'taker_at_cross', ...more });
const ask = (price, count, more) => bid(price, count, { side: 'ask', ...more });

async function run() {
  const alice = member('alice'), bob = member('bob');
  const me = client(alice), you = client(bob), nobody = client(null);
  const admin = async (what) => (await axios.get(`${base}/admin/${what}`, { headers: { Authorization: `Bearer ${token}` } })).data;
  const ledger = (name) => admin(`accounts/${name}`);
  const open = async () => (await ledger('alice')).orders.map(({ id, client_id, market, side, price, open: left, filled }) => ({ id, client_id, market, side, price, open: left, filled }));
  const held = async (name) => { const h = (await ledger(name)).holdings.find((x) => x.market === A); return h ? Number(h.yes) - Number(h.no) : 0; };

  // status, markets, book: signed and unsigned
  for (const c of [me, nobody]) {
    assert.equal((await c.exchange.getExchangeStatus()).data.trading_active, true);
    assert.deepEqual((await c.market.getMarkets(5)).data.markets.map((m) => m.ticker), [A, B]);
    assert.equal((await c.market.getMarket(A)).data.market.status, 'active');
  }
  assert.equal((await me.exchange.getExchangeSchedule()).data.schedule.standard_hours[0].thursday.length, 1);
  assert.equal((await me.events.getEvents(10)).data.events[0].event_ticker, 'KXT-26NOV20');
  assert.equal((await me.market.getSeries('KXT')).data.series.fee_type, 'quadratic');
  assert.deepEqual((await me.market.getMarketOrderbook(A, 10)).data.orderbook_fp, { yes_dollars: [], no_dollars: [] });
  assert.equal((await me.portfolio.getBalance()).data.balance, 1000000);
  await refused(nobody.portfolio.getBalance(), 401, 'token_authentication_failure');
  const stranger = client({ keyId: alice.keyId, privateKeyPem: bob.privateKeyPem });
  await refused(stranger.portfolio.getBalance(), 401, 'authentication_error');

  // create
  const first = await me.orders.createOrderV2(bid('0.4500', '10.00', { client_order_id: 'mm-000001', post_only: true }));
  assert.equal(first.status, 201);
  assert.equal(first.data.remaining_count, '10.00');
  assert.deepEqual(await open(), [{ id: first.data.order_id, client_id: 'mm-000001', market: A, side: 'bid', price: '0.4500', open: '10.00', filled: '0.00' }]);
  await refused(me.orders.createOrderV2(bid('0.4500', '10.00', { client_order_id: 'mm-000001' })), 409, 'order_already_exists');
  await refused(me.orders.createOrderV2(bid('0.4550', '1.00')), 400, 'invalid_price');
  await refused(me.orders.createOrderV2(bid('0.4500', 10)), 400, 'bad_request');
  await refused(me.orders.createOrderV2(bid('0.9900', '100000.00')), 400, 'insufficient_balance');
  assert.equal((await open()).length, 1);

  // book, queue
  assert.deepEqual((await me.market.getMarketOrderbook(A, 10)).data.orderbook_fp.yes_dollars, [['0.4500', '10.00']]);
  assert.equal((await me.market.getMarketOrderbooks([A, B])).data.orderbooks.length, 2);
  assert.equal((await me.orders.getOrderQueuePosition(first.data.order_id)).data.queue_position_fp, '0.00');
  assert.equal((await me.orders.getOrderQueuePositions(`${A},${B}`)).data.queue_positions[0].order_id, first.data.order_id);

  // amend, decrease
  const amended = await me.orders.amendOrderV2(first.data.order_id, { ticker: A, side: 'bid', price: '0.4600', count: '12.00', updated_client_order_id: 'mm-000002' });
  assert.equal(amended.data.remaining_count, '12.00');
  assert.deepEqual(await open(), [{ id: first.data.order_id, client_id: 'mm-000002', market: A, side: 'bid', price: '0.4600', open: '12.00', filled: '0.00' }]);
  assert.equal((await me.orders.decreaseOrderV2(first.data.order_id, { reduce_by: '2.00', market_ticker: A })).data.remaining_count, '10.00');
  assert.equal((await open())[0].open, '10.00');
  assert.equal((await me.orders.decreaseOrderV2(first.data.order_id, { reduce_to: '8.00' })).data.remaining_count, '8.00');
  assert.equal((await open())[0].open, '8.00');

  // a fill: the taker's fee is charged, both positions move, nothing is lost between them
  const hit = await you.orders.createOrderV2(ask('0.4600', '3.00', { time_in_force: 'immediate_or_cancel' }));
  assert.equal(hit.data.fill_count, '3.00');
  assert.equal(hit.data.average_fill_price, '0.4600');
  assert.equal(await held('alice'), 3);
  assert.equal(await held('bob'), -3);
  assert.equal((await open())[0].open, '5.00');
  const fills = (await me.portfolio.getFills(A)).data.fills;
  assert.equal(fills.length, 1);
  assert.deepEqual([fills[0].order_id, fills[0].count_fp, fills[0].yes_price_dollars, fills[0].is_taker, fills[0].fee_cost], [first.data.order_id, '3.00', '0.4600', false, '0.000000']);
  const theirs = (await you.portfolio.getFills(A)).data.fills[0];
  assert.deepEqual([theirs.trade_id, theirs.book_side, theirs.is_taker, theirs.fee_cost], [fills[0].trade_id, 'ask', true, '0.052200']);
  assert.equal((await nobody.market.getTrades(10, undefined, A)).data.trades[0].trade_id, fills[0].trade_id);
  const position = (await me.portfolio.getPositions()).data.market_positions[0];
  assert.deepEqual([position.ticker, position.position_fp, position.market_exposure_dollars], [A, '3.00', '1.380000']);
  const a = await ledger('alice'), b = await ledger('bob');
  assert.equal(Math.round((Number(a.cash) + Number(b.cash) + 3 + 0.0522) * 1e6), SUM * 1e6); // three pairs of a dollar each, and the fee
  const balance = (await me.portfolio.getBalance()).data;
  assert.equal(Number(balance.balance_dollars), Number(a.cash) - Number(a.locked));
  assert.equal((await me.portfolio.getSettlements()).data.settlements.length, 0);

  // cancel
  assert.equal((await me.orders.getOrder(first.data.order_id)).data.order.status, 'resting');
  const cancelled = await me.orders.cancelOrderV2(first.data.order_id, undefined, undefined, A);
  assert.equal(cancelled.data.reduced_by, '5.00');
  assert.deepEqual(await open(), []);
  await refused(me.orders.cancelOrderV2(first.data.order_id), 404, 'not_found');
  assert.deepEqual((await me.orders.getOrders(A, undefined, undefined, undefined, 'canceled', 100)).data.orders.map((o) => [o.order_id, o.fill_count_fp, o.remaining_count_fp]),
                   [[first.data.order_id, '3.00', '0.00']]);

  // batch, batch cancel
  const batch = await me.orders.batchCreateOrdersV2({ orders: [bid('0.3000', '1.00', { client_order_id: 'b-1' }), bid('0.3050', '1.00', { client_order_id: 'b-2' }), bid('0.3100', '2.00', { client_order_id: 'b-3' })] });
  assert.equal(batch.status, 201);
  assert.deepEqual(batch.data.orders.map((o) => (o.error ? o.error.code : o.remaining_count)), ['1.00', 'invalid_price', '2.00']);
  assert.deepEqual((await open()).map((o) => o.client_id), ['b-1', 'b-3']);
  const swept = await me.orders.batchCancelOrdersV2({ orders: [{ order_id: batch.data.orders[0].order_id, market_ticker: A }, { order_id: 'none' }] });
  assert.deepEqual(swept.data.orders.map((o) => (o.error ? o.error.code : o.reduced_by)), ['1.00', 'not_found']);
  assert.deepEqual((await open()).map((o) => o.client_id), ['b-3']);

  // cancel all
  await me.orders.createOrderV2(bid('0.2000', '1.00', { ticker: B }));
  assert.equal((await open()).length, 2);
  assert.equal((await me.orders.cancelAllOrders()).status, 204);
  assert.deepEqual(await open(), []);

  // order groups: at the limit the group's other orders go
  const group = (await me.groups.createOrderGroup({ contracts_limit: 4 })).data.order_group_id;
  await me.orders.createOrderV2(bid('0.4000', '5.00', { order_group_id: group }));
  const second = await me.orders.createOrderV2(bid('0.3900', '5.00', { order_group_id: group }));
  assert.deepEqual((await me.groups.getOrderGroup(group)).data.orders.length, 2);
  assert.equal((await me.groups.getOrderGroups()).data.order_groups[0].contracts_limit_fp, '4.00');
  await you.orders.createOrderV2(ask('0.4000', '4.00', { time_in_force: 'fill_or_kill' }));
  assert.deepEqual(await open(), []);
  assert.equal((await me.orders.getOrder(second.data.order_id)).data.order.status, 'canceled');
  assert.equal(await held('alice'), 7);
  await refused(me.orders.createOrderV2(bid('0.4000', '1.00', { order_group_id: group })), 400, 'invalid_order');
  await me.groups.resetOrderGroup(group);
  await me.groups.updateOrderGroupLimit(group, { contracts_limit: 9 });
  await me.orders.createOrderV2(bid('0.4000', '1.00', { order_group_id: group }));
  assert.equal((await open()).length, 1);
  await me.groups.triggerOrderGroup(group);
  assert.deepEqual(await open(), []);
  await me.groups.deleteOrderGroup(group);
  await refused(me.groups.getOrderGroup(group), 404, 'not_found');

  // limits, as the account sees them
  assert.equal((await me.account.getAccountApiLimits()).data.usage_tier, 'basic');
  assert.ok((await me.account.getAccountEndpointCosts()).data.endpoint_costs.some((e) => e.method === 'DELETE' && e.path.endsWith('/orders/:order_id') && e.cost === 2));
  assert.ok((await me.historical.getHistoricalCutoff()).data.market_settled_ts);
  assert.equal((await admin('check')).ok, true); // cash, collateral and fees add up over everybody
}

(async () => {
  if (mode === 'keys') { makeKeys('alice'); makeKeys('bob'); return; }
  await run();
  console.log('ok');
})().catch((e) => { console.error(e); process.exit(1); });
