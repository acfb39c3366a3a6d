/**
 * An error that an operator must mend before a node can start: a setting, DATA_DIR, a second node.
 *
 * Its message is for a terminal: it names the setting, the fault and the remedy, and never the value of a secret. It is
 * shown without a stack.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'config_invalid';
}
