import { expect } from 'chai';
import { MESSAGE_COMMANDS, OPERATIONS, PUBLIC_EVENTS } from '../actors/index.ts';
import { composeOperations } from './compose-operations.ts';
import { allProblems } from './openapi.ts';
import { Problem, problemDocument } from './problems.ts';

/** The table of the contract, copied: clients outside rely on it. */
const CONTRACT: Readonly<Record<string, number>> = {
  validation_failed: 400,
  malformed_json: 400,
  idempotency_key_invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  payment_declined: 402,
  illegal_transition: 409,
  precondition_failed: 412,
  payload_too_large: 413,
  unsupported_media_type: 415,
  unknown_product: 422,
  currency_mismatch: 422,
  idempotency_mismatch: 422,
  card_data_refused: 422,
  rate_limited: 429,
  overloaded: 503,
  unavailable: 503,
  outcome_unknown: 504,
};

/** What HTTP itself makes necessary. */
const BESIDE_THE_CONTRACT: Readonly<Record<string, number>> = {
  malformed_request: 400,
  method_not_allowed: 405,
  request_timeout: 408,
  expectation_failed: 417,
  misdirected_request: 421,
  not_implemented: 501,
  header_fields_too_large: 431,
  internal: 500,
};

describe('problems', () => {
  const problems = allProblems(composeOperations(OPERATIONS, { messages: MESSAGE_COMMANDS, events: PUBLIC_EVENTS }));
  const statuses = Object.fromEntries(problems.map(({ code, status }) => [code, status]));

  it('has every code of the contract, with its status, and no other', () => {
    expect(statuses).to.deep.equal({ ...CONTRACT, ...BESIDE_THE_CONTRACT });
  });

  it('calls retryable by itself only what promises that nothing was applied', () => {
    const retryable = problems.flatMap(({ code, retryable: isIt }) => (isIt ? [code] : []));
    expect(retryable).to.have.members(['request_timeout', 'rate_limited', 'overloaded', 'unavailable']);
  });

  it('makes a document with all members', () => {
    const problem = new Problem('illegal_transition', 'The order is Cancelled.', {
      members: { from: 'Cancelled', allowed: [] },
    });
    expect(problemDocument(problem, { requestId: 'r1', instance: '/api/v1/orders/x' })).to.deep.equal({
      type: '/docs#problem-illegal_transition',
      title: 'The current state does not permit that',
      status: 409,
      detail: 'The order is Cancelled.',
      instance: '/api/v1/orders/x',
      code: 'illegal_transition',
      requestId: 'r1',
      retryable: false,
      from: 'Cancelled',
      allowed: [],
    });
  });
});
