// The official Node SDK, unmodified: host, port and key are ours. Prints one JSON line of what it saw.
const Stripe = require('stripe');
const { randomUUID } = require('crypto');
const assert = require('assert');

const [host, port, key] = process.argv.slice(2);
const stripe = new Stripe(key, { host, port: Number(port), protocol: 'http', maxNetworkRetries: 2 });
const paid = { amount: 2000, currency: 'eur', confirm: true, payment_method: 'pm_card_visa', return_url: 'https://shop.example/done' };

async function fails(work) {
  try {
    await work();
  } catch (error) {
    return error;
  }
  throw new Error('should have been refused');
}

async function main() {
  const seen = {};
  const customer = await stripe.customers.create({ email: 'ada@example.com', metadata: { crm: '77' } });
  const method = await stripe.paymentMethods.attach('pm_card_visa', { customer: customer.id });
  const held = await stripe.paymentIntents.create({ ...paid, customer: customer.id, payment_method: method.id, capture_method: 'manual' });
  seen.held = held.status;
  seen.captured = (await stripe.paymentIntents.capture(held.id, { amount_to_capture: 1500 })).amount_received;
  const open = await stripe.paymentIntents.create({ amount: 700, currency: 'eur' });
  seen.confirmed = (await stripe.paymentIntents.confirm(open.id, { payment_method: 'pm_card_visa', return_url: paid.return_url })).status;
  seen.refunded = (await stripe.refunds.create({ payment_intent: held.id, amount: 500 })).status;
  const dropped = await stripe.paymentIntents.create({ amount: 800, currency: 'eur' });
  seen.canceled = (await stripe.paymentIntents.cancel(dropped.id)).status;

  const idempotencyKey = randomUUID();
  const twice = [await stripe.paymentIntents.create(paid, { idempotencyKey }), await stripe.paymentIntents.create(paid, { idempotencyKey })];
  assert.deepStrictEqual(JSON.stringify(twice[0]), JSON.stringify(twice[1]));

  const listed = [];
  for await (const intent of stripe.paymentIntents.list({ limit: 2, expand: ['data.customer'] })) listed.push(intent);
  seen.listed = listed.length;
  seen.expanded = listed.find((intent) => intent.id === held.id).customer.email;

  seen.card = (await fails(() => stripe.paymentIntents.create({ ...paid, payment_method: 'pm_card_visa_chargeDeclined' }))).type;
  seen.invalid = (await fails(() => stripe.paymentIntents.create({ amount: -1, currency: 'eur' }))).param;
  seen.idempotency = (await fails(() => stripe.paymentIntents.create({ ...paid, amount: 1 }, { idempotencyKey }))).type;
  const stranger = new Stripe('sk_test_' + 'x'.repeat(43), { host, port: Number(port), protocol: 'http' });
  seen.authentication = (await fails(() => stranger.balance.retrieve())).type;
  console.log(JSON.stringify(seen));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
