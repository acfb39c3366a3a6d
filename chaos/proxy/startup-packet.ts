/**
 * Reads a session's first bytes (PostgreSQL's frontend protocol 3, "StartupMessage"): an Int32 length, an Int32
 * version, then pairs of zero-terminated texts.
 */

const PROTOCOL_3_MAJOR = 3;
const HEADER_BYTES = 8;

/** The application_name that a session opens with; undefined while bytes are missing, or where it names none. */
export function applicationNameIn(bytes: Buffer): string | undefined {
  if (bytes.length < HEADER_BYTES || bytes.readUInt16BE(4) !== PROTOCOL_3_MAJOR) return undefined;
  const length = bytes.readInt32BE(0);
  if (bytes.length < length) return undefined;
  const texts = bytes.toString('utf8', HEADER_BYTES, length).split('\0');
  for (let index = 0; index + 1 < texts.length; index += 2) {
    if (texts[index] === 'application_name') return texts[index + 1];
  }
  return undefined;
}
