import { expect } from 'chai';
import { AmqpFrames, isBasicAck } from './amqp-frames.ts';

function frame(type: number, channel: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(7);
  header.writeUInt8(type, 0);
  header.writeUInt16BE(channel, 1);
  header.writeUInt32BE(payload.length, 3);
  return Buffer.concat([header, payload, Buffer.from([0xce])]);
}

function method(classId: number, methodId: number, ...rest: readonly number[]): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt16BE(classId, 0);
  payload.writeUInt16BE(methodId, 2);
  return Buffer.concat([payload, Buffer.from(rest)]);
}

const ACK = frame(1, 3, method(60, 80, 0, 0, 0, 0, 0, 0, 0, 9, 1));
const DELIVER = frame(1, 3, method(60, 60, 1, 2, 3));
const BODY = frame(3, 3, method(60, 80));
const HEARTBEAT = frame(8, 0, Buffer.alloc(0));

describe('the frames of a broker', () => {
  it('are told apart, however they are cut into pieces', () => {
    const all = [HEARTBEAT, ACK, DELIVER, BODY];
    const stream = Buffer.concat(all);
    for (let size = 1; size <= stream.length; size++) {
      const frames = new AmqpFrames();
      const found: Buffer[] = [];
      for (let at = 0; at < stream.length; at += size) found.push(...frames.push(stream.subarray(at, at + size)));
      expect(
        found.map((each) => each.toString('hex')),
        `pieces of ${size}`,
      ).to.deep.equal(all.map((each) => each.toString('hex')));
    }
  });

  it('are a confirm only where they are the method basic.ack', () => {
    expect([ACK, DELIVER, BODY, HEARTBEAT].map(isBasicAck)).to.deep.equal([true, false, false, false]);
  });

  it('need not be there: a broker that refuses the protocol is passed on as it speaks', () => {
    const refusal = Buffer.from('AMQP\x00\x00\x09\x01', 'latin1');
    expect(Buffer.concat(new AmqpFrames().push(refusal)).equals(refusal)).to.equal(true);
  });
});
