/** Owns the reading of a query: decoded strictly, each parameter once. */
import { invalidInput } from './parse-input.ts';
import { screenText } from './text-screen.ts';
import { childPointer } from './json-pointer.ts';

const PARAMETERS_MAX = 20;

/** Empty values count as left out. @throws Problem validation_failed. */
export function parseQuery(query: string): Record<string, string> {
  const parameters = new Map<string, string>();
  for (const part of query === '' ? [] : query.split('&', PARAMETERS_MAX + 1)) {
    const equals = part.indexOf('=');
    const name = decode(equals < 0 ? part : part.slice(0, equals));
    const value = decode(equals < 0 ? '' : part.slice(equals + 1));
    if (value === '') continue;
    if (parameters.has(name) || parameters.size >= PARAMETERS_MAX) {
      throw invalidInput(
        [{ pointer: childPointer('', name), code: 'repeated', detail: 'may be given once' }],
        'The query',
      );
    }
    parameters.set(name, value);
  }
  return Object.fromEntries(parameters);
}

function decode(text: string): string {
  try {
    const decoded = decodeURIComponent(text.replaceAll('+', ' '));
    screenText(decoded, '');
    return decoded;
  } catch {
    const detail = 'is not well-formed UTF-8 in percent-encoding';
    throw invalidInput([{ pointer: '', code: 'ill_formed_text', detail }], 'The query');
  }
}
