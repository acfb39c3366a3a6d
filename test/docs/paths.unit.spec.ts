/** The documents name files that exist: every path in backticks, every link, and every entry of an index. */
import { expect } from 'chai';
import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';

const DOCUMENTS = ['README.md', 'CHANGELOG.md', 'examples/README.md'];
const A_FILE = /^(?:[\w<>.-]+\/)*[\w<>.-]+\.(?:ts|mjs|js|py|md|json|yml|svg)$/;
const A_FOLDER = /^(?:[\w<>.-]+\/)+$/;

/** `<kind>` stands for each kind of actor. A name without a folder may stand anywhere. */
function isThere(name: string, basenames: ReadonlySet<string>): boolean {
  const real = name.replaceAll('<kind>', 'order');
  return real.includes('/') ? existsSync(real) : basenames.has(real);
}

function missingPaths(text: string, basenames: ReadonlySet<string>): string[] {
  const names = [...text.matchAll(/`([^`\s]+)`/g)].map(([, name = '']) => name);
  return names.filter((name) => (A_FILE.test(name) || A_FOLDER.test(name)) && !isThere(name, basenames));
}

/** The names of all files of the project, outside of what is installed, built or hidden. */
async function fileNames(): Promise<Set<string>> {
  const names = new Set<string>();
  for (const entry of await readdir('.', { withFileTypes: true })) {
    if (entry.name.startsWith('.') || entry.name === 'node_modules' || entry.name === 'dist') continue;
    const files = entry.isDirectory() ? await readdir(entry.name, { recursive: true }) : [entry.name];
    for (const file of files) names.add(path.basename(file));
  }
  return names;
}

/** The anchor that GitHub makes of a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}

function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchorOf(heading));
}

async function brokenLinks(document: string, text: string): Promise<string[]> {
  const broken: string[] = [];
  for (const [, link = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/.test(link)) continue;
    const [file = '', anchor] = link.split('#');
    const target = file === '' ? document : path.join(path.dirname(document), file);
    const found =
      existsSync(target) && (anchor === undefined || anchorsOf(await readFile(target, 'utf8')).includes(anchor));
    if (!found) broken.push(link);
  }
  return broken;
}

describe('The documents', () => {
  let documents: string[] = [];
  let basenames: ReadonlySet<string> = new Set();

  before(async () => {
    const pages = (await readdir('docs')).filter((name) => name.endsWith('.md'));
    documents = [...DOCUMENTS, ...pages.map((name) => `docs/${name}`)];
    basenames = await fileNames();
  });

  it('name only files and folders that exist', async () => {
    for (const document of documents) {
      expect(missingPaths(await readFile(document, 'utf8'), basenames), document).to.deep.equal([]);
    }
  });

  it('link only to pages and headings that exist', async () => {
    for (const document of documents) {
      expect(await brokenLinks(document, await readFile(document, 'utf8')), document).to.deep.equal([]);
    }
  });

  it('are found out when they name what is gone', () => {
    const text = 'See `domain/order.ts`, `actors/<kind>/decide.ts`, `gone-for-good.ts`, `main.ts`, `/docs` and `old/`.';
    expect(missingPaths(text, basenames)).to.deep.equal(['domain/order.ts', 'gone-for-good.ts', 'old/']);
  });

  it('list every decision in the index of decisions', async () => {
    const text = await readFile('docs/decisions.md', 'utf8');
    const headings = [...text.matchAll(/^## (\d+\. .*)$/gm)].map(([, heading]) => heading);
    const entries = [...text.matchAll(/^- \[(\d+\. .*)\]\(#/gm)].map(([, entry]) => entry);
    expect(entries).to.have.members(headings);
  });
});
