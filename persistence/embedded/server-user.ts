/** Chooses the unprivileged user that runs the server when we are root: PostgreSQL refuses to run as root. */
import { readFile } from 'node:fs/promises';
import { EmbeddedPostgresError } from './embedded-postgres-error.ts';

export interface ServerUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** The first that exists runs a new cluster. */
const SERVER_USERS = ['postgres', '_postgres', 'nobody'];

/**
 * @param ownerUid of a cluster that exists: its files stay their owner's, also where a better user came later
 * @returns undefined when that owner is none of the users that run servers: then it is an ordinary user's cluster
 * @throws EmbeddedPostgresError on a system without such a user
 */
export async function findServerUser(ownerUid?: number): Promise<ServerUser | undefined> {
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '');
  const lines = passwd.split('\n').map((line) => line.split(':'));
  const users = SERVER_USERS.flatMap((wanted) => {
    const [name, , uid, gid] = lines.find((fields) => fields[0] === wanted) ?? [];
    // macOS writes the ids of the user `nobody` as -2.
    return name === undefined ? [] : [{ name, uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 }];
  });
  if (ownerUid !== undefined) return users.find(({ uid }) => uid === ownerUid);
  if (users[0]) return users[0];
  throw new EmbeddedPostgresError(
    `PostgreSQL does not run as root, and this system has no user ${SERVER_USERS.join(' or ')}. ` +
      'Start as an ordinary user, or set DATABASE_URL.',
  );
}
