/**
 * A process whose event loop is always busy, as a worker's under load: turns of some milliseconds, in which it does not
 * listen. Tells its parent when it listens, and each client in which turn it was let in.
 */
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { Listeners } from '../../http/listeners.ts';

const TURN_MS = 5;
const [fds = '', connectionsMax = ''] = process.argv.slice(2);
let turns = 0;

const letIn = new WeakMap<Socket, number>();
const server = createServer((req, res) => res.end(String(letIn.get(req.socket))));
server.on('connection', (socket: Socket) => letIn.set(socket, turns));
server.once('listening', () => {
  turn();
  process.send?.('listening');
});
new Listeners(server, fds.split(',').map(Number), Number(connectionsMax));
process.on('disconnect', () => process.exit(0));

function turn(): void {
  const end = performance.now() + TURN_MS;
  while (performance.now() < end);
  turns++;
  setImmediate(turn);
}
