/**
 * Owns what every command carries of the request that it came by, whatever it asks for: the version that its caller
 * demands, the trace, and who is to be named in the rows that it makes. An operation that hands this on has all of it.
 */
import type { CommandSource as Sourced } from '../runtime/ask.ts';
import { traceparentOf } from '../kernel/trace-context.ts';
import type { CallerContext } from './edge-context.ts';
import { preconditionOf } from './entity-tag.ts';

export type CommandSource = Pick<Sourced, 'traceparent' | 'condition' | 'by'>;

/** @throws Problem validation_failed. */
export function commandSourceOf({
  headers,
  req,
  state,
}: Pick<CallerContext, 'headers' | 'req' | 'state'>): CommandSource {
  const { principal, requestId } = state;
  const { sub, role, issuer } = principal;
  const by =
    issuer === ''
      ? ({ channel: 'http', who: sub, role, requestId } as const)
      : ({ channel: 'http', who: sub, role, issuer, requestId } as const);
  return { traceparent: traceparentOf(headers['traceparent']), condition: preconditionOf(req), by };
}
