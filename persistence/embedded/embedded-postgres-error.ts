/**
 * The error of an embedded PostgreSQL that cannot be started or kept alive. Its message is for an operator: what was
 * tried, PostgreSQL's last log lines, and the remedy. DATABASE_URL always works.
 */
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError';
  readonly code = 'embedded_postgres_failed';
}
