/** Why nact is patched. Where one of these fails, the part of the patch that it names can go. */
import { expect } from 'chai';
import { dispatch, spawn, start, stop, type Ref } from 'nact';
import { turns } from '../test/support/wait-until.ts';
import { withOneContext, type NactActor } from './nact-actor.ts';

describe('nact by itself', () => {
  let system: ReturnType<typeof start>;
  beforeEach(() => (system = start()));
  afterEach(() => stop(system));

  /** An actor that notes the contexts of its messages. */
  const spawned = (isPatched: boolean): { contexts: unknown[]; self: NactActor; ref: Ref<unknown> } => {
    const contexts: unknown[] = [];
    let self!: NactActor;
    const handle = (_state: undefined, _message: unknown, context: unknown): undefined => void contexts.push(context);
    const ref = spawn(system as Ref<unknown>, handle as never, undefined, {
      initialStateFunc(this: unknown, context: unknown) {
        self = isPatched ? withOneContext(this, context) : (this as NactActor);
        return undefined as never;
      },
    });
    return { contexts, self, ref };
  };

  it('makes a context at each message; with `withOneContext` it does not', async () => {
    for (const isPatched of [false, true]) {
      const { contexts, ref } = spawned(isPatched);
      for (const message of [1, 2]) dispatch(ref, message);
      await turns(5);
      expect(contexts).to.have.length(2);
      expect(contexts[0] === contexts[1]).to.equal(isPatched);
    }
  });

  it('keeps the immediate that has run', async () => {
    const { self, ref } = spawned(false);
    dispatch(ref, 1);
    await turns(5);
    expect(self.immediate).to.not.equal(undefined);
  });
});
