/** Owns the operations of the node itself: its health, and the documents that describe it. */
import type { PublicEventCatalogue } from '../messaging/contracts/public-event-catalogue.ts';
import { createAsyncApi, createContractSchema } from './contracts.ts';
import { createDocsAsset } from './docs/docs-assets.ts';
import { createDocsPage, toDocs } from './docs/docs-page.ts';
import { createLive, createReady } from './health.ts';
import type { MessageCommand } from './message-command.ts';
import { createOpenApi } from './openapi.ts';
import { defineOperation, type OperationDefinition } from './operation-definition.ts';
import { healthResponse } from './schemas/responses.ts';

/** What goes over RabbitMQ, for the documents. */
export interface Described {
  readonly messages: readonly MessageCommand[];
  readonly events: PublicEventCatalogue;
}

/** @param all operations of the edge, these among them. Called once the list is complete. */
export function ownOperations(
  all: () => readonly OperationDefinition[],
  { messages, events }: Described,
): readonly OperationDefinition[] {
  const openApi = defineOperation({
    id: 'openApi',
    method: 'GET',
    path: '/openapi.json',
    access: 'public',
    summary: 'This description.',
    responses: { 200: { description: 'OpenAPI 3.1' } },
    handler: ({ version }) => createOpenApi(all, version),
  });
  const asyncApi = defineOperation({
    id: 'asyncApi',
    method: 'GET',
    path: '/asyncapi.json',
    access: 'public',
    summary: 'The messages over RabbitMQ: events out, commands in.',
    responses: { 200: { description: 'AsyncAPI 3.0' } },
    handler: () => createAsyncApi(events, messages),
  });
  const docs = defineOperation({
    id: 'docs',
    method: 'GET',
    path: '/docs',
    access: 'public',
    summary: 'This description, to read and to try.',
    responses: { 200: { description: 'A page for people' } },
    handler: ({ version }) => createDocsPage(() => ({ version, operations: all(), events, commands: messages })),
  });
  const contractSchema = defineOperation({
    id: 'contractSchema',
    method: 'GET',
    path: '/contracts/{type}.schema.json',
    access: 'public',
    summary: 'The schema of the data of one type of event, such as order.created.v1.',
    responses: { 200: { description: 'JSON Schema 2020-12' } },
    problems: ['not_found'],
    handler: () => createContractSchema(events),
  });
  return [live, ready, openApi, asyncApi, contractSchema, docs, docsAsset, root];
}

const live = defineOperation({
  id: 'live',
  method: 'GET',
  path: '/health/live',
  access: 'public',
  summary: 'Is the process sound?',
  responses: {
    200: { description: 'Yes', schema: healthResponse },
    503: { description: 'No', schema: healthResponse },
  },
  isPolled: true,
  handler: createLive,
});

const ready = defineOperation({
  id: 'ready',
  method: 'GET',
  path: '/health/ready',
  access: 'public',
  summary: 'Is it fit to take work?',
  responses: {
    200: { description: 'Yes', schema: healthResponse },
    503: { description: 'No', schema: healthResponse },
  },
  isPolled: true,
  handler: createReady,
});

const docsAsset = defineOperation({
  id: 'docsAsset',
  method: 'GET',
  path: '/docs/{file}',
  access: 'public',
  summary: 'What that page loads.',
  headers: ['If-None-Match'],
  responses: { 200: { description: 'The file' }, 304: { description: 'It has not changed' } },
  problems: ['not_found'],
  handler: createDocsAsset,
});

const root = defineOperation({
  id: 'root',
  method: 'GET',
  path: '/',
  access: 'public',
  summary: 'Leads to /docs.',
  responses: { 302: { description: 'To /docs' } },
  handler: () => toDocs,
});
