/** Owns the form of problems and of health, for the OpenAPI document and for tests. Answers are built elsewhere and not parsed. */
import { z } from 'zod';

export const problemResponse = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string(),
    code: z.string(),
    requestId: z.string(),
    retryable: z.boolean(),
    errors: z.array(z.strictObject({ pointer: z.string(), code: z.string(), detail: z.string() })).optional(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457' });

export const healthResponse = z
  .strictObject({
    status: z.enum(['ok', 'degraded', 'unavailable']),
    checks: z.record(
      z.string(),
      z.strictObject({
        status: z.enum(['up', 'degraded', 'down']),
        latencyMs: z.number().optional(),
        since: z.string().optional(),
        detail: z.string().optional(),
      }),
    ),
  })
  .meta({ id: 'Health' });
