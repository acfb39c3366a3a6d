/**
 * The error of everything an operator has to put right before a node can start: a setting, DATA_DIR, a second node.
 *
 * Its message is meant for a terminal: it names the setting, what is wrong with it and the remedy, and never
 * contains the value of a secret. It needs no stack trace beside it.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'config_invalid';
}
