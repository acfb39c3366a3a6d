/**
 * Owns the list of what the edge can do: address, who may, what goes in and what comes out. The routes, the checks of
 * roles and the OpenAPI document are all made from it, so none can differ from the others.
 */
import type { z } from 'zod';
import type { ProblemCode } from './problems.ts';
import { EXAMPLE_ORDER, EXAMPLE_PRODUCT_ID } from './schemas/examples.ts';
import { pageQuery, listOrdersQuery, orderEventsQuery } from '../actors/order/operations/list-orders-query.ts';
import { cancelOrderRequest, confirmOrderRequest } from '../actors/order/operations/order-command-requests.ts';
import { placeOrderRequest } from '../actors/order/operations/place-order-request.ts';
import {
  healthResponse,
  orderEventsResponse,
  orderPageResponse,
  orderResponse,
  stockBatchResponse,
  stockResponse,
} from './schemas/responses.ts';
import { setStockRequest, stockBatchRequest } from '../actors/stock/operations/stock-requests.ts';

/** `any`: every role. `staff`: support and admin. */
export type Access = 'public' | 'any' | 'staff' | 'admin';

type RequestHeader = 'Idempotency-Key' | 'Prefer' | 'If-Match' | 'If-None-Match' | 'traceparent';

export interface Operation {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Variable segments in braces. */
  readonly path: string;
  readonly access: Access;
  readonly summary: string;
  readonly body?: z.ZodType;
  /** A body that can be sent as it is, on a node with the demo product. */
  readonly example?: unknown;
  /** Absent beside `body`: the body is required. */
  readonly bodyOptional?: true;
  readonly query?: z.ZodObject;
  /** Request headers that this operation understands, beside Authorization and Request-Id, and those of every mutation. */
  readonly headers?: readonly RequestHeader[];
  readonly responses: Readonly<Record<number, { readonly description: string; readonly schema?: z.ZodType }>>;
  /** Beside those of every operation. */
  readonly problems?: readonly ProblemCode[];
}

const order = '/api/v1/orders/{orderId}';
const stock = '/api/v1/stock/{productId}';
const html = { description: 'A page for people' };

