/**
 * Owns the published form of the public events' schemas: JSON Schema 2020-12, made from what the code checks itself by.
 * Published schemas are open: a consumer must ignore members that it does not know, or every addition would break it.
 */
import { z } from 'zod';
import { PUBLIC_EVENT_TYPES, PUBLIC_EVENTS, schemaPathOf, type PublicEventType } from './public-events.ts';

export type JsonSchema = { readonly [keyword: string]: unknown };

/** With its name and address, as it is published. */
export function publishedSchema(type: PublicEventType): JsonSchema {
  const { $schema, ...rest } = dataSchema(type);
  return { $schema, $id: schemaPathOf(type), title: type, description: PUBLIC_EVENTS[type].when, ...rest };
}

export function dataSchema(type: PublicEventType): JsonSchema {
  return z.toJSONSchema(PUBLIC_EVENTS[type].data, {
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

/** By name, for the edge: the text of `/contracts/<type>.schema.json`. */
export function publishedSchemaTexts(): ReadonlyMap<string, string> {
  return new Map(PUBLIC_EVENT_TYPES.map((type) => [type, JSON.stringify(publishedSchema(type))]));
}
