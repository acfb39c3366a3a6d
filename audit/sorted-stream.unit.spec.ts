import { expect } from 'chai';
import { smallestKey, SortedStream } from './sorted-stream.ts';

async function* batches(...rows: readonly (readonly string[])[]): AsyncGenerator<readonly string[]> {
  yield* rows;
}
const keyOf = (row: string): string => row.charAt(0);

describe('sorted stream', () => {
  it('gathers a group that runs over batches, empty ones too', async () => {
    const stream = new SortedStream(batches(['a1', 'a2'], [], ['a3', 'b1'], ['c1']), keyOf);
    expect(await stream.take('a')).to.deep.equal(['a1', 'a2', 'a3']);
    expect(await stream.key()).to.equal('b');
    expect(await stream.take('a')).to.deep.equal([]);
    expect(await stream.take('b')).to.deep.equal(['b1']);
    expect(await stream.take('c')).to.deep.equal(['c1']);
    expect(await stream.key()).to.equal(undefined);
  });
  it('merges: the smallest key of all streams comes next', async () => {
    const streams = [
      new SortedStream(batches(['b1']), keyOf),
      new SortedStream(batches([]), keyOf),
      new SortedStream(batches(['a1', 'c1']), keyOf),
    ];
    const keys: string[] = [];
    for (let key = await smallestKey(streams); key !== undefined; key = await smallestKey(streams)) {
      keys.push(key);
      for (const stream of streams) await stream.take(key);
    }
    expect(keys).to.deep.equal(['a', 'b', 'c']);
  });
  it('refuses rows that come out of order', async () => {
    const stream = new SortedStream(batches(['b1', 'a1']), keyOf);
    await stream.take('b').then(
      () => expect.fail('it was taken'),
      (error: unknown) => expect(String(error)).to.include('orders text by its bytes'),
    );
  });
});
