/**
 * Owns `/docs/{file}`: the files that the documentation page loads, from the package swagger-ui-dist and from here. A
 * name is looked up in a table, never in a folder.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { notFound } from '../answer-problems.ts';
import { matchesNone } from '../entity-tag.ts';
import type { Handler, PublicContext } from '../edge-context.ts';

const PACKAGE = 'swagger-ui-dist';
/** An hour: an upgrade of the node is seen soon, and a reload asks by ETag. */
const CACHE_CONTROL = 'public, max-age=3600';

/** A validator elsewhere would be asked to check the document; the token is forgotten with the page. */
const START = `SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#reference',
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  validatorUrl: null,
});
`;

const SCRIPT = 'text/javascript; charset=utf-8';
const fromPackage = (name: string) => () => readFile(createRequire(import.meta.url).resolve(`${PACKAGE}/${name}`));

const FILES: Readonly<Record<string, { readonly type: string; readonly read: () => Promise<Buffer> }>> = {
  'start.js': { type: SCRIPT, read: () => Promise.resolve(Buffer.from(START)) },
  'swagger-ui-bundle.js': { type: SCRIPT, read: fromPackage('swagger-ui-bundle.js') },
  'swagger-ui.css': { type: 'text/css; charset=utf-8', read: fromPackage('swagger-ui.css') },
  'favicon-32x32.png': { type: 'image/png', read: fromPackage('favicon-32x32.png') },
};

interface Asset {
  readonly type: string;
  readonly zipped: Buffer;
  readonly plain: Buffer;
  readonly tag: string;
}

export function createDocsAsset(): Handler<PublicContext> {
  const assets = new Map<string, Promise<Asset>>();
  return async (ctx) => {
    const name = ctx.params['file'] ?? '';
    if (!Object.hasOwn(FILES, name)) throw notFound('file');
    let loading = assets.get(name);
    if (loading === undefined) assets.set(name, (loading = load(name)));
    const { plain, tag, type, zipped } = await loading;
    ctx.set({ 'Cache-Control': CACHE_CONTROL, ETag: tag, Vary: 'Accept-Encoding' });
    ctx.status = 200;
    if (matchesNone(ctx.headers['if-none-match'], tag)) {
      ctx.status = 304;
      return;
    }
    const takesGzip = ctx.acceptsEncodings('gzip', 'identity') === 'gzip';
    if (takesGzip) ctx.set('Content-Encoding', 'gzip');
    ctx.type = type;
    ctx.body = takesGzip ? zipped : plain;
  };
}

async function load(name: string): Promise<Asset> {
  const { read, type } = FILES[name]!;
  const plain = await read();
  const tag = `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`;
  return { type, plain, zipped: await promisify(gzip)(plain), tag };
}
