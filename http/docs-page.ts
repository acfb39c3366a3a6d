/**
 * Owns `/docs`: the same descriptions as `/openapi.json` and `/asyncapi.json`, to read. One page without scripts and
 * without anything from elsewhere. The `type` of every problem resolves to a paragraph of it.
 */
import { hash } from 'node:crypto';
import { PUBLIC_EVENTS, schemaPathOf } from '../messaging/contracts/public-events.ts';
import type { Handler, PublicContext } from './edge-context.ts';
import { OPERATIONS, type Operation } from './operations.ts';
import { openApiDocument, problemsOf, rolesOf } from './openapi.ts';
import { PROBLEMS } from './problems.ts';
import { COMMAND_MESSAGES } from './schemas/command-messages.ts';

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.5rem; }
article { border: 1px solid #8885; border-radius: .5rem; padding: .25rem 1rem 1rem; margin: 1rem 0; }
article h3 { font-family: ui-monospace, monospace; font-size: 1rem; }
pre { overflow-x: auto; background: #8881; padding: .75rem; border-radius: .5rem; font-size: .85rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #8883; vertical-align: top; }
:target { background: #fd04; }
`;

const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${hash('sha256', STYLE, 'base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export function createDocsPage(version: string): Handler<PublicContext> {
  let html: string | undefined;
  return (ctx) => {
    html ??= page(version);
    ctx.type = 'html';
    ctx.set('Content-Security-Policy', POLICY);
    ctx.body = html;
  };
}

function page(version: string): string {
  const operations = Object.values(OPERATIONS).map(operationArticle).join('\n');
  const problems = Object.entries(PROBLEMS)
    .map(([code, { status, title, retryable }]) => {
      return `<tr id="problem-${code}"><td>${status}</td><td><code>${code}</code></td><td>${escape(title)}</td><td>${retryable ? 'yes' : ''}</td></tr>`;
    })
    .join('\n');
  const { components } = openApiDocument(version) as { components: { schemas: Record<string, unknown> } };
  const schemas = Object.entries(components.schemas)
    .map(
      ([name, schema]) =>
        `<details id="schema-${name}"><summary><code>${name}</code></summary><pre>${escape(JSON.stringify(schema, null, 2))}</pre></details>`,
    )
    .join('\n');
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Holdfast</title><style>${STYLE}</style></head>
<body><h1>Holdfast ${escape(version)}</h1>
<p>For programs: <a href="/openapi.json">/openapi.json</a>, <a href="/asyncapi.json">/asyncapi.json</a>. Money is an integer of minor units with its ISO 4217 currency.
Errors are <code>application/problem+json</code> (RFC 9457). Every answer carries <code>Request-Id</code>.</p>
<h2>Operations</h2>
${operations}
<h2>Messages</h2>
${messageTables()}
<h2>Problems</h2>
<table><thead><tr><th>Status</th><th>Code</th><th>Meaning</th><th>Send it again?</th></tr></thead><tbody>
${problems}
</tbody></table>
<h2>Schemas</h2>
${schemas}
</body></html>
`;
}

function messageTables(): string {
  const events = Object.entries(PUBLIC_EVENTS).map(([type, { when }]) => {
    const name = `<code>${escape(type)}</code>`;
    return `<tr id="message-${escape(type)}"><td><a href="${escape(schemaPathOf(type))}">${name}</a></td><td>${escape(when)}</td></tr>`;
  });
  const commands = Object.entries(COMMAND_MESSAGES).map(([type, { summary }]) => {
    return `<tr id="message-${escape(type)}"><td><code>${escape(type)}</code></td><td>${escape(summary)}</td></tr>`;
  });
  return `<p>Over RabbitMQ. Events leave through the exchange <code>orders.events</code>, at least once and in order per
entity; the same event has the same <code>message-id</code> whenever it is sent again. Ignore members that you do not
know. Personal data are in none of them: read the order for its addresses.</p>
<table><thead><tr><th>Event, with its schema</th><th>When</th></tr></thead><tbody>
${events.join('\n')}
</tbody></table>
<p>Commands are taken from the exchange <code>orders.commands</code>; their <code>message-id</code> makes them
idempotent.</p>
<table><thead><tr><th>Command</th><th>What it does</th></tr></thead><tbody>
${commands.join('\n')}
</tbody></table>`;
}

function operationArticle(operation: Operation): string {
  const { access, headers = [], method, path, query, responses, summary } = operation;
  const facts: [string, string][] = [
    ['Who', access === 'public' ? 'everybody' : rolesOf(access).join(', ')],
    ['Headers', headers.join(', ')],
    ['Query', Object.keys(query?.shape ?? {}).join(', ')],
    [
      'Answers',
      Object.entries(responses)
        .map(([status, { description }]) => `${status} ${description}`)
        .join('; '),
    ],
    ['Problems', problemsOf(operation).join(', ')],
  ];
  const rows = facts
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `<tr><th>${name}</th><td>${escape(value)}</td></tr>`);
  return `<article><h3>${method} ${escape(path)}</h3><p>${escape(summary)}</p><table>${rows.join('')}</table></article>`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
