import { expect } from 'chai';
import { applicationNameIn } from './startup-packet.ts';

function packet(version: number, ...texts: readonly string[]): Buffer {
  const body = Buffer.from(`${texts.join('\0')}\0\0`);
  const header = Buffer.alloc(8);
  header.writeInt32BE(8 + body.length, 0);
  header.writeInt32BE(version, 4);
  return Buffer.concat([header, body]);
}

const VERSION_3 = 196_608;
const CANCEL_REQUEST = 80_877_102;

describe("a session's first bytes", () => {
  it('name the application, wherever it stands', () => {
    const name = 'holdfast/w0-17/journal';
    expect(applicationNameIn(packet(VERSION_3, 'user', 'me', 'application_name', name))).to.equal(name);
    expect(applicationNameIn(packet(VERSION_3, 'application_name', name, 'user', 'me'))).to.equal(name);
  });

  it('name none where only a value is called so', () => {
    expect(applicationNameIn(packet(VERSION_3, 'user', 'application_name', 'database', 'x'))).to.equal(undefined);
  });

  it('name none in a packet of another kind, or one that is not complete', () => {
    expect(applicationNameIn(packet(CANCEL_REQUEST, 'application_name', 'x'))).to.equal(undefined);
    expect(applicationNameIn(packet(VERSION_3, 'application_name', 'x').subarray(0, 20))).to.equal(undefined);
    expect(applicationNameIn(Buffer.alloc(3))).to.equal(undefined);
  });
});
