/** A request as it goes over the wire; latin1 but for its body. @param port of the service on this machine. */
export function requestText(
  port: number,
  method: string,
  path: string,
  token: string,
  { body = '', headers = [] }: { readonly body?: string; readonly headers?: readonly string[] } = {},
): string {
  const lines = [
    `${method} ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    `Authorization: Bearer ${token}`,
    ...(body === '' ? [] : ['Content-Type: application/json']),
    ...(method === 'GET' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]),
    ...headers,
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}
