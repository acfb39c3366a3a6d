/**
 * The PostgreSQL of a run: an embedded one in a folder of its own, so that it may be killed. Its supervisor starts it
 * again, at the same socket, as it would for a node.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import type { Cleanup } from '../../bench/host/cleanup.ts';
import {
  type EmbeddedPostgres,
  removeEmbeddedCluster,
  startEmbeddedPostgres,
} from '../../persistence/embedded/embedded-postgres.ts';

const RESTART_TIMEOUT_MS = 60_000;
const POLL_MS = 20;

export class OwnDatabase {
  readonly #server: EmbeddedPostgres;

  private constructor(server: EmbeddedPostgres) {
    this.#server = server;
  }

  static async start(cleanup: Cleanup): Promise<OwnDatabase> {
    const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-chaos-db-'));
    cleanup.add(() => rm(folder, { recursive: true, force: true }));
    const starting = startEmbeddedPostgres({ dataDir: folder, runtimeDir: folder, log: pino({ level: 'silent' }) });
    cleanup.add(async () => {
      const server = await starting.catch(() => undefined);
      await server?.stop();
      await removeEmbeddedCluster(folder);
    });
    return new OwnDatabase(await starting);
  }

  /** The way around the proxies, for the judge alone. */
  get url(): string {
    return this.#server.url;
  }

  get pid(): number {
    return this.#server.pid;
  }

  get socketPath(): string {
    const url = new URL(this.#server.url);
    return path.join(url.searchParams.get('host')!, `.s.PGSQL.${url.port}`);
  }

  /** The same database by way of a proxy's port. */
  urlThrough(port: number): string {
    const { username, pathname } = new URL(this.#server.url);
    return `postgres://${username}@127.0.0.1:${port}${pathname}?sslmode=disable`;
  }

  /** Kills the postmaster; its supervisor starts it again. */
  kill(): void {
    process.kill(this.pid, 'SIGKILL');
  }

  /** Resolves when another postmaster than `pid` answers. @throws Error where it doesn't come back. */
  async restarted(pid: number): Promise<void> {
    const deadlineMs = performance.now() + RESTART_TIMEOUT_MS;
    while (this.pid === pid) {
      if (performance.now() > deadlineMs) throw new Error('PostgreSQL was not started again by its supervisor');
      await sleep(POLL_MS);
    }
  }
}
