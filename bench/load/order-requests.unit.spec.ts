import { expect } from 'chai';
import type { LoadJob } from './messages.ts';
import { OrderRequests, productIds } from './order-requests.ts';

const job: LoadJob = {
  port: 4000,
  concurrency: 1,
  tokens: ['token-a', 'token-b'],
  form: { products: 10, linesPerOrder: 2 },
  keyPrefix: 'run-',
  end: { kind: 'after-orders', orders: 1 },
};

interface Order {
  readonly orderLines: readonly { readonly productId: string }[];
}

function parse(request: string): { headers: Map<string, string>; body: string } {
  const [head = '', body = ''] = request.split('\r\n\r\n');
  const headers = head
    .split('\r\n')
    .slice(1)
    .map((line) => line.split(': ') as [string, string]);
  return { headers: new Map(headers), body };
}

function next(requests: OrderRequests, count: number): string[] {
  return Array.from({ length: count }, () => requests.next());
}

describe('OrderRequests', () => {
  it('makes orders of distinct lines out of the products of the form', () => {
    for (const request of next(new OrderRequests(job), 500)) {
      const { orderLines } = JSON.parse(parse(request).body) as Order;
      const products = new Set(orderLines.map((line) => line.productId));
      expect(products.size).to.equal(2);
      expect(productIds(job.form)).to.include.members([...products]);
    }
  });

  it('gives each a key of its own, also when the prepared ones come round again', () => {
    const keys = next(new OrderRequests(job), 9000).map((request) => parse(request).headers.get('Idempotency-Key'));
    expect(new Set(keys).size).to.equal(9000);
    expect(keys[0]).to.equal('run-0');
  });

  it('announces the length that the body has, and takes turns with the tokens', () => {
    const [one, other] = next(new OrderRequests(job), 2).map(parse);
    expect(one!.headers.get('Content-Length')).to.equal(String(one!.body.length));
    expect(one!.headers.get('Authorization')).to.equal('Bearer token-a');
    expect(other!.headers.get('Authorization')).to.equal('Bearer token-b');
  });

  it('is the same load each time', () => {
    expect(next(new OrderRequests(job), 100)).to.deep.equal(next(new OrderRequests(job), 100));
  });

  it('asks for one product alone in a form that has no other', () => {
    const hot = new OrderRequests({ ...job, form: { products: 1, linesPerOrder: 1 } });
    const { orderLines } = JSON.parse(parse(hot.next()).body) as Order;
    expect(orderLines.map((line) => line.productId)).to.deep.equal(productIds({ products: 1, linesPerOrder: 1 }));
  });
});
