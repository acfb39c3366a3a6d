/**
 * Owns the AsyncAPI 3.0 document: what this program sends to and receives from RabbitMQ. Made of the same schemas that
 * the messages are made and checked by. The commands' schemas come in as arguments: they are the edge's.
 */
import { z } from 'zod';
import { dataSchema, type JsonSchema } from './json-schemas.ts';
import type { PublicEventCatalogue } from './public-event-catalogue.ts';
import type { PublicEvent } from './public-event-definition.ts';
import { sampleDocument, sampleMessageOf } from './samples.ts';

type Json = Readonly<Record<string, unknown>>;

/** A command that is taken from RabbitMQ. */
export interface CommandDescription {
  readonly routingKey: string;
  /** What it does, and what its sender must know. */
  readonly summary: string;
  readonly body: z.ZodObject;
}

/** Of the contract, not of the program: an addition raises the second number. */
const CONTRACT_VERSION = '1.0.0';
const EVENTS_EXCHANGE = 'orders.events';
const COMMANDS_EXCHANGE = 'orders.commands';
const BINDING_VERSION = '0.3.0';

const DESCRIPTION = `Events are sent at least once, in order per entity (\`cloudEvents_subject\`, counted by \
\`entity-version\`), none skipped; the same event has the same \`message-id\` whenever it is sent again. Consumers must \
ignore members that they do not know. What breaks a consumer comes as a new major version beside the old one.

Commands are idempotent by their \`message-id\`, which is required. With \`reply-to\` and \`correlation-id\` the outcome \
is answered: \`{ "ok": true, "order": ... }\` or \`{ "ok": false, "problem": ... }\`, as the HTTP API shows them.`;

export function asyncApiDocument(events: PublicEventCatalogue, commands: readonly CommandDescription[]): Json {
  const schemas: Record<string, JsonSchema> = {};
  const channels: Record<string, Json> = {};
  const operations: Record<string, Json> = {};
  const messages: Record<string, Json> = {};
  const add = (type: string, message: Json, direction: Direction): void => {
    messages[type] = message;
    channels[type] = channelObject(type, direction);
    operations[`${direction.verb}.${type}`] = operationObject(type, direction);
  };
  for (const event of events.all) {
    const { $schema: _dialect, ...schema } = dataSchema(event);
    schemas[event.routingKey] = schema;
    add(event.routingKey, eventMessage(events, event), OUT);
  }
  for (const command of commands) {
    Object.assign(schemas, commandSchemas(command));
    add(command.routingKey, commandMessage(command), IN);
  }
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Holdfast',
      version: CONTRACT_VERSION,
      description: DESCRIPTION,
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    defaultContentType: 'application/json',
    servers: {
      rabbitmq: {
        host: '{host}',
        protocol: 'amqp',
        protocolVersion: '0-9-1',
        description: 'The RabbitMQ of AMQP_URL',
        variables: { host: { default: 'localhost:5672' } },
      },
    },
    channels,
    operations,
    components: {
      messages,
      messageTraits: { cloudEvent: { headers: ref('schemas', 'CloudEventHeaders') } },
      schemas: { ...schemas, CloudEventHeaders: EVENT_HEADERS },
    },
  };
}

interface Direction {
  readonly verb: 'send' | 'receive';
  readonly exchange: string;
  readonly binding: Json;
}

const OUT: Direction = {
  verb: 'send',
  exchange: EVENTS_EXCHANGE,
  binding: { deliveryMode: 2, mandatory: true, timestamp: true, bindingVersion: BINDING_VERSION },
};
const IN: Direction = {
  verb: 'receive',
  exchange: COMMANDS_EXCHANGE,
  binding: { ack: true, bindingVersion: BINDING_VERSION },
};

/** A routing key is a channel: consumers bind their queue with it. */
function channelObject(type: string, { exchange }: Direction): Json {
  return {
    address: type,
    messages: { [type]: ref('messages', type) },
    bindings: {
      amqp: {
        is: 'routingKey',
        exchange: { name: exchange, type: 'topic', durable: true, autoDelete: false, vhost: '/' },
        bindingVersion: BINDING_VERSION,
      },
    },
  };
}

function operationObject(type: string, { verb, binding }: Direction): Json {
  const channel = `#/channels/${type}`;
  return {
    action: verb,
    channel: { $ref: channel },
    messages: [{ $ref: `${channel}/messages/${type}` }],
    bindings: { amqp: binding },
  };
}

function eventMessage(events: PublicEventCatalogue, event: PublicEvent): Json {
  const { routingKey: type, when } = event;
  const { headers, body } = sampleDocument(sampleMessageOf(events, event));
  return {
    name: type,
    summary: when,
    contentType: 'application/json',
    traits: [ref('messageTraits', 'cloudEvent')],
    payload: ref('schemas', type),
    bindings: { amqp: { messageType: type, bindingVersion: BINDING_VERSION } },
    examples: [{ headers, payload: body }],
  };
}

function commandMessage({ routingKey: type, summary }: CommandDescription): Json {
  return {
    name: type,
    summary,
    contentType: 'application/json',
    payload: ref('schemas', type),
    bindings: { amqp: { messageType: type, bindingVersion: BINDING_VERSION } },
  };
}

/** As it is sent: with optional members for defaults. Named parts of it become schemas beside it. */
function commandSchemas({ routingKey, body }: CommandDescription): Record<string, JsonSchema> {
  const { $defs, ...own } = z.toJSONSchema(body, { io: 'input', unrepresentable: 'any' });
  return Object.fromEntries(
    Object.entries({ ...$defs, [routingKey]: own }).map(([name, schema]) => {
      const { $schema: _dialect, $id: _id, id: _name, ...rest } = schema as JsonSchema;
      return [name, JSON.parse(JSON.stringify(rest).replaceAll('"#/$defs/', '"#/components/schemas/')) as JsonSchema];
    }),
  );
}

function ref(kind: 'messages' | 'messageTraits' | 'schemas', name: string): Json {
  return { $ref: `#/components/${kind}/${name}` };
}

const EVENT_HEADERS: JsonSchema = {
  type: 'object',
  properties: {
    cloudEvents_specversion: { const: '1.0' },
    cloudEvents_id: { type: 'string', description: 'The message-id' },
    cloudEvents_source: {
      type: 'string',
      format: 'uri',
      description: 'The deployment: its PUBLIC_URL, or else urn:uuid: and its id',
    },
    cloudEvents_type: { type: 'string', description: 'The routing key' },
    cloudEvents_subject: { type: 'string', description: 'The entity that it happened to' },
    cloudEvents_time: { type: 'string', format: 'date-time', description: 'When it was decided; UTC' },
    cloudEvents_dataschema: {
      type: 'string',
      format: 'uri',
      description:
        'Where the HTTP API serves the schema of the body; without PUBLIC_URL urn:holdfast:schema: and the type',
    },
    'entity-version': {
      type: 'integer',
      description: 'Rises per entity, with gaps: not all that happens is public. Events of one decision share it',
    },
    shard: { type: 'integer', description: 'Where in the journal it stands' },
    'shard-seq': { type: 'string', description: 'Its row in the shard: 64 bits, as text' },
    'causation-id': { type: 'string', description: 'The command that caused it' },
    traceparent: { type: 'string', description: 'W3C Trace Context, where there is one' },
  },
  required: [
    'cloudEvents_specversion',
    'cloudEvents_id',
    'cloudEvents_source',
    'cloudEvents_type',
    'cloudEvents_subject',
    'cloudEvents_time',
    'cloudEvents_dataschema',
    'entity-version',
    'shard',
    'shard-seq',
    'causation-id',
  ],
};
