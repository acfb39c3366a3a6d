/**
 * Decides who may talk to the admin port before any token: other sites can lead browsers there (DNS rebinding, frames,
 * forms), and other machines see less than this one.
 */
import { hostname } from 'node:os';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { isLoopbackHost } from '../../config/loopback.ts';

export const ADMIN_HEADERS = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
};

/**
 * A site whose name leads here shows that name in `Host`. An IP address is no such name, nor is this machine's own. A
 * client without `Host` (HTTP/1.0) is no browser.
 */
export function isOwnHost(header: string | undefined, adminHost: string): boolean {
  if (header === undefined) return true;
  const name = nameOf(header);
  return isLoopbackHost(name) || isIP(name) !== 0 || name === nameOf(adminHost) || name === hostname().toLowerCase();
}

/** Sent by a page of another origin. Tools send neither header. */
export function isCrossSite({ host, origin, ...headers }: IncomingHttpHeaders): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  return origin !== undefined && origin !== `http://${host ?? ''}`;
}

/** Headers by which proxies say that they speak for others. A proxy that adds none looks like a local caller. */
const PROXY_HEADER = /^(?:forwarded|via|x-real-ip|x-forwarded-.*|x-client-ip|true-client-ip|cf-connecting-ip)$/;

/** A proxy on this machine speaks for others. */
export function comesFromHere({ headers, socket }: IncomingMessage): boolean {
  for (const name in headers) if (PROXY_HEADER.test(name)) return false;
  return isLoopbackHost((socket.remoteAddress ?? '').replace(/^::ffff:/, ''));
}

/** Without the port and the brackets of IPv6. */
function nameOf(host: string): string {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(host) ?? [];
  return (bracketed ?? plain ?? host).toLowerCase();
}
