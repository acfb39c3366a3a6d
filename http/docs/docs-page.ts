/**
 * Owns `/docs`: the API reference (Swagger UI over `/openapi.json`, from this server alone), the messages over RabbitMQ
 * and the table of problems. The `type` of every problem resolves to a row of it.
 */
import { hash } from 'node:crypto';
import { schemaPathOf } from '../../messaging/contracts/json-schemas.ts';
import type { PublicEventCatalogue } from '../../messaging/contracts/public-event-catalogue.ts';
import type { CommandDescription } from '../../messaging/contracts/async-api.ts';
import type { Handler, PublicContext } from '../edge-context.ts';
import { allProblems } from '../openapi.ts';
import type { OperationDefinition } from '../operation-definition.ts';
import type { ProblemKind } from '../problems.ts';

const STYLE = `
:root { color-scheme: light; font: 16px/1.5 system-ui, sans-serif; color: #222; background: #fff; }
body { max-width: 75rem; margin: 0 auto; padding: 0 1rem 4rem; }
header { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; align-items: baseline; padding: 1rem 0; border-bottom: 1px solid #ddd; }
header h1 { margin: 0; font-size: 1.5rem; }
h2 { margin-top: 2.5rem; }
a { color: #0b5cad; }
code { font-size: .9em; }
pre { overflow-x: auto; background: #f4f4f4; padding: .75rem; border-radius: .5rem; font-size: .85rem; }
table.plain { border-collapse: collapse; width: 100%; }
.plain th, .plain td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #ddd; vertical-align: top; }
.plain tr:target { background: #fd04; }
.swagger-ui .wrapper { padding: 0; }
.swagger-ui .info { margin: 1rem 0; }
`;

/** Swagger UI draws its icons from data: URLs. It needs no inline script and no inline style. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  `style-src 'self' 'sha256-${hash('sha256', STYLE, 'base64')}'`,
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export interface Shown {
  readonly version: string;
  readonly operations: readonly OperationDefinition[];
  readonly events: PublicEventCatalogue;
  /** By message. */
  readonly commands: readonly CommandDescription[];
}

/** @param shown called at the first request. */
export function createDocsPage(shown: () => Shown): Handler<PublicContext> {
  let html: string | undefined;
  return (ctx) => {
    html ??= page(shown());
    ctx.type = 'html';
    ctx.set('Content-Security-Policy', POLICY);
    ctx.body = html;
  };
}

/** `GET /`: who opens the address of a node in a browser wants to know what it is. */
export const toDocs: Handler<PublicContext> = (ctx) => {
  ctx.redirect('/docs');
};

function page({ version, operations, events, commands }: Shown): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Holdfast API</title>
<link rel="icon" href="/docs/favicon-32x32.png"><link rel="stylesheet" href="/docs/swagger-ui.css"><style>${STYLE}</style></head>
<body><header><h1>Holdfast ${escape(version)}</h1>
<a href="#reference">HTTP API</a> <a href="#messages">Messages</a> <a href="#problems">Problems</a>
<a href="/openapi.json">openapi.json</a> <a href="/asyncapi.json">asyncapi.json</a></header>
<p>Money is an integer of minor units with its ISO 4217 currency. Errors are <code>application/problem+json</code> (RFC
9457). Every answer carries <code>Request-Id</code>. To try an operation, press <b>Authorize</b> and paste a token:
<code>npm run -s token -- --role admin --sub me</code> prints one on a node that signs its own.</p>
<div id="reference"><noscript>The reference needs JavaScript; <a href="/openapi.json">openapi.json</a> says the same.</noscript></div>
<h2 id="messages">Messages</h2>
${messageTables(events, commands)}
<h2 id="problems">Problems</h2>
${problemTable(allProblems(operations))}
<script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script>
</body></html>
`;
}

function problemTable(problems: readonly ProblemKind[]): string {
  const rows = problems.map(({ code, status, title, retryable }) => {
    const again = retryable ? 'yes' : '';
    return `<tr id="problem-${code}"><td>${status}</td><td><code>${code}</code></td><td>${escape(title)}</td><td>${again}</td></tr>`;
  });
  return table(['Status', 'Code', 'Meaning', 'Send it again?'], rows);
}

function messageTables({ all }: PublicEventCatalogue, taken: readonly CommandDescription[]): string {
  const events = all.map(({ routingKey: type, when }) => {
    const name = `<code>${escape(type)}</code>`;
    return `<tr id="message-${escape(type)}"><td><a href="${escape(schemaPathOf(type))}">${name}</a></td><td>${escape(when)}</td></tr>`;
  });
  const commands = taken.map(({ routingKey, summary }) => {
    const name = escape(routingKey);
    return `<tr id="message-${name}"><td><code>${name}</code></td><td>${escape(summary)}</td></tr>`;
  });
  return `<p>Over RabbitMQ. Events leave through the exchange <code>orders.events</code>, at least once and in order per
entity; the same event has the same <code>message-id</code> whenever it is sent again. Ignore members that you do not
know. Personal data are in none of them: read the order for its addresses.</p>
${table(['Event, with its schema', 'When'], events)}
<p>Commands are taken from the exchange <code>orders.commands</code>; their <code>message-id</code> makes them
idempotent.</p>
${table(['Command', 'What it does'], commands)}`;
}

function table(heads: readonly string[], rows: readonly string[]): string {
  const head = heads.map((text) => `<th>${text}</th>`).join('');
  return `<table class="plain"><thead><tr>${head}</tr></thead><tbody>\n${rows.join('\n')}\n</tbody></table>`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