export const OPERATIONS = {
  placeOrder: {
    method: 'POST',
    path: '/api/v1/orders',
    access: 'any',
    summary: 'Place an order. Answers as soon as it is durable, or with Prefer: wait=N once it has settled.',
    body: placeOrderRequest,
    example: EXAMPLE_ORDER,
    headers: ['Idempotency-Key', 'Prefer', 'traceparent'],
    responses: { 201: { description: 'The order was made', schema: orderResponse } },
    problems: [
      'unknown_product',
      'currency_mismatch',
      'idempotency_mismatch',
      'card_data_refused',
      'idempotency_key_invalid',
      'outcome_unknown',
    ],
  },
  listOrders: {
    method: 'GET',
    path: '/api/v1/orders',
    access: 'any',
    summary: 'Orders, newest first: own ones, or all for staff.',
    query: listOrdersQuery,
    responses: { 200: { description: 'A page', schema: orderPageResponse } },
  },
  listCustomerOrders: {
    method: 'GET',
    path: '/api/v1/orders/customer/{customerId}',
    access: 'any',
    summary: "One customer's orders, newest first.",
    query: pageQuery,
    responses: { 200: { description: 'A page', schema: orderPageResponse } },
  },
  getOrder: {
    method: 'GET',
    path: order,
    access: 'any',
    summary: 'One order, as it is now.',
    headers: ['If-None-Match'],
    responses: {
      200: { description: 'The order', schema: orderResponse },
      304: { description: 'It is still that version' },
    },
    problems: ['not_found'],
  },
  listOrderEvents: {
    method: 'GET',
    path: `${order}/events`,
    access: 'any',
    summary: 'What happened to an order, from its beginning on. Staff also see by whom.',
    query: orderEventsQuery,
    responses: { 200: { description: 'A page', schema: orderEventsResponse } },
    problems: ['not_found'],
  },
  confirmOrder: {
    method: 'POST',
    path: `${order}/confirm`,
    access: 'any',
    summary: 'Confirm an order that was placed with manual confirmation and stands at PaymentAuthorized.',
    body: confirmOrderRequest,
    example: {},
    bodyOptional: true,
    headers: ['Idempotency-Key', 'Prefer', 'traceparent'],
    responses: { 200: { description: 'Confirmed', schema: orderResponse } },
    problems: [
      'not_found',
      'payment_declined',
      'illegal_transition',
      'idempotency_mismatch',
      'idempotency_key_invalid',
      'outcome_unknown',
    ],
  },
  cancelOrder: {
    method: 'POST',
    path: `${order}/cancel`,
    access: 'any',
    summary: 'Cancel an order: its stock is released and its payment voided or refunded.',
    body: cancelOrderRequest,
    example: { reason: 'The customer changed their mind' },
    headers: ['Idempotency-Key', 'traceparent'],
    responses: {
      200: { description: 'Cancelled, and all is compensated', schema: orderResponse },
      202: { description: 'Being compensated', schema: orderResponse },
    },
    problems: [
      'not_found',
      'illegal_transition',
      'idempotency_mismatch',
      'idempotency_key_invalid',
      'card_data_refused',
      'outcome_unknown',
    ],
  },
  deleteOrder: {
    method: 'DELETE',
    path: order,
    access: 'any',
    summary: 'Cancel an order without giving a reason.',
    headers: ['Idempotency-Key', 'traceparent'],
    responses: {
      200: { description: 'Cancelled, and all is compensated', schema: orderResponse },
      202: { description: 'Being compensated', schema: orderResponse },
    },
    problems: ['not_found', 'illegal_transition', 'idempotency_mismatch', 'idempotency_key_invalid', 'outcome_unknown'],
  },
  setStockBatch: {
    method: 'POST',
    path: '/api/v1/stock/batch',
    access: 'admin',
    summary: 'Set the stock of many products, each item as its PUT.',
    body: stockBatchRequest,
    example: { items: [{ productId: EXAMPLE_PRODUCT_ID, onHand: 100, lowStockThreshold: 10 }] },
    headers: ['Idempotency-Key'],
    responses: { 200: { description: 'A result per item, in their order', schema: stockBatchResponse } },
    problems: ['idempotency_key_invalid', 'idempotency_mismatch', 'outcome_unknown'],
  },
  setStock: {
    method: 'PUT',
    path: stock,
    access: 'admin',
    summary: 'Set what lies in a warehouse; creates the product where it had no stock before.',
    body: setStockRequest,
    example: { onHand: 100, lowStockThreshold: 10 },
    headers: ['Idempotency-Key'],
    responses: { 200: { description: 'The stock after it', schema: stockResponse } },
    problems: ['illegal_transition', 'idempotency_mismatch', 'idempotency_key_invalid', 'outcome_unknown'],
  },
  getStock: {
    method: 'GET',
    path: stock,
    access: 'staff',
    summary: 'The stock of one product.',
    responses: { 200: { description: 'The stock', schema: stockResponse } },
    problems: ['not_found'],
  },
  live: {
    method: 'GET',
    path: '/health/live',
    access: 'public',
    summary: 'Is the process sound?',
    responses: {
      200: { description: 'Yes', schema: healthResponse },
      503: { description: 'No', schema: healthResponse },
    },
  },
  ready: {
    method: 'GET',
    path: '/health/ready',
    access: 'public',
    summary: 'Is it fit to take work?',
    responses: {
      200: { description: 'Yes', schema: healthResponse },
      503: { description: 'No', schema: healthResponse },
    },
  },
  openApi: {
    method: 'GET',
    path: '/openapi.json',
    access: 'public',
    summary: 'This description.',
    responses: { 200: { description: 'OpenAPI 3.1' } },
  },
  asyncApi: {
    method: 'GET',
    path: '/asyncapi.json',
    access: 'public',
    summary: 'The messages over RabbitMQ: events out, commands in.',
    responses: { 200: { description: 'AsyncAPI 3.0' } },
  },
  contractSchema: {
    method: 'GET',
    path: '/contracts/{type}.schema.json',
    access: 'public',
    summary: 'The schema of the data of one type of event, such as order.created.v1.',
    responses: { 200: { description: 'JSON Schema 2020-12' } },
    problems: ['not_found'],
  },
  docs: {
    method: 'GET',
    path: '/docs',
    access: 'public',
    summary: 'This description, to read and to try.',
    responses: { 200: html },
  },
  docsAsset: {
    method: 'GET',
    path: '/docs/{file}',
    access: 'public',
    summary: 'What that page loads.',
    headers: ['If-None-Match'],
    responses: { 200: { description: 'The file' }, 304: { description: 'It has not changed' } },
    problems: ['not_found'],
  },
  root: {
    method: 'GET',
    path: '/',
    access: 'public',
    summary: 'Leads to /docs.',
    responses: { 302: { description: 'To /docs' } },
  },
} as const satisfies Readonly<Record<string, Operation>>;

/** It changes something, so it honours conditions: see command-source.ts. */
export const isMutation = ({ access, method }: Operation): boolean => access !== 'public' && method !== 'GET';

const CONDITIONS = ['If-Match', 'If-None-Match'] as const;

export function headersOf(operation: Operation): readonly RequestHeader[] {
  const { headers = [] } = operation;
  return isMutation(operation) ? [...headers, ...CONDITIONS] : headers;
}

export type OperationId = keyof typeof OPERATIONS;

type IdsWhere<A extends Access, Not extends boolean> = {
  [Id in OperationId]: (typeof OPERATIONS)[Id]['access'] extends A
    ? Not extends true
      ? never
      : Id
    : Not extends true
      ? Id
      : never;
}[OperationId];

export type PublicOperationId = IdsWhere<'public', false>;
export type ProtectedOperationId = IdsWhere<'public', true>;
