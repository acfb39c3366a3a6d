/**
 * Owns `/asyncapi.json` and `/contracts/{type}.schema.json`: what goes over RabbitMQ, described like the HTTP API. The
 * schemas are where each message's `cloudEvents_dataschema` points. A name is looked up in a table, never in a folder.
 */
import { asyncApiDocument, type CommandDescription } from '../messaging/contracts/async-api.ts';
import { publishedSchemaTexts } from '../messaging/contracts/json-schemas.ts';
import type { PublicEventCatalogue } from '../messaging/contracts/public-event-catalogue.ts';
import { notFound } from './answer-problems.ts';
import { answerJsonText } from './answer.ts';
import type { Handler, PublicContext } from './edge-context.ts';

const SCHEMA_TYPE = 'application/schema+json';

export function createAsyncApi(
  events: PublicEventCatalogue,
  commands: readonly CommandDescription[],
): Handler<PublicContext> {
  let text: string | undefined;
  return (ctx) => {
    text ??= JSON.stringify(asyncApiDocument(events, commands));
    answerJsonText(ctx, 200, text);
  };
}

export function createContractSchema(events: PublicEventCatalogue): Handler<PublicContext> {
  let texts: ReadonlyMap<string, string> | undefined;
  return (ctx) => {
    texts ??= publishedSchemaTexts(events);
    const text = texts.get(ctx.params['type'] ?? '');
    if (text === undefined) throw notFound('schema');
    answerJsonText(ctx, 200, text, { 'Content-Type': SCHEMA_TYPE });
  };
}
