/**
 * The error of an embedded PostgreSQL that cannot be started or kept alive. Its message is meant for an operator:
 * what was tried, what PostgreSQL said last, and the remedy. The way out that always works is DATABASE_URL.
 */
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError';
  readonly code = 'embedded_postgres_failed';
}
