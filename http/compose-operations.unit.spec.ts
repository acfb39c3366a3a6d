import { expect } from 'chai';
import { PUBLIC_EVENTS } from '../actors/index.ts';
import { composeOperations as compose } from './compose-operations.ts';
import { defineOperation, type OperationDefinition } from './operation-definition.ts';
import { defineProblem, type ProblemKind } from './problems.ts';

const composeOperations = (operations: readonly OperationDefinition[]) =>
  compose(operations, { messages: [], events: PUBLIC_EVENTS });
const at = (id: string, path: string): OperationDefinition =>
  defineOperation({
    ...{ id, path, method: 'GET', access: 'any', summary: '', responses: {} },
    handler: () => () => undefined,
  });

describe('the operations of an edge', () => {
  it('are those of the actors, in their order, and the own ones behind them', () => {
    const ids = composeOperations([at('b', '/b'), at('a', '/a')]).map(({ id }) => id);
    expect(ids.slice(0, 3)).to.deep.equal(['b', 'a', 'live']);
  });

  it('have a handler: without one they do not compile', () => {
    // @ts-expect-error there is no handler
    defineOperation({ id: 'a', path: '/a', method: 'GET', access: 'any', summary: '', responses: {} });
  });

  it('have an id each', () => {
    expect(() => composeOperations([at('a', '/a'), at('a', '/b')])).to.throw('two operations have the id "a"');
    expect(() => composeOperations([at('docs', '/a')])).to.throw('two operations have the id "docs"');
  });

  it('have an address each, whatever its variables are called', () => {
    const both = [at('a', '/things/{thingId}'), at('b', '/things/{id}')];
    expect(() => composeOperations(both)).to.throw('"a" and "b" both serve GET /things/{id}');
    expect(() => composeOperations([at('a', '/docs')])).to.throw('"a" and "docs" both serve GET /docs');
  });

  it('mean one problem by one code', () => {
    const taken = defineProblem({ code: 'not_found', status: 410, title: 'Gone', retryable: false });
    const own = defineProblem({ ...taken, code: 'gone' });
    const raising = (problem: ProblemKind) => ({ ...at('a', '/a'), problems: [problem] });
    expect(() => composeOperations([raising(taken)])).to.throw('two problems have the code "not_found"');
    expect(() => composeOperations([raising(own), { ...raising(own), id: 'b', path: '/b' }])).not.to.throw();
  });
});
