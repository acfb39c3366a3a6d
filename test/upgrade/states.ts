/** The state that each order of a journal is in, by its events alone: for journals whose read models may be behind. */

/** event -> the status that it leads to; events that are not listed leave it. */
const LEADS_TO = {
  OrderCreated: 'Created',
  OrderPaymentPending: 'PaymentPending',
  OrderPaymentAuthorized: 'PaymentAuthorized',
  OrderConfirmed: 'Confirmed',
  OrderCancellationRequested: 'CancellationPending',
  OrderCancelled: 'Cancelled',
} as const;

const leadsTo = Object.entries(LEADS_TO).map(([event, status]) => `WHEN '${event}' THEN '${status}'`);
const listed = Object.keys(LEADS_TO).map((event) => `'${event}'`);

/** A row an order: `id`, and `state`, which is the status, with the cancellation's code where there is one. */
export const STATES_IN_JOURNAL = `
  SELECT DISTINCT ON (entity_id) substr(entity_id, 5) AS id,
         concat_ws(' ', CASE event->>'type' ${leadsTo.join(' ')} END, CASE WHEN event->>'type' LIKE 'OrderCancel%' THEN event->>'code' END) AS state
    FROM journal, json_array_elements(events) WITH ORDINALITY AS e (event, place)
   WHERE entity_id LIKE 'ord\\_%' AND event->>'type' IN (${listed.join(', ')})
   ORDER BY entity_id, version DESC, place DESC`;

/** How many payments ended with each event: what the provider was asked last, where it is an event that starts a call. */
export const OPEN_PAYMENT_CALLS = `
  SELECT event, count(*) FROM (
    SELECT DISTINCT ON (entity_id) event->>'type' AS event
      FROM journal, json_array_elements(events) WITH ORDINALITY AS e (event, place)
     WHERE entity_id LIKE 'pay\\_%'
     ORDER BY entity_id, version DESC, place DESC) last
   GROUP BY event ORDER BY event`;
