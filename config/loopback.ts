/**
 * Decides whether a host name means this machine alone. It judges only the text and resolves no name: an unknown name
 * counts as reachable by others, which is the safe mistake.
 */
import { isIPv4 } from 'node:net';

/** True for 127.0.0.0/8, ::1 and localhost. */
export function isLoopbackHost(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  return name === 'localhost' || name === '::1' || (isIPv4(name) && name.startsWith('127.'));
}
