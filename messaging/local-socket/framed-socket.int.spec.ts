/** Frames over a real stream socket, cut and joined as streams do. */
import { expect } from 'chai';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { systemClock } from '../../kernel/clock.ts';
import type { Envelope } from '../envelope.ts';
import { turns, waitUntil } from '../../test/support/wait-until.ts';
import { FramedSocket } from './framed-socket.ts';

const answerOf = (id: number, detail = ''): Envelope => ({
  kind: 'answer',
  id,
  answer: { kind: 'failed', code: 'unavailable', detail },
});

function frameOf(text: string): Buffer {
  const body = Buffer.from(text);
  const frame = Buffer.alloc(4 + body.length);
  frame.writeUInt32BE(body.length, 0);
  body.copy(frame, 4);
  return frame;
}

describe('framed socket', () => {
  let folder: string;
  let server: Server;
  let raw: Socket;
  let framed: FramedSocket;
  let received: Envelope[];
  let closes: number;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'hf-frames-'));
    received = [];
    closes = 0;
    const file = path.join(folder, 's.sock');
    const accepted = new Promise<void>((resolve) => {
      server = createServer((socket) => {
        framed = new FramedSocket(
          socket,
          systemClock,
          (envelope) => received.push(envelope),
          () => closes++,
        );
        resolve();
      });
    });
    await new Promise<void>((resolve) => server.listen(file, resolve));
    raw = connect(file);
    raw.on('error', () => undefined);
    raw.setNoDelay(true);
    await accepted;
  });
  afterEach(async () => {
    raw.destroy();
    framed.close();
    await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true, force: true });
  });

  const write = (bytes: Buffer): Promise<void> => new Promise((resolve) => raw.write(bytes, () => resolve()));

  it('reads frames that are split at every byte', async () => {
    const envelopes = [[answerOf(1, 'ä😀')], [], [answerOf(2), answerOf(3, '日本')]];
    const bytes = Buffer.concat(envelopes.map((each) => frameOf(JSON.stringify(each))));
    for (let cut = 1; cut < bytes.length; cut++) {
      received.length = 0;
      await write(bytes.subarray(0, cut));
      await turns(1);
      await write(bytes.subarray(cut));
      await waitUntil(
        `the frames cut at ${cut} are read`,
        () => received.length === 3,
        () => received,
      );
      expect(received).to.deep.equal(envelopes.flat());
    }
    expect(closes).to.equal(0);
  });

  it('reads frames that come byte by byte, and many in one piece', async () => {
    const bytes = frameOf(JSON.stringify([answerOf(1, 'x')]));
    for (const byte of bytes) await write(Buffer.from([byte]));
    await write(Buffer.concat([bytes, bytes, bytes, bytes.subarray(0, 3)]));
    await write(bytes.subarray(3));
    await waitUntil('all are read', () => received.length === 5);
  });

  it('reads a frame of many megabytes', async () => {
    await write(frameOf(JSON.stringify([answerOf(1, 'x'.repeat(8 * 1024 * 1024))])));
    await waitUntil('it is read', () => received.length === 1);
  });

  for (const [name, bytes] of [
    ['an absurd length', Buffer.from([0x7f, 0xff, 0xff, 0xff])],
    ['a length beyond the limit', Buffer.from([0x10, 0x00, 0x00, 0x01])],
    ['no JSON', frameOf('{[')],
    ['no array', frameOf('5')],
    ['null', frameOf('null')],
  ] as const) {
    it(`closes the connection at ${name}, without waiting for the rest`, async () => {
      await write(bytes);
      await waitUntil('it is closed', () => closes === 1);
      expect(received).to.deep.equal([]);
    });
  }

  it('sends what one turn has in one frame, in order', async () => {
    const chunks: Buffer[] = [];
    raw.on('data', (chunk: Buffer) => chunks.push(chunk));
    for (let id = 1; id <= 50; id++) framed.send(answerOf(id));
    const expected = frameOf(JSON.stringify(Array.from({ length: 50 }, (_, index) => answerOf(index + 1))));
    await waitUntil('all bytes are there', () => Buffer.concat(chunks).length >= expected.length);
    expect(Buffer.concat(chunks).equals(expected)).to.equal(true);
  });

  it('cuts a crowd into frames of a bounded number, and a bounded size', async () => {
    const chunks: Buffer[] = [];
    raw.on('data', (chunk: Buffer) => chunks.push(chunk));
    for (let id = 1; id <= 2_500; id++) framed.send(answerOf(id));
    for (let id = 1; id <= 30; id++) framed.send(answerOf(id, 'x'.repeat(1024 * 1024)));
    const frames = (): { counts: number[]; bytes: number[] } => {
      const bytes = Buffer.concat(chunks);
      const found = { counts: [] as number[], bytes: [] as number[] };
      for (let offset = 0; offset + 4 <= bytes.length;) {
        const length = bytes.readUInt32BE(offset);
        if (offset + 4 + length > bytes.length) break;
        found.counts.push((JSON.parse(bytes.toString('utf8', offset + 4, offset + 4 + length)) as unknown[]).length);
        found.bytes.push(length);
        offset += 4 + length;
      }
      return found;
    };
    await waitUntil('all are there', () => chunks.reduce((sum, { length }) => sum + length, 0) > 30 * 1024 * 1024);
    await waitUntil('all frames are whole', () => frames().counts.reduce((sum, count) => sum + count, 0) === 2_530);
    expect(Math.max(...frames().counts)).to.be.at.most(200);
    expect(Math.max(...frames().bytes)).to.be.at.most(17 * 1024 * 1024);
  });

  it('says once that the connection has ended, and sends nothing more', async () => {
    raw.destroy();
    await waitUntil('it is noticed', () => closes === 1);
    framed.send(answerOf(1));
    framed.close();
    await turns();
    expect(closes).to.equal(1);
  });
});
