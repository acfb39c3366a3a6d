import { expect } from 'chai';
import type { LoadJob, Mix } from './messages.ts';
import { type Operation, Operations } from './operations.ts';
import { productIds } from './order-body.ts';

const job: LoadJob = {
  port: 4000,
  tokens: ['token-a', 'token-b'],
  adminToken: 'token-admin',
  form: { products: 10, linesPerOrder: 2 },
  mix: { place: 1 },
  keyPrefix: 'run-',
  phases: [],
};

const drawn = (mix: Mix, count: number): Operation[] => {
  const operations = new Operations({ ...job, mix });
  return Array.from({ length: count }, () => operations.next());
};

function parse({ request }: Operation): { line: string; headers: Map<string, string>; body: string } {
  const [head = '', body = ''] = request.split('\r\n\r\n');
  const [line = '', ...lines] = head.split('\r\n');
  return { line, headers: new Map(lines.map((each) => each.split(': ') as [string, string])), body };
}

interface Order {
  readonly orderLines: readonly { readonly productId: string }[];
  readonly confirmation?: string;
}

describe('operations of a load', () => {
  it('place orders of distinct lines out of the products of the form, complete with length and token', () => {
    for (const operation of drawn({ place: 1 }, 500)) {
      const { headers, body } = parse(operation);
      const products = new Set((JSON.parse(body) as Order).orderLines.map((line) => line.productId));
      expect(products.size).to.equal(2);
      expect(productIds(job.form)).to.include.members([...products]);
      expect(headers.get('Content-Length')).to.equal(String(Buffer.byteLength(body)));
      expect(['Bearer token-a', 'Bearer token-b']).to.include(headers.get('Authorization'));
    }
  });

  it('have a key each, and send the same bodies in the same order every time', () => {
    const [first, second] = [drawn({ place: 1 }, 100), drawn({ place: 1 }, 100)];
    expect(new Set(first.map((each) => parse(each).headers.get('Idempotency-Key'))).size).to.equal(100);
    expect(first.map((each) => each.request)).to.deep.equal(second.map((each) => each.request));
    expect(new Set(first.map((each) => parse(each).body)).size).to.be.greaterThan(50);
  });

  it('come as often as their weights say', () => {
    const names = drawn({ place: 3, 'read stock': 1 }, 4_000).map(({ name }) => name);
    expect(names.filter((name) => name === 'place').length).to.be.within(2_850, 3_150);
  });

  it('wait for the confirmation only where that is what is measured', () => {
    const prefer = (mix: Mix): string | undefined => parse(drawn(mix, 1)[0]!).headers.get('Prefer');
    expect([prefer({ place: 1 }), prefer({ 'place until confirmed': 1 })]).to.deep.equal([undefined, 'wait=30']);
  });

  it('read, as its customer, an order that was answered before; until there is one they look at stock', () => {
    const operations = new Operations({ ...job, mix: { place: 1, read: 1 } });
    const reads: string[] = [];
    for (let count = 0; count < 200; count++) {
      const operation = operations.next();
      if (operation.name === 'place') {
        const token = parse(operation).headers.get('Authorization')!;
        expect(operation.whyWrong({ status: 201, body: `{"orderId":"of ${token}"}` })).to.equal(undefined);
      } else if (operation.name === 'read') {
        const { line, headers } = parse(operation);
        expect(line).to.equal(`GET /api/v1/orders/of ${headers.get('Authorization')} HTTP/1.1`);
        reads.push(line);
      } else expect(operation.name).to.equal('read stock');
    }
    expect(reads.length).to.be.greaterThan(50);
  });

  it('take an order for confirmation or cancellation once, and not before it can be authorized', () => {
    const operations = new Operations({ ...job, mix: { 'place manually': 1, confirm: 1 } });
    for (let count = 0; count < 100; count++) {
      const operation = operations.next();
      if (operation.name !== 'place manually') {
        expect(operation.name, 'nothing is old enough').to.equal('read stock');
        continue;
      }
      expect((JSON.parse(parse(operation).body) as Order).confirmation).to.equal('manual');
      operation.whyWrong({ status: 201, body: `{"orderId":"${count}"}` });
    }
  });

  it('count as wrong what was answered otherwise', () => {
    const [place, stock] = [drawn({ place: 1 }, 1)[0]!, drawn({ 'read stock': 1 }, 1)[0]!];
    expect(place.whyWrong({ status: 422, body: 'no such product' })).to.equal('answer 422: no such product');
    expect(place.whyWrong({ status: 201, body: '{}' })).to.contain('answer 201');
    expect(stock.whyWrong({ status: 200, body: '{}' })).to.equal(undefined);
    expect(stock.whyWrong({ status: 404, body: '' })).to.contain('answer 404');
    expect([place.isOrder, stock.isOrder]).to.deep.equal([true, false]);
  });
});
