/**
 * A message's body comes as its bytes. By itself rabbitmq-client parses what says that it is JSON as soon as it is
 * complete, whatever its size and shape: 16 MiB of "[" stop a worker for seconds.
 */
import type { Channel, Connection } from 'rabbitmq-client';

/** The client parses by these fields of a message, just before it hands it over. */
interface HeaderFrame {
  readonly fields: { contentType?: string; givenContentType?: string };
}

/** What the client does with the first frame of a message's content. */
interface ChannelInternals {
  _onHeader(frame: HeaderFrame): void;
}

/** The connection, whose channels hand over bodies as they came. @throws where the client keeps this elsewhere. */
export function withRawBodies(connection: Connection): Connection {
  return Object.create(connection, {
    acquire: {
      value: async (...options: Parameters<Connection['acquire']>) => keepBodies(await connection.acquire(...options)),
    },
  }) as Connection;
}

function keepBodies(channel: Channel): Channel {
  const internals = channel as unknown as ChannelInternals;
  const onHeader = internals._onHeader.bind(internals);
  internals._onHeader = (frame) => {
    const { fields } = frame;
    if (fields.contentType !== undefined) {
      fields.givenContentType = fields.contentType;
      delete fields.contentType;
    }
    onHeader(frame);
  };
  return channel;
}

/** The message as its sender described it. */
export function withGivenType<Message extends { contentType?: string }>(message: Message): Message {
  const { givenContentType, ...rest } = message as Message & { givenContentType?: string };
  return givenContentType === undefined ? message : { ...(rest as Message), contentType: givenContentType };
}
