/**
 * Decides whether an answer shows a complete order: 201, Confirmed and captured. All others are errors with a reason.
 */
import type { Answer } from './http-connection.ts';

const QUOTED_BODY_LENGTH = 200;

/** Undefined for a complete order, else the reason, without the parts that differ from order to order. */
export function whyNotSettled(answer: Answer): string | undefined {
  if (answer.status !== 201) return `answer ${answer.status}: ${codeOf(answer.body)}`;
  const order = parse(answer.body);
  if (order === undefined) return 'answer 201 with a body that is not JSON';
  if (order.status !== 'Confirmed')
    return `answer 201 with status ${order.status}, not Confirmed${cancellationOf(order)}`;
  if (order.payment?.status !== 'Captured') return `answer 201 with payment ${order.payment?.status}, not Captured`;
  return undefined;
}

interface OrderAnswer {
  readonly status?: string;
  readonly code?: string;
  readonly payment?: { readonly status?: string };
  readonly cancellation?: { readonly code?: string };
}

function codeOf(body: string): string {
  return parse(body)?.code ?? body.slice(0, QUOTED_BODY_LENGTH);
}

function cancellationOf(order: OrderAnswer): string {
  return order.cancellation?.code === undefined ? '' : ` (${order.cancellation.code})`;
}

function parse(body: string): OrderAnswer | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
