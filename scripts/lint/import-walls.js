/**
 * The lint rule that holds the walls of walls.js. It resolves each import to the folder it leads to, so it cannot
 * be passed by another spelling of the path, by `export from`, by `import()` or by a type import.
 */
import path from 'node:path';
import { FOLDERS, PACKAGES, PURE, PURE_MAY_IMPORT } from './walls.js';

const isPure = matcher(PURE);
const mayBePurelyImported = matcher(PURE_MAY_IMPORT);

/** Why `file` (relative to the root) may not import `specifier`; undefined if it may. */
function wallBetween(file, specifier) {
  const folder = topFolder(file);
  if (specifier.startsWith('.')) {
    const target = path.posix.normalize(path.posix.join(path.posix.dirname(file), specifier));
    if (isPure(file) && !mayBePurelyImported(target)) return `A decision imports decisions and kernel/; not ${target}.`;
    return wallBetweenFolders(folder, target);
  }
  if (isPure(file)) return `A decision is pure: it imports no packages and nothing of Node ("${specifier}").`;
  const allowed = PACKAGES[packageOf(specifier)];
  if (allowed === undefined || allowed.some((place) => file.startsWith(`${place}/`))) return undefined;
  return `${packageOf(specifier)} is imported only in ${allowed.map((place) => `${place}/`).join(', ')}.`;
}

function wallBetweenFolders(folder, target) {
  const allowed = FOLDERS[folder];
  if (allowed === undefined) return undefined;
  const targetFolder = topFolder(target);
  if (targetFolder === folder || allowed.includes(targetFolder)) return undefined;
  const list = allowed.map((name) => `${name}/`).join(', ') || 'nothing of ours';
  return `${folder}/ may import ${list}; not ${targetFolder === '' ? target : `${targetFolder}/`}.`;
}

/** Knows `*` within a segment, and `{a,b}`. */
function matcher(patterns) {
  const texts = patterns.map((pattern) => {
    const escaped = pattern.replaceAll('.', '\\.').replaceAll('*', '[^/]*');
    return escaped.replaceAll(/\{([^}]*)\}/g, (_, names) => `(?:${names.replaceAll(',', '|')})`);
  });
  const regex = new RegExp(`^(?:${texts.join('|')})$`);
  return (file) => regex.test(file);
}

/** '' for a file of the root itself. */
function topFolder(file) {
  return file.includes('/') ? file.slice(0, file.indexOf('/')) : '';
}

function packageOf(specifier) {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

export const importWalls = {
  meta: { type: 'problem', schema: [], messages: { wall: '{{reason}}' } },
  create(context) {
    const file = path.relative(context.cwd, context.filename).split(path.sep).join('/');
    const check = (node) => {
      if (typeof node.source?.value !== 'string') return;
      const reason = wallBetween(file, node.source.value);
      if (reason !== undefined) context.report({ node: node.source, messageId: 'wall', data: { reason } });
    };
    return {
      ImportDeclaration: check,
      ImportExpression: check,
      ExportAllDeclaration: check,
      ExportNamedDeclaration: check,
    };
  },
};
