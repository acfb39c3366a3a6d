/** One node's only way to PostgreSQL. */
import { DatabaseSession } from './database-session.ts';
import type { ServerAddress } from './proxied-connection.ts';
import { TcpProxy } from './tcp-proxy.ts';

/** Appends and the taking of shards go over these. */
const JOURNAL_SESSION = /\/journal$/;

export class DatabaseProxy extends TcpProxy<DatabaseSession> {
  static open(server: ServerAddress): Promise<DatabaseProxy> {
    return new DatabaseProxy(server, DatabaseSession).listen();
  }

  get journalSessions(): readonly DatabaseSession[] {
    return this.connections.filter(({ name }) => JOURNAL_SESSION.test(name));
  }
}
