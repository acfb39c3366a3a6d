import { expect } from 'chai';
import { composeActors } from './compose-actors.ts';
import { ACTORS } from './index.ts';

describe('the kinds of actors together', () => {
  it('have one that keeps claims', () => {
    const without = ACTORS.filter(({ claims }) => claims === undefined);
    expect(() => composeActors(without)).to.throw('one kind of actor keeps claims, not none');
    const [order] = ACTORS;
    const another = { ...order!, kind: 'parcel', prefix: 'par_' };
    expect(() => composeActors([...ACTORS, another])).to.throw('one kind of actor keeps claims, not order and parcel');
  });
});
