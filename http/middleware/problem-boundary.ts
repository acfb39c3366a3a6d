/**
 * Owns the outermost step: every request gets its name, and whatever is thrown behind it becomes an answer in the form
 * of a problem. Where the client has gone it ends here. Nothing a client does may end the process.
 */
import type { Middleware } from 'koa';
import type { Logger } from 'pino';
import type { AccessLog } from '../access-log.ts';
import { answerProblem, headersOfEveryAnswer, setHeaders } from '../answer.ts';
import type { EdgeAnswers } from '../answer-counts.ts';
import { ClientGone, discardRest } from '../body.ts';
import type { RequestState } from '../edge-context.ts';
import { Problem } from '../problems.ts';
import { requestIdOf } from '../request-id.ts';

const UNEXPECTED =
  'An unexpected error; it was logged under this requestId. Whether anything was applied is not known.';

/** @param bodyBytesMax see discardRest. */
export function problemBoundary(
  log: Logger,
  bodyBytesMax: number,
  answers: EdgeAnswers,
  accessLog: AccessLog,
): Middleware<RequestState> {
  return async (ctx, next) => {
    const startedMs = accessLog.nowMs;
    const requestId = requestIdOf(ctx.headers['request-id']);
    ctx.state.requestId = requestId;
    setHeaders(ctx, headersOfEveryAnswer(requestId));
    try {
      await next();
    } catch (thrown) {
      if (thrown instanceof ClientGone) ctx.respond = false;
      else if (thrown instanceof Problem) {
        answers.count(thrown);
        answerProblem(ctx, thrown);
      } else {
        log.error({ err: thrown, requestId, method: ctx.method }, 'an unexpected error in the edge');
        const problem = new Problem('internal', UNEXPECTED);
        answers.count(problem);
        answerProblem(ctx, problem);
      }
    }
    answers.answered++;
    accessLog.write(ctx, startedMs);
    // What was answered before its body had come: the client may go on sending it.
    if (!ctx.req.complete) discardRest(ctx.req, bodyBytesMax);
  };
}
