/**
 * Owns the published form of the public events' schemas: JSON Schema 2020-12, made from what the code checks itself by.
 * Published schemas are open: a consumer must ignore members that it does not know, or every addition would break it.
 */
import { z } from 'zod';
import type { PublicEventCatalogue } from './public-event-catalogue.ts';
import type { PublicEvent } from './public-event-definition.ts';

export type JsonSchema = { readonly [keyword: string]: unknown };

/** Where the edge serves the schema of an event's data; a message names it in `cloudEvents_dataschema`. */
export function schemaPathOf(type: string): string {
  return `/contracts/${type}.schema.json`;
}

/** With its name and address, as it is published. */
export function publishedSchema(event: PublicEvent): JsonSchema {
  const { $schema, ...rest } = dataSchema(event);
  const { routingKey, when } = event;
  return { $schema, $id: schemaPathOf(routingKey), title: routingKey, description: when, ...rest };
}

export function dataSchema({ schema }: PublicEvent): JsonSchema {
  return z.toJSONSchema(schema, {
    target: 'draft-2020-12',
    io: 'output',
    reused: 'inline',
    override: ({ jsonSchema }) => {
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
      // zod's own spelling of the format, which is longer than the rest together.
      if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
    },
  });
}

/** By routing key, for the edge: the text of `/contracts/<type>.schema.json`. */
export function publishedSchemaTexts(events: PublicEventCatalogue): ReadonlyMap<string, string> {
  return new Map(events.all.map((event) => [event.routingKey, JSON.stringify(publishedSchema(event))]));
}
