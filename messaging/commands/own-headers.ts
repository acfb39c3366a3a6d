/**
 * Owns the names of the headers that the node writes on its copies of a command, in the retry ladder and in the
 * dead-letter queue. On any other message they are a sender's words: neither believed nor copied (see isOwnCopy).
 */

/** The sender's user, which the broker verified: only that user may send a message with the property `user-id`. */
export const USER_ID_HEADER = 'x-user-id';
/** The routing key that the sender gave. */
export const ROUTING_KEY_HEADER = 'x-routing-key';
export const ATTEMPTS_HEADER = 'x-attempts';
export const FAILURES_HEADER = 'x-failures';
/** Why, and when it was put aside. */
export const REASON_HEADER = 'x-reason';
export const DETAIL_HEADER = 'x-detail';
export const FAILED_AT_HEADER = 'x-failed-at';

export const OWN_HEADERS: readonly string[] = [
  USER_ID_HEADER,
  ROUTING_KEY_HEADER,
  ATTEMPTS_HEADER,
  FAILURES_HEADER,
  REASON_HEADER,
  DETAIL_HEADER,
  FAILED_AT_HEADER,
];
