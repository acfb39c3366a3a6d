/** Lint: type-aware rules for all of the TypeScript, and the walls between the folders (scripts/lint/walls.js). */
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';
import { importWalls } from './scripts/lint/import-walls.js';
import { PURE } from './scripts/lint/walls.js';

const SPECS = ['**/*.spec.ts', 'test/**/*.ts'];

/** What would make a decision depend on when and where it is made. */
const IMPURE_IN_DECISIONS = [
  { selector: 'NewExpression[callee.name="Date"][arguments.length=0]', message: 'Time comes in with the command.' },
  { selector: 'CallExpression[callee.name="Date"]', message: 'Time comes in with the command.' },
  {
    selector: 'MemberExpression[object.name="Date"][property.name="now"]',
    message: 'Time comes in with the command.',
  },
  {
    selector: 'MemberExpression[object.name="Math"][property.name="random"]',
    message: 'Chance comes in with the command.',
  },
];

const IMPURE_GLOBALS = ['crypto', 'performance', 'process', 'fetch', 'setTimeout', 'setInterval', 'setImmediate'].map(
  (name) => ({
    name,
    message: 'A decision has no ids, no clock and no I/O of its own: they come in with the command.',
  }),
);

/** Without the clock a part can't be tested or simulated on a time of its own. */
const BY_THE_CLOCK = 'Time and timers come from the Clock that is handed in (kernel/clock.ts).';
const TIMER_GLOBALS = [
  ...['performance', 'setTimeout', 'setInterval', 'setImmediate'],
  ...['clearTimeout', 'clearInterval', 'clearImmediate'],
].map((name) => ({ name, message: BY_THE_CLOCK }));
const TIME = [
  'NewExpression[callee.name="Date"][arguments.length=0]',
  'CallExpression[callee.name="Date"]',
  'MemberExpression[object.name="Date"][property.name="now"]',
  'ImportDeclaration[source.value=/^(node:)?timers(\\u002Fpromises)?$/]',
  'ImportDeclaration[source.value=/^(node:)?perf_hooks$/] ImportSpecifier[imported.name="performance"]',
].map((selector) => ({ selector, message: BY_THE_CLOCK }));
/** They measure, load or script the program from outside. */
const OUTSIDE = ['bench', 'chaos', 'commands', 'scripts', 'examples', 'migrations'].map(
  (folder) => `${folder}/**/*.ts`,
);

const ENVIRONMENT = [
  {
    selector: 'MemberExpression[object.name="process"][property.name="env"]',
    message: 'Settings are read in config/ and handed on.',
  },
  {
    selector: 'ImportDeclaration[source.value=/^(node:)?process$/] ImportSpecifier[imported.name="env"]',
    message: 'Settings are read in config/ and handed on.',
  },
];

/** What neither the compiler nor the typed rules see. */
const MISTAKES = {
  eqeqeq: 'error',
  'no-async-promise-executor': 'error',
  'no-cond-assign': 'error',
  'no-constant-binary-expression': 'error',
  'no-debugger': 'error',
  'no-empty': 'error',
  'no-fallthrough': 'error',
  'no-loss-of-precision': 'error',
  'no-self-compare': 'error',
  'no-sparse-arrays': 'error',
  'no-template-curly-in-string': 'error',
  'no-unsafe-finally': 'error',
  'no-useless-escape': 'error',
  'no-var': 'error',
  'prefer-const': 'error',
  'use-isnan': 'error',
};

const LINES_MAX = 400;
const FUNCTION_LINES_MAX = 70;

/** The limits on length, of files that are no specs. */
function limits(files, { file = LINES_MAX, fn = FUNCTION_LINES_MAX } = {}) {
  const rules = { 'max-lines': ['error', file], 'max-lines-per-function': ['error', fn] };
  return { files: [files], ignores: SPECS, rules };
}

/** What is longer still, as long as it is: none may grow, and no other may join. */
const LONGER = [
  limits('bench/round.ts', { fn: 71 }),
  limits('chaos/chaos-run.ts', { fn: 82 }),
  limits('examples/send-command.ts', { fn: 75 }),
  limits('main.ts', { fn: 119 }),
  limits('messaging/relay/event-relay.ts', { file: 441 }),
  limits('migrations/0001-journal.ts', { fn: 77 }),
  limits('runtime/entity/entity-shell.ts', { file: 719 }),
  limits('runtime/sharding/ownership.ts', { file: 406 }),
  limits('runtime/sharding/shard-region.ts', { file: 554 }),
  limits('worker.ts', { file: 438, fn: 308 }),
];

export default defineConfig(
  globalIgnores(['dist/', '.build/', '.holdfast/', 'coverage/']),
  { rules: MISTAKES },
  limits('**/*.{ts,js,mjs,cjs}'),
  ...LONGER,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    plugins: { walls: { rules: { imports: importWalls } } },
    rules: {
      'no-restricted-globals': ['error', ...TIMER_GLOBALS],
      'no-restricted-syntax': ['error', ...ENVIRONMENT, ...TIME],
      'walls/imports': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
      '@typescript-eslint/only-throw-error': 'error',
      // A method of an interface may be async before it has anything to wait for.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: PURE,
    rules: {
      'no-restricted-syntax': ['error', ...ENVIRONMENT, ...IMPURE_IN_DECISIONS],
      'no-restricted-globals': ['error', ...IMPURE_GLOBALS],
    },
  },
  { files: ['config/**/*.ts'], rules: { 'no-restricted-syntax': ['error', ...TIME] } },
  {
    files: OUTSIDE,
    rules: { 'no-restricted-globals': 'off', 'no-restricted-syntax': ['error', ...ENVIRONMENT] },
  },
  { files: ['bench/**/*.ts', 'examples/**/*.ts'], rules: { 'no-restricted-syntax': 'off' } },
  { files: ['kernel/clock.ts'], rules: { 'no-restricted-globals': 'off', 'no-restricted-syntax': 'off' } },
  {
    files: SPECS,
    rules: {
      'no-restricted-syntax': 'off',
      'no-restricted-globals': 'off',
      'walls/imports': 'off',
      // chai asserts by reading a property.
      '@typescript-eslint/no-unused-expressions': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    files: ['**/*.{js,mjs,cjs}'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        Buffer: 'readonly',
        setTimeout: 'readonly',
        URL: 'readonly',
      },
    },
    rules: { 'no-undef': 'error', 'no-unused-vars': 'error' },
  },
  {
    files: ['scripts/**/*.mjs'],
    languageOptions: { globals: { setInterval: 'readonly', clearInterval: 'readonly' } },
  },
  {
    // Read by the Node that it refuses.
    files: ['scripts/bootstrap.mjs'],
    languageOptions: { ecmaVersion: 2020 },
  },
  {
    files: ['**/*.cjs'],
    languageOptions: { globals: { require: 'readonly', module: 'writable' } },
  },
);
