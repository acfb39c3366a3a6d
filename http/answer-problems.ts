/**
 * Owns the translation of what actors answer, other than success, into problems. Three kinds of promise are kept
 * apart: a refusal (a rule said no), "nothing was applied" (429 and 503), and "not known" (504).
 */
import type { Answer } from '../runtime/ask.ts';
import type { TooManyKeys } from '../runtime/entity/entity-shell.ts';
import type { PreconditionFailed } from '../runtime/precondition.ts';
import type { Refusal } from '../kernel/decider.ts';
import { entityTag } from './entity-tag.ts';
import { Problem } from './problems.ts';

export interface AskContext {
  /** The caller gave the request a key: the same request may be sent again safely. */
  readonly keyed: boolean;
  /** As the caller calls its key. Default: Idempotency-Key. */
  readonly keyName?: string | undefined;
  /** Members of the problem where the outcome is unknown: where to look for it. */
  readonly whereToLook?: Readonly<Record<string, string>>;
}

/** Who was asked. */
export interface Answerer {
  /** Names it in a sentence: 'order', 'stock item'. */
  readonly name: string;
  /** The problem of a refusal that only this kind of entity gives; undefined for one that no request can meet. */
  readonly problemOf?: (refusal: Refusal) => Problem | undefined;
}

const HTTP_KEY_NAME = 'Idempotency-Key';

type Unanswered = Exclude<Answer, { kind: 'done' }>;

/** A person has to repair the record first. */
const QUARANTINE_RETRY_SECONDS = 60;
const RETRY_SPREAD_SECONDS = 3;
let turn = 0;

/** 1, 2, 3, 1, ...: clients that were refused together should not come back together. */
export function retryAfterSeconds(): number {
  turn = (turn + 1) % RETRY_SPREAD_SECONDS;
  return 1 + turn;
}

export function problemOfAnswer(answer: Unanswered, answerer: Answerer, context: AskContext): Problem {
  if (answer.kind === 'rejected') return problemOfRefusal(answer.refusal, answerer, context);
  return problemOfFailure(answer, answerer.name, context);
}

/** What an entity of any kind may refuse by. */
type CommonRefusal =
  PreconditionFailed | TooManyKeys | { readonly code: 'not_found' } | { readonly code: 'idempotency_mismatch' };

function problemOfRefusal(refusal: Refusal, answerer: Answerer, { keyName = HTTP_KEY_NAME }: AskContext): Problem {
  const { name } = answerer;
  const common = refusal as CommonRefusal;
  switch (common.code) {
    case 'not_found':
      return notFound(name);
    case 'idempotency_mismatch':
      return new Problem(common.code, `This ${keyName} was used with another body; use a new one for a new request.`);
    case 'precondition_failed':
      return preconditionFailed(common, name);
    case 'too_many_keys':
      return new Problem(
        'idempotency_key_invalid',
        `This ${name} remembers ${common.countMax} keys and takes no more; what you ask for is done already.`,
      );
    default: {
      const problem = answerer.problemOf?.(refusal);
      if (problem !== undefined) return problem;
      // A refusal that no request of this edge can meet: a defect, not the caller's doing.
      throw new Error(`the edge has no answer for the refusal ${refusal.code}`);
    }
  }
}

/** The entity's state does not permit what was asked. @param allowed the states that may be asked for now. */
export function illegalTransition(what: string, from: string, allowed: readonly string[]): Problem {
  const next = allowed.length === 0 ? 'nothing is permitted any more' : `permitted: ${allowed.join(', ')}`;
  return new Problem('illegal_transition', `The ${what} is ${from}; ${next}.`, { members: { from, allowed } });
}

function preconditionFailed({ version }: PreconditionFailed, what: string): Problem {
  if (version === undefined)
    return new Problem('precondition_failed', `There is no such ${what}; nothing was applied.`);
  const tag = entityTag(version);
  const detail = `The ${what} is at ${tag}, which If-Match or If-None-Match refuses; nothing was applied. Read it again.`;
  return new Problem('precondition_failed', detail, { headers: { ETag: tag } });
}

function problemOfFailure(
  { code, detail }: Extract<Answer, { kind: 'failed' }>,
  what: string,
  { keyed, keyName = HTTP_KEY_NAME, whereToLook = {} }: AskContext,
): Problem {
  switch (code) {
    case 'overloaded':
    case 'unavailable': {
      const why = code === 'overloaded' ? 'has too much to do' : "can't be reached";
      const sentence = `The ${what} ${why} now; nothing was applied. Send the request again later.`;
      return new Problem(code, sentence, { retryAfterSeconds: retryAfterSeconds() });
    }
    case 'quarantined':
      // No promise that nothing was applied: the damage may have come between a commit and its answer.
      return new Problem(
        'unavailable',
        `The stored record of this ${what} can't be read; its operators must repair it.`,
        {
          retryAfterSeconds: QUARANTINE_RETRY_SECONDS,
          isOfOneRecord: true,
        },
      );
    case 'not_applied':
      // The database refuses content for good (SQLSTATE classes 22, 23, 54): sending it again can't help.
      return new Problem(
        'validation_failed',
        `The storage refused the content of this request for good; nothing was applied.`,
      );
    case 'outcome_unknown': {
      const members = whereToLook;
      if (!keyed) {
        const sentence = `It is not known whether this was applied; read the ${what} before you send it again.`;
        return new Problem(code, sentence, { members });
      }
      const sentence = `It is not known whether this was applied; send the same request with the same ${keyName}.`;
      return new Problem(code, sentence, { members, retryable: true, retryAfterSeconds: retryAfterSeconds() });
    }
    default:
      throw new Error(`the edge has no answer for the failure ${String(code)}: ${detail}`);
  }
}

/** A read that failed: nothing could have been applied, whatever the reason. */
export function problemOfRead(answer: Unanswered, answerer: Answerer): Problem {
  const failure =
    answer.kind === 'failed' && answer.code === 'outcome_unknown'
      ? { ...answer, code: 'unavailable' as const }
      : answer;
  return problemOfAnswer(failure, answerer, { keyed: false });
}

export function notFound(what: string): Problem {
  return new Problem('not_found', `There is no such ${what}.`);
}
