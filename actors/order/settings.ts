import { wholeNumberSetting } from '../../config/setting.ts';

/** 24 days: longer timers do not fit into Node's 32-bit milliseconds, and no shopper waits longer. */
const RESERVATION_TTL_SECONDS_MAX = 24 * 24 * 60 * 60;

/** How long an order with manual confirmation holds its stock for the person who confirms it. */
export const reservationTtlSeconds = wholeNumberSetting('RESERVATION_TTL_SECONDS', {
  min: 1,
  max: RESERVATION_TTL_SECONDS_MAX,
  byDefault: 900,
  what: 'the seconds a reservation is kept',
});
