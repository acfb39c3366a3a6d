import { expect } from 'chai';
import { maskedBody } from './masked-body.ts';

describe('a masked body', () => {
  it('shows a command without its payment token', () => {
    const body = {
      customerId: 'c',
      paymentMethod: { type: 'card', token: 'tok_secret' },
      orderLines: [{ quantity: 1 }],
    };
    expect(maskedBody(body)).to.deep.equal({ ...body, paymentMethod: { type: 'card', token: '***' } });
  });

  it('shows no card number, however it is written, but ids', () => {
    for (const number of ['4111111111111111', '4111 1111 1111 1111', '4111-1111-1111-1111']) {
      expect(JSON.stringify(maskedBody({ note: [`pay ${number} now`] }))).to.equal('{"note":["pay *** now"]}');
      expect(maskedBody(`pay ${number} now`)).to.equal('pay *** now');
    }
    const orderId = '01912345-1234-7123-8123-123456789012';
    expect(maskedBody({ orderId })).to.deep.equal({ orderId });
  });

  it('shows what is no JSON as text, in part and without a token', () => {
    expect(maskedBody(Buffer.from('{"token": "tok_secret", "type"'))).to.equal('{"token": ***, "type"');
    expect(maskedBody(Buffer.from('{"a": 1, "token": "tok_secr'))).to.equal('{"a": 1, "token": ***');
    expect(maskedBody(Buffer.from('type=card&token=tok_secret&x=1'))).to.equal('type=card&token=***&x=1');
    expect(maskedBody('x'.repeat(10_000))).to.have.length(2_003);
  });

  it('shows what is no object as it is', () => {
    for (const body of [null, 1, true, []]) expect(maskedBody(body)).to.deep.equal(body);
  });
});
